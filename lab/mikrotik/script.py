"""Runs .rsc scripts as `/import` does: command by command, stopping at the first error with its line."""

from lab.mikrotik.router import Router
from lab.mikrotik.wire import to_wire


def run_script(router: Router, text: str) -> str:
    """Run a whole script and give what it put out. What ran before an error stays done, as on a router."""
    # Text becomes bytes as UTF-8 and each byte one character, as everywhere on the wire.
    return router.desk.run(to_wire(text), whole=False).output
