"""How the rail behaves today: everything about it that is undocumented, unreliable or changed is a switch here."""

from dataclasses import dataclass
from typing import Literal

CALLBACK_TIMEOUT_S = 8.0  # what M-Pesa waits for a validation answer, by all accounts
RETRIES_MAX = 60
COPIES_MAX = 16


@dataclass(frozen=True, slots=True)
class Manner:
    """Switches of the simulation. The default is a good day: one prompt callback per payment."""

    version: Literal["v1", "v2"] = "v2"
    """v1 hashes the payer's number, v2 masks it."""
    validation: bool = False
    """Off unless the shop asked Safaricom for it by e-mail, as in life."""
    copies: int = 1
    """Confirmations sent per payment."""
    at_once: bool = False
    """The copies leave together instead of one after the other."""
    lose: float = 0.0
    """Share of payments whose confirmation is never sent at all; they are in the statement only."""
    delay_s: tuple[float, float] = (0.0, 0.0)
    """A confirmation waits somewhere between these; a wide range makes them arrive out of order."""
    hold: bool = False
    """Keep confirmations back until `Rail.release`."""
    retries: int = 0
    """After a timeout, a broken connection or a non-2xx answer. Accounts differ from never to several: 0..N."""
    retry_wait_s: float = 1.0
    timeout_s: float = CALLBACK_TIMEOUT_S
    names: Literal["first", "all", "none"] = "first"
    """`first`: the keys MiddleName and LastName are absent, as production has sent."""
    amount: Literal["two-places", "whole"] = "two-places"
    """Both "1500.00" and "1500" have been seen."""
    type_blank: bool = False
    """TransactionType is sometimes empty."""

    till_reference: bool = False
    """Buy Goods: BillRefNumber is there and empty, rather than absent."""

    # OAuth
    expires_in: Literal["string", "number", "missing"] = "string"
    token_life_s: float = 3599.0
    one_token: bool = True
    """A newer token puts the older out, as the portal says."""

    # STK push: its callback
    early: bool = False
    """The callback is delivered before the synchronous answer (the phone answers at once)."""
    result_code: Literal["number", "string"] = "number"
    balance_item: Literal["bare", "absent", "text"] = "bare"
    """`bare`: an item `Balance` without a Value, as recorded."""
    phone_item: Literal["number", "masked", "absent"] = "number"
    shuffle_items: bool = False
    wording: Literal["plain", "varied"] = "plain"
    """`varied`: ResultDesc with the prefixes that have been seen."""
    locked: Literal["refuse", "callback"] = "refuse"
    """Two pushes at once: refused in the answer, or accepted and called back with 1001."""
    stk_confirms: bool = True
    """A paid push also sends a C2B confirmation when addresses are registered."""

    # STK query
    pending: Literal["500", "4999"] = "500"
    queries_per_minute: int = 0
    """0: no limit. The sandbox allows 5 with a burst of one."""
    query_lies: bool = False
    """A paid push is reported as failed, as the sandbox has done."""

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= RETRIES_MAX or not 1 <= self.copies <= COPIES_MAX or not 0 <= self.lose <= 1:
            raise ValueError(f"no such manner: {self}")
