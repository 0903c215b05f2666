"""Phones: money, a PIN and habits; what M-Pesa lets each of them pay, and what it answers when it does not."""

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from lab.safaricom.bodies import EAST_AFRICA

PHONES_MAX = 1_000_000
_FIRST = ("JANE", "JOHN", "MARY", "PETER", "GRACE", "DAVID", "FAITH", "BRIAN", "MERCY", "KEVIN", "WANJIKU", "OTIENO")
_LAST = ("KAMAU", "OCHIENG", "MUTUA", "CHEBET", "NJOROGE", "ACHIENG", "WAFULA", "HASSAN", "KIPROTICH", "MWANGI")
SCRIPT_MAX = 1_000
SAME_AGAIN_S = 120  # the same amount to the same recipient within two minutes: code 17
WRONG_PINS_MAX = 3
Does = Literal["pay", "cancel", "wrong-pin", "silent", "late", "late-expired", "unreachable", "fail"]
DOES: tuple[str, ...] = get_args(Does)


@dataclass(frozen=True, slots=True)
class Habit:
    """What a phone does with a prompt."""

    does: Does = "pay"
    after_s: float = 5.0
    """How long its owner takes; `silent` and the `late` ones ignore it."""
    late_s: float = 90.0
    """`late`: the success comes so long after the prompt, when 1037 (or 1019) has been told already."""
    code: str = ""
    """`fail`: the ResultCode to end with, whatever it is."""

    def __post_init__(self) -> None:
        if self.does not in DOES:
            raise ValueError(f"no phone does {self.does!r}; known are: {', '.join(DOES)}")
        if (self.does == "fail") != bool(self.code):
            raise ValueError("`fail` needs a code, and nothing else takes one")
        if not 0 <= self.after_s <= 86_400 or not 0 <= self.late_s <= 86_400:
            raise ValueError("a phone takes between 0 and 86400 seconds")


@dataclass(frozen=True, slots=True)
class Limits:
    """What Safaricom lets a customer do, in cents; the defaults are of 2025."""

    least_cents: int = 100
    per_payment_cents: int = 25_000_000
    per_day_cents: int = 50_000_000
    wallet_cents: int = 50_000_000


@dataclass(slots=True)
class Phone:
    """One customer's wallet."""

    msisdn: str
    name: str = "JANE DOE"
    balance_cents: int = 0
    habit: Habit = Habit()
    script: deque[Habit] = field(default_factory=lambda: deque(maxlen=SCRIPT_MAX))
    """What it does with the next prompts, before the habit holds again."""
    customer: Literal["registered", "unregistered", "none"] = "registered"
    """Whether M-Pesa knows its owner, lets him collect all the same, or does not know the number at all."""
    busy: bool = False
    """A prompt is on its screen."""
    wrong_pins: int = 0
    spent_on: str = ""
    spent_cents: int = 0
    recent: dict[tuple[str, int], int] = field(default_factory=dict)
    """When it last paid an amount to a recipient, in microseconds."""

    @property
    def pin_locked(self) -> bool:
        """Three wrong PINs in a row lock it."""
        return self.wrong_pins >= WRONG_PINS_MAX

    def next_habit(self) -> Habit:
        """What it does with this prompt."""
        return self.script.popleft() if self.script else self.habit


class Phones:
    """All phones by number. One that is asked for and not known is made: by shares, the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.limits = Limits()
        self.shares: dict[Does, float] = {"pay": 1.0}
        self.start_cents = 5_000_000
        self.after_s = 5.0
        self.brought_in_cents = 0
        """All money that ever came into this world: it is in a wallet or an organisation's account, or was paid out."""
        self._seed = seed
        self._of: dict[str, Phone] = {}

    def get(self, msisdn: str) -> Phone:
        """Return a phone, made at its first use."""
        phone = self._of.get(msisdn)
        if phone is None:
            if len(self._of) >= PHONES_MAX:
                raise OverflowError(f"the simulation keeps at most {PHONES_MAX} phones")
            chance = random.Random(f"{self._seed}/{msisdn}")  # noqa: S311  # replayable, not secret
            kinds = list(self.shares)
            (does,) = chance.choices(kinds, [self.shares[kind] for kind in kinds])
            phone = self._of[msisdn] = Phone(
                msisdn, f"{chance.choice(_FIRST)} {chance.choice(_LAST)}", habit=Habit(does, self.after_s)
            )
            self.put_in(phone, self.start_cents)
        return phone

    def list_all(self) -> list[Phone]:
        """Return every phone that was used."""
        return list(self._of.values())

    def share(self, shares: Mapping[str, float]) -> None:
        """Say which share of phones made from now on does what."""
        if unknown := set(shares) - set(DOES) | set(shares) & {"fail"}:
            raise ValueError(f"no phone does {sorted(unknown)}; known are: {', '.join(DOES[:-1])}")
        if not shares or min(shares.values()) < 0 or sum(shares.values()) <= 0:
            raise ValueError("shares are numbers of zero or more, one of them more")
        self.shares = {does: shares[does] for does in get_args(Does) if does in shares}

    def put_in(self, phone: Phone, cents: int) -> None:
        """Its owner hands cash to an agent; the wallet's limit is not looked at."""
        phone.balance_cents += cents
        self.brought_in_cents += cents

    def objection(self, phone: Phone, recipient: str, cents: int, now_us: int) -> str | None:
        """Return the ResultCode with which M-Pesa refuses this payment, or None."""
        limits = self.limits
        if cents < limits.least_cents:
            return "2"
        if cents > limits.per_payment_cents:
            return "3"
        spent = phone.spent_cents if phone.spent_on == _day(now_us) else 0
        if spent + cents > limits.per_day_cents:
            return "4"
        last_us = phone.recent.get((recipient, cents))
        if last_us is not None and now_us - last_us < SAME_AGAIN_S * 1_000_000:
            return "17"
        return "1" if cents > phone.balance_cents else None

    def spend(self, phone: Phone, recipient: str, cents: int, now_us: int) -> None:
        """Take the money out of the wallet; the caller puts it into an account."""
        phone.balance_cents -= cents
        day = _day(now_us)
        phone.spent_on, phone.spent_cents = day, cents + (phone.spent_cents if phone.spent_on == day else 0)
        kept_us = now_us - SAME_AGAIN_S * 1_000_000
        phone.recent = {key: at_us for key, at_us in phone.recent.items() if at_us > kept_us}
        phone.recent[recipient, cents] = now_us

    def receive(self, phone: Phone, cents: int) -> bool:
        """Put money from an account into the wallet; False (code 8) when it would hold too much."""
        if phone.balance_cents + cents > self.limits.wallet_cents:
            return False
        phone.balance_cents += cents
        return True

    @property
    def total_cents(self) -> int:
        """What all wallets hold."""
        return sum(phone.balance_cents for phone in self._of.values())


def _day(now_us: int) -> str:
    return datetime.fromtimestamp(now_us // 1_000_000, UTC).astimezone(EAST_AFRICA).date().isoformat()
