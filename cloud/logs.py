"""Logging: one line per event, readable or JSON, with phone numbers masked and secrets left out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_PHONE = re.compile(r"\b((?:254|0)[17]\d\d)\d{4}(\d{2})\b")
_HOOK = re.compile(r"(/hooks/p/)[^/\s\"']+")
_SECRET_NAMES = frozenset({"password", "token", "secret", "authorization", "claim", "claim_code", "url", "dsn"})


def set_up_logs(level: str, *, as_json: bool) -> None:
    """Send everything, the libraries' lines too, through one road to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    render = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, render]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("alembic", "httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask phone numbers and webhook paths wherever they stand, and drop values named like secrets."""
    for name, value in event.items():
        if name in _SECRET_NAMES:
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = mask(value)
    return event


def mask(text: str) -> str:
    """Return the text without whole phone numbers and without webhook tokens."""
    return _HOOK.sub(r"\1***", _PHONE.sub(r"\1****\2", text))
