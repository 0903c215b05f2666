"""What all tables share: one metadata, named constraints, and the tenant in every key."""

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

GLOBAL_TABLES = frozenset({"tenant"})
"""Tables above the tenants; every other table has tenant_id in its primary key and row-level security."""


def tenant_table(name: str, *items: SchemaItem) -> Table:
    """Make a table of a tenant's rows: `tenant_id` comes first in the primary key."""
    tenant_id = Column("tenant_id", Uuid, primary_key=True, nullable=False)
    # A mandatory reference to another row of the tenant proves the tenant too; its own check would be paid per row.
    owner = [] if _refers_always(items) else [ForeignKeyConstraint(["tenant_id"], ["tenant.id"])]
    return Table(name, metadata, tenant_id, *items, *owner)


def _refers_always(items: tuple[SchemaItem, ...]) -> bool:
    optional = {item.name for item in items if isinstance(item, Column) and item.nullable}
    keys = [item for item in items if isinstance(item, ForeignKeyConstraint)]
    return any(not optional.intersection(key.column_keys) for key in keys)


def key(name: str = "id") -> Column[Any]:
    """Make a UUID column of the primary key; ids are made by `cloud.ids`, never by the database."""
    return Column(name, Uuid, primary_key=True, nullable=False)


def ref(column: str, table: str, *, nullable: bool = False) -> list[SchemaItem]:
    """Make a reference to another row of the same tenant: a cross-tenant one cannot even be stored."""
    return [
        Column(column, Uuid, nullable=nullable),
        ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"]),
    ]


def text(name: str, *, nullable: bool = False) -> Column[Any]:
    """Make a text column."""
    return Column(name, Text, nullable=nullable)


def cents(name: str) -> Column[Any]:
    """Make an amount column: integer cents of the tenant's currency."""
    return Column(name, BigInteger, nullable=False)


def instant(name: str, *, nullable: bool = False) -> Column[Any]:
    """Make an instant column: always with its time zone, always written as UTC."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)
