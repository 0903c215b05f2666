"""The running agent as a program of its own: `mnara-agent run` becomes this."""

import gc
import signal
import sys
from typing import TYPE_CHECKING

from edge_agent import logs
from edge_agent.assembly import RunningAgent, data_folder
from edge_agent.clock import Clock
from edge_agent.errors import AgentError
from edge_agent.settings import Settings, load_settings

if TYPE_CHECKING:
    from types import FrameType


def main() -> int:
    """Work until a signal; 1 and two sentences when it cannot begin."""
    try:
        settings = load_settings()
        logs.set_up(settings.log_level, as_json=settings.log_json)
        running = RunningAgent(data_folder(settings.data), settings, Clock())
    except AgentError as error:
        sys.stderr.write(f"error: {error.what}.\ndo:    {error.fix}.\n")
        return 1
    except PermissionError as error:
        sys.stderr.write(f"error: {error.filename} may not be read or written.\n")
        sys.stderr.write("do:    run the agent as the user who owns its data folder.\n")
        return 1
    _stop_on_signals(running)
    # What is loaded stays: looking through it for garbage again and again would cost milliseconds at bad moments.
    gc.collect()
    gc.freeze()
    if settings.portal_port:
        _serve_pay_page(running, settings)
    running.run()
    return 0


def _stop_on_signals(running: RunningAgent) -> None:
    def stop(_number: int, _frame: "FrameType | None") -> None:
        running.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _serve_pay_page(running: RunningAgent, settings: Settings) -> None:
    from edge_agent.portal.app import PayPage, serve  # noqa: PLC0415 - uvicorn is only paid for where it is wanted

    page = PayPage(running.site.targets, running.site_name, settings.portal_pay_hint)
    serve(page, settings.portal_host, settings.portal_port)


if __name__ == "__main__":
    sys.exit(main())
