"""What is sold and where: sites, routers, plans, subscriptions."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.dialects.postgresql import BYTEA, CIDR, INET

from cloud.db.tables.base import cents, instant, key, ref, tenant_table, text

site_group = tenant_table("site_group", key(), text("name"), UniqueConstraint("tenant_id", "name"))

site = tenant_table(
    "site",
    key(),
    *ref("group_id", "site_group", nullable=True),
    text("name"),
    Column("pool", CIDR, nullable=False),
    Column("prefix_pool", CIDR, nullable=True),
    Column("epoch", BigInteger, nullable=False, server_default="1"),
    Column("generation", BigInteger, nullable=False, server_default="0"),
    Column("digest", Text, nullable=False, server_default="0" * 64),
    instant("created_at"),
    UniqueConstraint("tenant_id", "name"),
)
"""generation and digest are those of the desired state; they change only with rows of desired_row,
under a lock of the site's row."""

router = tenant_table(
    "router",
    key(),
    *ref("site_id", "site"),
    text("name"),
    Column("model", Text),
    instant("created_at"),
    UniqueConstraint("tenant_id", "site_id", "name"),
)

plan = tenant_table(
    "plan",
    key(),
    text("name"),
    text("access"),
    Column("current_version", Integer, nullable=False, server_default="1"),
    instant("created_at"),
    instant("retired_at", nullable=True),
    UniqueConstraint("tenant_id", "name"),
)

plan_version = tenant_table(
    "plan_version",
    Column("plan_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    cents("price_cents"),
    Column("duration_s", Integer, nullable=False),
    Column("up_bps", BigInteger, nullable=False),
    Column("down_bps", BigInteger, nullable=False),
    Column("outage_grace_s", Integer, nullable=False, server_default="0"),
    instant("created_at"),
    ForeignKeyConstraint(["tenant_id", "plan_id"], ["plan.tenant_id", "plan.id"]),
    CheckConstraint("price_cents > 0 and duration_s > 0 and up_bps > 0 and down_bps > 0", name="positive"),
)
"""Immutable: a trigger refuses UPDATE and DELETE. A change of price is a new version."""

subscription = tenant_table(
    "subscription",
    key(),
    *ref("subscriber_id", "subscriber"),
    *ref("site_id", "site"),
    Column("plan_id", Uuid, nullable=False),
    Column("plan_version", Integer, nullable=False),
    text("access"),
    text("username"),
    Column("password_sealed", BYTEA, nullable=False),
    Column("password_revision", Integer, nullable=False, server_default="1"),
    Column("address", INET, nullable=False),
    Column("prefix", CIDR, nullable=True),
    Column("lifecycle", Text, nullable=False, server_default="active"),
    instant("valid_until", nullable=True),
    instant("paused_at", nullable=True),
    Column("never_cut", Text, nullable=True),
    Column("overdue_state", Text, nullable=False),
    text("reason"),
    instant("next_change_at", nullable=True),
    instant("created_at"),
    ForeignKeyConstraint(
        ["tenant_id", "plan_id", "plan_version"],
        ["plan_version.tenant_id", "plan_version.plan_id", "plan_version.version"],
    ),
    UniqueConstraint("tenant_id", "site_id", "access", "username"),
    UniqueConstraint("tenant_id", "site_id", "address"),
    CheckConstraint("lifecycle in ('active', 'paused', 'terminated')", name="lifecycle"),
    CheckConstraint("overdue_state in ('current', 'grace', 'walled', 'off')", name="overdue_state"),
    CheckConstraint("(lifecycle = 'paused') = (paused_at is not null)", name="paused"),
    Index(None, "tenant_id", "subscriber_id"),
    Index(None, "tenant_id", "username"),
    Index("ix_subscription_due", "next_change_at", postgresql_where=sql("next_change_at is not null")),
)
"""valid_until null: nothing was bought yet. paused_at: what is left of the paid time is counted from here when it is
resumed. never_cut holds the reason why he is never cut. overdue_state, reason and
next_change_at are what the pure rules said at the last change of anything they depend on."""
