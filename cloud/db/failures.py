"""What a database error asks for: another try at once, a pause, or a bug report."""

from collections.abc import Callable

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

DatabaseError = (DBAPIError, psycopg.Error, PoolTimeout, OSError)
"""Everything that a statement or a connection attempt may raise."""

_CONFLICTS = frozenset({"40001", "40P01", "23505", "55P03"})
"""Serialisation failure, deadlock, somebody else's row with the same key, lock not available in time."""


def is_conflict(error: BaseException) -> bool:
    """Say whether two transactions met: the whole transaction may be tried again at once."""
    return _sqlstate(error) in _CONFLICTS


def is_outage(error: BaseException) -> bool:
    """Say whether the server is away, full or stopping: try again after a pause."""
    if isinstance(error, PoolTimeout | OSError):
        return True
    state = _sqlstate(error)
    if state is None:
        return isinstance(_cause(error), psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(("08", "53", "57P"))


def pause_s(attempt: int, random_below: Callable[[int], int], *, cap_s: float = 5.0) -> float:
    """Return how long to wait before try `attempt` (from 1): full jitter under a doubling bound, so that all who lost
    the server together do not come back together."""
    bound_ms = int(min(cap_s, 0.05 * 2 ** min(attempt, 16)) * 1000)
    return random_below(bound_ms + 1) / 1000


def broken_constraint(error: BaseException) -> str:
    """Return the name of the constraint that refused a row, or ""."""
    cause = _cause(error)
    return (cause.diag.constraint_name or "") if isinstance(cause, psycopg.Error) else ""


def _cause(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _sqlstate(error: BaseException) -> str | None:
    cause = _cause(error)
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None
