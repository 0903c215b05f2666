"""How the rail behaves today: everything about it that is undocumented, unreliable or changed is a switch here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import UnionType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from lab.safaricom.switches import OrganisationSwitches, set_switches

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

    conversation_key: bool = False
    """Register and simulate also answer an empty ConversationID, as they used to."""

    # OAuth
    expires_in: Literal["string", "number", "missing"] = "string"
    token_life_s: float = 3599.0
    one_token: bool = True
    """A newer token puts the older out, as the portal says."""

    # STK push
    reference_max: int = 12
    """AccountReference: the portal says 12; the sandbox has taken 15."""
    description_max: int = 13
    prompt_timeout_s: float = 60.0
    """How long a prompt stays on a phone that nobody answers."""
    push_ids: Literal["hex", "old", "dmz"] = "hex"
    """The forms of MerchantRequestID and CheckoutRequestID: today's, of 2019, and from behind the DMZ."""

    # STK push: its callback
    early: bool = False
    """The callback is delivered before the synchronous answer (the phone answers at once); so are results."""
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
    queries_per_minute: int | None = None
    """0: no limit. None: as measured, 5 in the sandbox with a burst of one; what production allows is unpublished."""
    query_lies: bool = False
    """A paid push is reported as failed, as the sandbox has done."""

    organisation: OrganisationSwitches = field(default_factory=OrganisationSwitches)
    """Results, money, Pull, QR and the statement."""

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= RETRIES_MAX or not 1 <= self.copies <= COPIES_MAX or not 0 <= self.lose <= 1:
            raise ValueError(f"retries are 0 to {RETRIES_MAX}, copies 1 to {COPIES_MAX}, and lose is a share of 0 to 1")

    def changed(self, values: Mapping[str, Any]) -> Self:
        """Return this manner with some switches set, as words of JSON. ValueError says which one makes no sense."""
        hints = get_type_hints(type(self))
        fitted: dict[str, Any] = {}
        for name, value in values.items():
            if name not in hints:
                raise ValueError(f"no switch {name!r}; known are: {', '.join(hints)}")
            group = name == "organisation"
            fitted[name] = set_switches(self.organisation, value) if group else _fit(name, hints[name], value)
        return replace(self, **fitted)


def _fit(name: str, hint: Any, value: Any) -> Any:
    """The value as the switch wants it."""
    if get_origin(hint) is Literal:
        good, wanted = value in get_args(hint), f"one of {', '.join(map(str, get_args(hint)))}"
    elif get_origin(hint) is tuple:
        good, wanted = isinstance(value, list | tuple) and len(value) == 2, "two numbers"
        good = good and all(_is_number(each) for each in value)
        value = tuple(value) if good else value
    elif isinstance(hint, UnionType):
        good, wanted = value is None or _is_number(value), "a number or null"
    elif hint is float:
        good, wanted = _is_number(value), "a number"
    else:
        good, wanted = type(value) is hint, {bool: "true or false", int: "a whole number"}.get(hint, "text")
    if not good:
        raise ValueError(f"{name} is {wanted}, not {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
