"""How a running script is left before its end."""

from lab.mikrotik.console.values import Value


class Returned(Exception):
    """`:return` on its way to the function, or the script, that it ends."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Stopped(Exception):
    """The router goes down: nothing of the script runs any more."""
