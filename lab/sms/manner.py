"""How the gateway behaves today: everything about it that is undocumented, unreliable or changed is a switch here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from lab.errors import LabError

Outage = Literal["", "500", "html", "hang", "reset", "close", "cut"]
Spelling = Literal["respose-code", "response-code", "both"]
Order = Literal["kept", "reversed", "shuffled"]
SECONDS_MAX = 86_400.0
COPIES_MAX = 16
RETRIES_MAX = 60


@dataclass(frozen=True, slots=True)
class Manner:
    """Switches of the simulation. The default is a good day: every message arrives, and is reported once."""

    outage: Outage = ""
    """`500` and `html` answer so; `hang` never answers; `reset`, `close` and `cut` break the connection."""
    outage_share: float = 1.0
    """Of the requests, how many meet the outage."""
    outage_after: bool = False
    """The request is carried out, and only its answer meets the outage: the sender cannot know."""
    throttle_per_s: float = 0.0
    """More requests than this are answered 429; 0 is no limit. The real limits are unpublished."""
    refuse_code: int = 0
    """Refuse recipients with this status code of Africa's Talking (401 to 407, 409, 500 to 502)."""
    refuse_share: float = 1.0
    accepted_code: int = 101
    """100 Processed, 101 Sent or 102 Queued: all three mean taken."""
    lose: float = 0.0
    """Share of messages that are accepted, paid for, and never delivered nor reported."""
    fail: float = 0.0
    """Share of messages that end in `fail_status` with `fail_reason`."""
    fail_status: str = "Failed"
    fail_reason: str = "DeliveryFailure"
    delivery_s: tuple[float, float] = (0.0, 0.0)
    """To the phone it takes somewhere between these."""
    interim: tuple[str, ...] = ("Sent",)
    """Reports before the final one: any of Sent, Submitted, Buffered. Which of them are told differs by network."""
    reports_delay_s: tuple[float, float] = (0.0, 0.0)
    reports_copies: int = 1
    reports_lose: float = 0.0
    """Share of single reports that are never sent."""
    reports_order: Order = "kept"
    """Of one message's reports: `reversed` tells the final one first."""
    reports_hold: bool = False
    """Keep reports back until `release`."""
    reports_retries: int = 0
    """After a timeout, a broken connection or a non-2xx answer. Unpublished: 0 to 60."""
    reports_retry_wait_s: float = 1.0
    reports_timeout_s: float = 10.0
    message_parts: bool = True
    """Africa's Talking: `messageParts` in each recipient, as newer answers have it."""
    masked_as_form: bool = True
    """Africa's Talking: the bulk endpoint also takes a form, which is what the official client sends it."""
    json_kind: str = "application/json"
    """The content type of JSON answers; a `; charset=utf-8` behind it is known to upset one official client."""
    spelling: Spelling = "respose-code"
    """White-label: the misspelt key of sending, the right one, or both at once."""
    numbers_as_text: bool = False
    """White-label: `mobile` and `messageid` as text, as some of the family send them."""
    bulk_max: int = 20
    """White-label: messages in one `sendbulk`; some of the family publish 1,000."""
    refusals_flat: bool = True
    """White-label: a refused request is one object; else a list of one under `responses`."""
    pushed: bool = True
    """White-label: delivery is also posted to the registered address."""

    def __post_init__(self) -> None:
        for name in ("outage_share", "refuse_share", "lose", "fail", "reports_lose"):
            _hold(name, 0 <= getattr(self, name) <= 1, "a share is from 0 to 1")
        for name in ("delivery_s", "reports_delay_s"):
            low, high = getattr(self, name)
            _hold(name, 0 <= low <= high <= SECONDS_MAX, "give [low, high] in seconds, a day at most")
        _hold("reports_copies", 1 <= self.reports_copies <= COPIES_MAX, f"1 to {COPIES_MAX}")
        _hold("reports_retries", 0 <= self.reports_retries <= RETRIES_MAX, f"0 to {RETRIES_MAX}")
        _hold("accepted_code", self.accepted_code in {100, 101, 102}, "100, 101 or 102")
        _hold("bulk_max", 1 <= self.bulk_max <= 1_000, "1 to 1000")
        for name, kinds in (("outage", Outage), ("spelling", Spelling), ("reports_order", Order)):
            _hold(name, getattr(self, name) in get_args(kinds), f"one of {', '.join(map(repr, get_args(kinds)))}")


def _hold(name: str, good: bool, wanted: str) -> None:  # noqa: FBT001  # reads as a sentence at the call
    if not good:
        raise LabError(f"{name} cannot be that; {wanted}")


def changed(manner: Manner, facts: Mapping[str, Any]) -> Manner:
    """Return another manner; raises LabError for what is no switch or has another kind of value."""
    known = asdict(manner)
    wanted: dict[str, Any] = {}
    for name, value in facts.items():
        if name not in known:
            raise LabError(f"there is no switch {name!r}; `manner` without anything shows them all")
        wanted[name] = _fitting(name, known[name], value)
    return replace(manner, **wanted)


def _fitting(name: str, now: Any, value: Any) -> Any:
    match now:
        case bool() if isinstance(value, bool):
            return value
        case tuple() if isinstance(value, list | tuple):
            number = name.endswith("_s")
            return tuple(float(each) if number else str(each) for each in value)
        case tuple() if name.endswith("_s") and isinstance(value, int | float) and not isinstance(value, bool):
            return (float(value), float(value))
        case float() if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case int() if isinstance(value, int) and not isinstance(value, bool) and not isinstance(now, bool):
            return value
        case str() if isinstance(value, str | int):
            return str(value)
        case _:
            raise LabError(f"{name} is a {type(now).__name__} such as {now!r}, not {value!r}")
