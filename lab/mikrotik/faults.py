"""Faults that somebody asked for: what goes wrong next, how often, and for which menu."""

from dataclasses import dataclass, field

from lab.control import ControlError

# Faults of a connection: (what happens). Faults of a write carry `nth` and `menu`.
CONNECTION_KINDS = ("refuse", "hang", "hang-after-login", "cut-reply", "stall-reply")
WRITE_KINDS = ("trap-write", "lose-write", "trap-applied", "bare-trap", "reboot-on-write")
# These last until cleared unless told otherwise.
STANDING_KINDS = ("refuse", "hang", "hang-after-login", "slow-print", "session-limit")
KINDS = (*CONNECTION_KINDS, *WRITE_KINDS, "slow-print", "session-limit")

UNSAID = -1


@dataclass(slots=True)
class Fault:
    """One armed fault. `times` None means until cleared (standing kinds are that unless told otherwise);
    `nth` counts matching writes from now on."""

    kind: str
    times: int | None = UNSAID
    nth: int = 1
    menu: str = ""
    message: str = "failure: simulated"
    after_bytes: int = 5
    rows_per_s: int = 1_500
    limit: int = 20
    seen: int = field(default=0)


class Faults:
    """The armed faults, in the order they were armed."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        if fault.kind not in KINDS:
            raise ControlError(f"unknown fault {fault.kind!r}; known are: {', '.join(KINDS)}")
        if fault.times == UNSAID:
            fault.times = None if fault.kind in STANDING_KINDS else 1
        self._armed.append(fault)

    def clear(self, kind: str | None = None) -> None:
        """Disarm one kind, or all."""
        self._armed = [fault for fault in self._armed if kind is not None and fault.kind != kind]

    def find(self, kind: str) -> Fault | None:
        """An armed fault, left armed."""
        return next((fault for fault in self._armed if fault.kind == kind), None)

    def take(self, kind: str) -> Fault | None:
        """An armed fault, used up once."""
        fault = self.find(kind)
        if fault is not None:
            self._use(fault)
        return fault

    def for_write(self, menu: str) -> Fault | None:
        """The fault that hits this write, if it is the nth of its menu."""
        for fault in self._armed:
            if fault.kind not in WRITE_KINDS or (fault.menu and fault.menu != menu):
                continue
            fault.seen += 1
            if fault.seen >= fault.nth:
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            self._armed.remove(fault)
