"""Kinds of values that only scripts and schedulers have."""

import re
from datetime import datetime

from lab.mikrotik.errors import BadValueError

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_DATE_FORMS = ("%Y-%m-%d", "%b/%d/%Y")


def start_date(value: str) -> str:
    """A day in either of the two ways routers write them."""
    read_date(value)
    return value.lower()


def read_date(value: str) -> datetime:
    """The day meant, at midnight and without a zone: routers mean their own."""
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(value, form)  # noqa: DTZ007  # the router's own local time has no zone
        except ValueError:
            continue
    raise BadValueError


def start_time(value: str) -> str:
    """A time of day, or `startup`."""
    if value == "startup":
        return value
    match = _CLOCK.fullmatch(value)
    if match is None:
        raise BadValueError
    return f"{int(match[1]):02}:{match[2]}:{match[3] or '00'}"
