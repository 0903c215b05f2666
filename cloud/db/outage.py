"""Telling an outage of the database from a bug of ours."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

OUTAGES = (DBAPIError, PoolTimeout, OSError)
"""What a plain read can raise when the database is gone, or too busy to take it."""


def is_outage(error: BaseException) -> bool:
    """Say whether the same call may succeed later: no connection, none free, a lock or a statement timed out."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout | ConnectionError)
