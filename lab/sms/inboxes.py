"""The phones: what each really received. This, not any report, is the truth about delivery."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from lab.sms.numbers import hashed
from lab.sms.segments import cut

PHONES_MAX = 1_000_000
KEPT_PER_PHONE = 1_000

PhoneState = Literal["on", "off", "absent", "blocked", "dnd"]
"""on; off (received when it is switched on again); absent (no such subscriber); blocked (he opted out); dnd."""


@dataclass(frozen=True, slots=True)
class Received:
    """One text on one phone."""

    number: int
    to: str
    sender: str
    text: str
    encoding: str
    segments: int
    message_id: str
    at_us: int


@dataclass(slots=True)
class Phone:
    """One phone; whoever was never heard of is switched on."""

    number: str
    state: PhoneState = "on"
    inbox: deque[Received] = field(default_factory=lambda: deque(maxlen=KEPT_PER_PHONE))


class Inboxes:
    """All phones by their normal number."""

    def __init__(self) -> None:
        self._phones: dict[str, Phone] = {}
        self._hashes: dict[str, str] = {}
        self.received_in_all = 0
        self.segments_in_all = 0

    def phone(self, number: str) -> Phone:
        """Return a phone; one that was never heard of is made."""
        found = self._phones.get(number)
        if found is None:
            if len(self._phones) >= PHONES_MAX:
                raise OverflowError(f"the simulated network has at most {PHONES_MAX} phones; start it anew")
            found = self._phones[number] = Phone(number)
            self._hashes[hashed(number)] = number
        return found

    def find_hashed(self, digest: str) -> str | None:
        """Return the number that a hash stands for, among the phones heard of."""
        return self._hashes.get(digest.lower())

    def receive(self, to: str, sender: str, text: str, message_id: str, at_us: int) -> Received:
        """Put a text on a phone."""
        self.received_in_all += 1
        how = cut(text)
        self.segments_in_all += how.segments
        one = Received(self.received_in_all, to, sender, text, how.encoding, how.segments, message_id, at_us)
        self.phone(to).inbox.append(one)
        return one

    def list_received(self, number: str | None = None, since: int = 0) -> list[Received]:
        """Return what came in after `since`, on one phone or on all, in order."""
        phones = self._phones.values() if number is None else [self.phone(number)]
        found = [one for phone in phones for one in phone.inbox if one.number > since]
        return sorted(found, key=lambda one: one.number)

    def list_phones(self) -> list[Phone]:
        """Return every phone heard of."""
        return list(self._phones.values())
