"""What happened: the timeline that subscribers' questions are answered from, and the audit of staff's changes."""

from sqlalchemy import Column, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from cloud.db.tables.base import instant, key, ref, tenant_table, text

timeline = tenant_table(
    "timeline",
    key(),
    *ref("subscriber_id", "subscriber"),
    Column("subscription_id", Uuid, nullable=True),
    text("kind"),
    instant("at"),
    Column("data", JSONB, nullable=False),
    Index("ix_timeline_subscriber", "tenant_id", "subscriber_id", "at", "id"),
)

audit = tenant_table(
    "audit",
    key(),
    Column("staff_id", Uuid, nullable=True),
    text("action"),
    text("object_kind"),
    text("object_id"),
    Column("before", JSONB, nullable=True),
    Column("after", JSONB, nullable=True),
    Column("reason", Text, nullable=True),
    instant("at"),
    Index("ix_audit_recent", "tenant_id", "at", "id"),
)
