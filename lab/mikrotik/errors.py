"""What a router answers when it does not do what it was told, and what the instrument itself refuses."""

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
    """A value does not fit its field. `allowed` is set when the value is a number outside its range."""

    def __init__(self, allowed: str | None = None) -> None:
        super().__init__(allowed or "bad value")
        self.allowed = allowed


class DialError(RouterLabError):
    """The router did not let a PPPoE client in; the text is the reason it would log."""


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
