"""Sets of rows in one statement, and several statements in one round trip: what keeps a payment at a few milliseconds.

A set of rows travels as one JSON text and is unnested by the server: one parameter whatever the number of rows, so
every statement is prepared once. Statements given together are sent in one pipeline; each still sees what the ones
before it did.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql

from cloud.db.engine import Connection, UnscopedQuery

Row = Mapping[str, Any]
T = TypeVar("T")
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # its constructor is not annotated


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with psycopg's named placeholders, composed of our own constants only, and its values."""

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


async def run_all(connection: Connection, statements: Sequence[Statement]) -> list[list[Any]]:
    """Run statements in one round trip; return each one's rows as named tuples (none for a write)."""
    if "tenant" not in (connection.sync_connection.info if connection.sync_connection else {}):
        raise UnscopedQuery("open a transaction with Database.tenant(...) or .worker() before touching rows")
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        async with driver.pipeline():
            cursors = [await _send(driver, statement) for statement in statements]
        return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]
    except psycopg.OperationalError:
        if driver.closed:
            await connection.invalidate()  # the pool must not hand out a dead connection again
        raise


async def read_all(connection: Connection, statement: Statement, shape: Callable[..., T]) -> list[T]:
    """Run one query and make a `shape` of each row; its columns come in the order of the shape's fields."""
    [rows] = await run_all(connection, [statement])
    return [shape(*row) for row in rows]


async def _send(driver: Any, statement: Statement) -> Any:
    cursor = driver.cursor(row_factory=namedtuple_row)
    await cursor.execute(statement.sql, statement.values)
    return cursor


def insert_rows(table: Table, rows: Sequence[Row]) -> list[Statement]:
    """Insert a set; every row has the same columns. No rows, no statement."""
    if not rows:
        return []
    columns = tuple(rows[0])
    return [Statement(_insert_sql(table, columns), {"rows": to_json(rows)})]


def upsert_rows(table: Table, rows: Sequence[Row]) -> list[Statement]:
    """Insert a set, or overwrite the given columns of the rows that exist."""
    if not rows:
        return []
    columns = tuple(rows[0])
    keys = [column.name for column in table.primary_key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in map(_quoted, columns) if name not in keys)
    sql = f"{_insert_sql(table, columns)} on conflict ({', '.join(keys)}) do update set {changed}"
    return [Statement(sql, {"rows": to_json(rows)})]


def update_rows(table: Table, rows: Sequence[Row]) -> list[Statement]:
    """Set the given columns of existing rows, found by the primary key that each row carries."""
    if not rows:
        return []
    return [Statement(_update_sql(table, tuple(rows[0])), {"rows": to_json(rows)})]


def recordset(**types: str) -> str:
    """Return a FROM item that unnests the parameter `rows` into a relation named `r`."""
    columns = ", ".join(f"{_quoted(name)} {type_}" for name, type_ in types.items())
    return f"json_to_recordset(%(rows)s::json) as r({columns})"


def to_json(rows: Sequence[Row]) -> str:
    """Write rows for `recordset`."""
    return json.dumps(rows, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return value.hex  # half the price of str(value), and there are sixty in one payment
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} has no place in a set of rows")


@lru_cache(maxsize=128)
def _insert_sql(table: Table, columns: tuple[str, ...]) -> str:
    names = ", ".join(map(_quoted, columns))
    return f"insert into {table.name} ({names}) select {names} from {_recordset_of(table, columns)}"


@lru_cache(maxsize=128)
def _update_sql(table: Table, columns: tuple[str, ...]) -> str:
    keys = [column.name for column in table.primary_key]
    changed = ", ".join(f"{_quoted(name)} = r.{_quoted(name)}" for name in columns if name not in keys)
    found = " and ".join(f"t.{name} = r.{name}" for name in keys)
    return f"update {table.name} t set {changed} from {_recordset_of(table, columns)} where {found}"


def _recordset_of(table: Table, columns: tuple[str, ...]) -> str:
    return recordset(**{name: _type_of(table.c[name]) for name in columns})


def _type_of(column: Column[Any]) -> str:
    return column.type.compile(dialect=_DIALECT)


def _quoted(name: str) -> str:
    return f'"{name}"'
