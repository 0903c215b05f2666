"""The road to the sites: agents and claims, what each site shall match, what it reported, and the keys that sign."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from cloud.db.tables.base import instant, key, ref, tenant_table, text

agent = tenant_table(
    "agent",
    key(),
    text("name"),
    *ref("site_id", "site"),
    text("installation"),
    Column("shard", SmallInteger, nullable=False),
    Column("state", Text, nullable=False, server_default="active"),
    Column("signing_key", BYTEA, nullable=False),
    Column("sealing_key", BYTEA, nullable=False),
    text("certificate_pem"),
    Column("certificate_serial", Text, nullable=False),
    instant("certificate_until"),
    Column("last_sequence", BigInteger, nullable=False, server_default="0"),
    Column("connection", Text, nullable=True),
    instant("last_seen_at", nullable=True),
    instant("enrolled_at"),
    instant("revoked_at", nullable=True),
    Column("revoked_reason", Text, nullable=True),
    CheckConstraint("state in ('active', 'revoked')", name="state"),
    CheckConstraint("shard between 0 and 63", name="shard"),
    UniqueConstraint("name", name="uq_agent_name"),
    Index("ix_agent_one_active", "tenant_id", "site_id", unique=True, postgresql_where=sql("state = 'active'")),
)
"""name: the certificate's CN, the MQTT client id and the topic level; unique over all tenants.
connection: of the last hello."""

claim = tenant_table(
    "claim",
    key(),
    *ref("site_id", "site"),
    Column("code_sha256", BYTEA, nullable=False),
    Column("bound_key", BYTEA, nullable=True),
    *ref("agent_id", "agent", nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    UniqueConstraint("code_sha256", name="uq_claim_code"),
)
"""bound_key: the signing key that used the code first; only it may use it again, and gets the same answer."""

desired_row = tenant_table(
    "desired_row",
    Column("site_id", Uuid, primary_key=True),
    Column("subscription_id", Uuid, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("row", Text, nullable=True),
    Column("applied_generation", BigInteger, nullable=True),
    Column("applied_access", Text, nullable=True),
    instant("applied_at", nullable=True),
    instant("online_at", nullable=True),
    ForeignKeyConstraint(["tenant_id", "site_id"], ["site.tenant_id", "site.id"]),
    ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscription.tenant_id", "subscription.id"]),
    Index("ix_desired_row_generation", "tenant_id", "site_id", "generation"),
)
"""row: the exact text (protocol.entitlement.render_row); null: removed at that generation. All rows with a
generation above n are the delta from n, so no log is kept beside it. applied_* and online_at: what the site last
reported of it."""

sealed_credential = tenant_table(
    "sealed_credential",
    Column("subscription_id", Uuid, primary_key=True),
    text("installation"),
    Column("revision", Integer, nullable=False),
    text("sealed"),
    ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscription.tenant_id", "subscription.id"]),
)
"""A password sealed to the agent that serves the subscription, kept so that a payment need not seal again."""

agent_report = tenant_table(
    "agent_report",
    Column("site_id", Uuid, primary_key=True),
    *ref("agent_id", "agent"),
    Column("epoch", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("applied", BigInteger, nullable=False),
    text("digest"),
    text("router_digest"),
    Column("failed_count", Integer, nullable=False),
    Column("detail", JSONB, nullable=False),
    instant("reported_at"),
    ForeignKeyConstraint(["tenant_id", "site_id"], ["site.tenant_id", "site.id"]),
)
"""The last `reported` of the site's agent; detail: its body."""

agent_event = tenant_table(
    "agent_event",
    Column("installation", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    *ref("agent_id", "agent"),
    text("kind"),
    Column("subscription_id", Uuid, nullable=True),
    Column("data", JSONB, nullable=False),
    instant("at"),
    instant("received_at"),
)

signing_key = tenant_table(
    "signing_key",
    Column("kid", Text, primary_key=True),
    text("role"),
    Column("public", BYTEA, nullable=False),
    Column("private_sealed", BYTEA, nullable=True),
    instant("not_before"),
    instant("not_after"),
    CheckConstraint("role in ('root', 'online')", name="role"),
)
"""private_sealed null: kept elsewhere (an offline root)."""

key_list = tenant_table(
    "key_list",
    Column("version", BigInteger, primary_key=True),
    Column("frame", BYTEA, nullable=False),
    instant("signed_at"),
)
