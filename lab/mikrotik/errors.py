"""What a router answers when it does not do what it was told, and what the instrument itself refuses."""

from collections.abc import Iterable

from lab.errors import LabError


class RouterLabError(LabError):
    """Root of everything this folder raises on purpose."""


class FramingError(RouterLabError):
    """The peer does not speak the API's framing; nothing after this point can be read."""


class Trap(RouterLabError):
    """An error answer (`!trap`), with the category RouterOS gives it, if it gives one."""

    def __init__(self, message: str, category: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.category = category


class Fatal(RouterLabError):
    """The router ends the connection with a bare word (`!fatal`)."""


class BadValueError(RouterLabError):
    """A value does not fit its field. `allowed` is set when the value is a number outside its range; `words` when
    `part` of the value should have been one of these words."""

    def __init__(self, allowed: str | None = None, *, words: Iterable[str] = (), part: str = "") -> None:
        super().__init__(allowed or "bad value")
        self.allowed = allowed
        self.words = tuple(words)
        self.part = part


class DialError(RouterLabError):
    """The router did not let a PPPoE client in; the text is the reason it would log.

    `why` is the same as a word: no-server, max-sessions, unknown-user, bad-secret, disabled, wrong-service, caller-id,
    only-one, no-address, licence. The router itself tells most of them apart nowhere.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why


class HostError(RouterLabError):
    """A host cannot be plugged in like that."""


class HotspotError(RouterLabError):
    """The hotspot did not log a host in; the text is the one its page shows."""


class ScriptError(RouterLabError):
    """A line of a .rsc script failed. A column says that it could not be read; `command` is what failed to run."""

    def __init__(self, line: int, text: str, column: int | None = None, command: str = "") -> None:
        super().__init__(f"{text} (line {line})" if column is None else f"{text} (line {line} column {column})")
        self.message = text
        self.line = line
        self.column = column
        self.command = command


def no_such_item() -> Trap:
    return Trap("no such item", 0)


def no_such_command() -> Trap:
    return Trap("no such command", 0)


def no_such_prefix() -> Trap:
    return Trap("no such command prefix", 0)


def no_permission() -> Trap:
    return Trap("not enough permissions (9)")


def not_modelled(verb: str) -> Trap:
    """A verb that routers have and this one does not: said openly, because no router says this."""
    return Trap(f"failure: the simulator has no {verb}: do without it, or ask a real router")
