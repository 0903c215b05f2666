"""The switches of what organisations do: results, money, Pull, QR, the statement; the defaults follow the evidence."""

from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

PAGE_MAX = 10_000
DELAY_MAX_S = 3_600.0

Switches = TypeVar("Switches")


@dataclass(frozen=True, slots=True)
class ResultSwitches:
    """How the asynchronous `Result` envelope is written and when it comes."""

    delay_s: float = 0.0
    """Between the acknowledgement and the work; the result leaves right after the work."""
    queue: Literal["prompt", "result-later", "done-untold", "not-done"] = "prompt"
    """Anything but prompt posts to QueueTimeOutURL: then the result still comes, or the work was done and nothing more
    is said, or the work was never done."""
    queue_later_s: float = 0.0
    """With `result-later`: how long after the queue's timeout the work is done."""
    code: Literal["number", "string"] = "number"
    """ResultCode has been seen as both; the codes with letters are strings anyway."""
    single: Literal["object", "array"] = "object"
    """One ResultParameter or ReferenceItem alone is a bare object, as XML turned into JSON."""
    shape: Literal["nested", "flat", "swapped"] = "nested"
    """ResultParameters with a ResultParameter inside, as every recording has it; `flat`: without, and `swapped`: the
    two names exchanged, as a public client expects them of status and B2C, and of balances."""
    blank: Literal["absent", "empty"] = "absent"
    """A parameter without a value has no `Value` key, or an empty one."""
    failure_parameters: Literal["absent", "completed-time"] = "absent"
    """A failure has no ResultParameters, or (unverified) one bare BOCompletedTime. The failure of a balance has its
    own, as recorded."""
    spaced_keys: bool = False
    """`Conversation ID` with spaces, as status results had it in 2017."""
    debit_twice: bool = False
    """The portal's sample of a status result says DebitPartyName twice and never CreditPartyName."""
    originator: Literal["numbers", "hex"] = "numbers"
    """OriginatorConversationID as `1236-7134259-1` or in hyphenated hex."""
    reversed_status: Literal["Reversed", "Completed"] = "Reversed"
    """What a status query says of a payment that was reversed in full."""
    receiver: Literal["international", "local"] = "international"
    """Who was paid, in a B2C result: `254722000000 - JANE DOE` by the portal, `0722000000 - JANE DOE` as recorded."""
    float_account: bool = False
    """Older balances had a `Float Account` between Working and Utility."""

    def __post_init__(self) -> None:
        if not 0 <= self.delay_s <= DELAY_MAX_S or not 0 <= self.queue_later_s <= DELAY_MAX_S:
            raise ValueError(f"results wait between 0 and {DELAY_MAX_S:.0f} s")


@dataclass(frozen=True, slots=True)
class MoneySwitches:
    """Limits and charges; all in cents. Safaricom changes them, so they are settings."""

    b2c_min_cents: int = 1_000
    transaction_max_cents: int = 25_000_000
    b2c_from: Literal["utility", "working"] = "utility"
    charge_from: Literal["charges", "drawn"] = "charges"
    """The Charges Paid account goes negative, or the charge is a second line of the account drawn from."""
    b2c_charges: tuple[tuple[int, ...], ...] = ((10_000, 0), (150_000, 500), (500_000, 900), (2_000_000, 1_100))
    """(up to, charge), unverified; above the last, `b2c_charge_above`."""
    b2c_charge_above_cents: int = 1_300
    c2b_charge_ppm: int = 0
    """Of each payment in, for organisations that bear the customer's charge."""
    credential_timestamp: bool = False
    """Also take a SecurityCredential whose password is followed by fourteen digits of time, as one public client
    encrypts it; by all other accounts the password alone is encrypted."""
    credential: Literal["checked", "any"] = "checked"
    """`any` lets every SecurityCredential in: for clients that bring the real environment's certificate with them,
    whose key nobody else has."""
    wrong_passwords_max: int = 3
    password_days: int = 90
    expired_code: Literal["2001", "8006"] = "2001"
    """What an initiator gets whose password is older than it may be."""
    unknown_initiator_code: Literal["2001", "SFC_IC0003"] = "2001"

    def __post_init__(self) -> None:
        if any(len(band) != 2 or min(band) < 0 for band in self.b2c_charges) or self.c2b_charge_ppm > 1_000_000:
            raise ValueError(
                "b2c_charges are pairs of (up to, charge) in cents, and c2b_charge_ppm is at most a million"
            )


@dataclass(frozen=True, slots=True)
class PullSwitches:
    """Pull Transactions: the API whose two documents contradict each other most."""

    methods: tuple[str, ...] = ("POST", "GET")
    """The portal's prose says GET with a body, its header and working clients POST."""
    nested: bool = True
    """Rows in a list inside a list."""
    page: int = 100
    window_h: int = 48
    lag_s: float = 0.0
    """A payment appears this long after it was made."""
    empty: Literal["1001", "500"] = "1001"
    """Nothing in range: code 1001 and `[[]]`, or HTTP 500 "no transactions"."""
    dates: Literal["eat-z", "utc-z", "eat-offset"] = "eat-z"
    """trxDate ends in Z; believed to be East Africa Time all the same."""
    msisdn: Literal["full", "no-254"] = "full"
    amount: Literal["string", "number"] = "string"
    spaced_keys: bool = False
    """`Response Status` and its like with a space, in the answer to the registration."""
    reversed_rows: Literal["stay", "vanish"] = "stay"
    """Whether a payment reversed in full stays in the list."""
    newest_first: bool = False
    """The order of the rows is nowhere said. Newest first, a payment that arrives between two pages moves all rows."""
    check_nominated: bool = False
    """Refuse a NominatedNumber that is not the one in the shortcode's papers."""

    def __post_init__(self) -> None:
        if not 1 <= self.page <= PAGE_MAX or self.lag_s < 0 or not {"GET", "POST"}.issuperset(self.methods):
            raise ValueError(f"a page has 1 to {PAGE_MAX} rows, the lag is not negative, methods are GET and POST")


@dataclass(frozen=True, slots=True)
class StatementSwitches:
    """The portal's CSV: no column name of it is verified."""

    preamble: bool = True
    newest_first: bool = True
    dates: Literal["iso", "day-first"] = "iso"
    withdrawn_negative: bool = True
    thousands: bool = False
    masked: bool = True
    """Other Party Info masks the number."""


@dataclass(frozen=True, slots=True)
class OrganisationSwitches:
    """All of them, as one part of the rail's manner."""

    results: ResultSwitches = field(default_factory=ResultSwitches)
    money: MoneySwitches = field(default_factory=MoneySwitches)
    pull: PullSwitches = field(default_factory=PullSwitches)
    statement: StatementSwitches = field(default_factory=StatementSwitches)
    qr_code: Literal["00", "AG_"] = "00"
    """ResponseCode of Dynamic QR: live reports say 00, the portal's sample AG_ and more."""


def set_switches(switches: Switches, values: Any) -> Switches:
    """Return the switches with some set, from words of JSON; groups are objects. ValueError says what is wrong."""
    hints = get_type_hints(type(switches))
    if not isinstance(values, dict) or not set(values) <= set(hints):
        raise ValueError(f"an object with some of these is wanted: {', '.join(hints)}")
    whatever: Any = switches  # a dataclass of this module; there is no type for that
    fitted = {name: _fit(getattr(switches, name), name, hints[name], value) for name, value in values.items()}
    changed: Switches = replace(whatever, **fitted)
    return changed


def _fit(now: Any, name: str, hint: Any, value: Any) -> Any:
    if is_dataclass(now):
        return set_switches(now, value)
    if get_origin(hint) is Literal:
        good = value in get_args(hint)
    elif get_origin(hint) is tuple:
        good = isinstance(value, list) and all(_is_item(each, now) for each in value)
        value = tuple(tuple(each) if isinstance(each, list) else each for each in value) if good else value
    elif isinstance(now, bool):
        good = isinstance(value, bool)
    else:
        good = _is_number(value) and (isinstance(now, float) or isinstance(value, int))
    if not good:
        raise ValueError(f"{name} cannot be {value!r}; it is {now!r}")
    return value


def _is_item(value: Any, like: tuple[Any, ...]) -> bool:
    """Whether a list's item is of the kind that is there by default: texts, or lists of whole numbers."""
    if all(isinstance(each, str) for each in like):
        return isinstance(value, str)
    return isinstance(value, list) and all(type(each) is int for each in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
