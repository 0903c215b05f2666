"""One text on its way, one account that pays for it, and the reasons for which it is not taken."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, Literal

from lab.errors import LabError
from lab.sms.numbers import Telco

Family = Literal["africas-talking", "white-label"]
State = Literal["accepted", "waiting", "delivered", "failed", "lost"]
FINAL: Final = frozenset({"Success", "Failed", "Rejected"})

REFUSALS: Final[dict[int, str]] = {
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}
"""Africa's Talking's own codes; 409 is the least documented."""


@dataclass(slots=True)
class Account:
    """Who sends, how he proves it, and what he has left; money in ten-thousandths of a shilling, as it is quoted."""

    username: str = "sandbox"
    api_key: str = "lab-key"
    partner_id: str = "1"
    balance: int = 10_000 * 10_000
    price: int = 8_000
    """Of one segment."""
    senders: dict[str, frozenset[str]] = field(default_factory=dict)
    """Registered sender ids, each with its networks; with none registered every sender passes."""

    def may_send_as(self, sender: str, telco: Telco) -> bool:
        """Whether this sender id is registered with this network."""
        return not self.senders or not sender or telco.name in self.senders.get(sender, ())


class NotTaken(LabError):
    """A recipient is refused; `code` is Africa's Talking's."""

    def __init__(self, code: int) -> None:
        super().__init__(REFUSALS.get(code, str(code)))
        self.code = code


@dataclass(slots=True)
class Message:
    """One text to one phone, from its acceptance on."""

    number: int
    id: str
    family: Family
    to: str
    sender: str
    text: str
    segments: int
    telco: Telco
    cost: int
    accepted_at_us: int
    validity_s: float
    state: State = "accepted"
    status: str = ""
    """The last status that came about, told or untold."""
    reason: str = ""
    finished_at_us: int | None = None
    retries: int = 0
    telling: "asyncio.Task[None] | None" = None
    """The report under way; the next one of this message waits for it."""
