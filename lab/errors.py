"""What can go wrong in the lab: an answer of no, something awaited in vain, a step that did not hold."""

from typing import Any


class LabError(Exception):
    """Anything the lab reports to whoever plays with it."""


class Refused(LabError):
    """A public door answered no."""

    def __init__(self, door: str, asked: str, status: int, answer: Any) -> None:
        coded = f"{status} " if status else ""  # control doors have no status
        super().__init__(f"{door} refused {asked}: {coded}{str(answer)[:600]}")
        self.status = status
        self.answer = answer
        self.code = answer.get("code", "") if isinstance(answer, dict) else ""


class NotSeen(LabError):
    """Something awaited did not come in time; says what, and what was seen last."""

    def __init__(self, what: str, limit_s: float, last: object) -> None:
        super().__init__(f"waited {limit_s:g} s for {what}; the last thing seen was: {str(last)[:800]}")


class NotHeld(LabError):
    """A step of the story found the system otherwise than it promises."""


class ProgramFailed(LabError):
    """One of the real programs ended, or did not start."""


def hold(condition: bool, otherwise: str) -> None:  # noqa: FBT001  # reads as a sentence at the call
    """Raise NotHeld with `otherwise` unless the condition is true."""
    if not condition:
        raise NotHeld(otherwise)
