"""Logs: one JSON object a line on stderr, or plain lines for a terminal."""

import logging
import sys
from typing import Any

# structlog pulls in rich for coloured tracebacks if it is there: 6 MB that a tower does not have to spare.
_RICH = sys.modules.get("rich")
if _RICH is None:
    sys.modules["rich"] = None  # type: ignore[assignment]  # importing it now fails as if it were not installed
import structlog  # noqa: E402 - after the lines above

if _RICH is None:
    del sys.modules["rich"]


def set_up(level: str, *, as_json: bool) -> None:
    """Configure once, at start."""
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.processors.KeyValueRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
