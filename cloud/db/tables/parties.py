"""Who there is: tenants, their staff and tokens, their subscribers."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from cloud.db.tables.base import instant, key, metadata, ref, tenant_table, text

tenant = Table(
    "tenant",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    text("name"),
    Column("time_zone", Text, nullable=False, server_default="Africa/Nairobi"),
    Column("currency", Text, nullable=False, server_default="KES"),
    Column("state", Text, nullable=False, server_default="active"),
    Column("next_account", BigInteger, nullable=False, server_default="1"),
    instant("created_at"),
    CheckConstraint("state in ('active', 'suspended')", name="state"),
)

staff = tenant_table(
    "staff",
    key(),
    text("email"),
    text("name"),
    text("role"),
    Column("active", Boolean, nullable=False, server_default="true"),
    instant("created_at"),
    UniqueConstraint("tenant_id", "email"),
    CheckConstraint("role in ('owner', 'finance', 'support', 'noc', 'installer', 'auditor')", name="role"),
)

api_token = tenant_table(
    "api_token",
    key(),
    *ref("staff_id", "staff"),
    text("name"),
    Column("secret_sha256", BYTEA, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    instant("created_at"),
    instant("expires_at", nullable=True),
    instant("revoked_at", nullable=True),
    UniqueConstraint("tenant_id", "secret_sha256"),
)

subscriber = tenant_table(
    "subscriber",
    key(),
    text("account_number"),
    text("name"),
    Column("balance_cents", BigInteger, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="0"),
    instant("created_at"),
    UniqueConstraint("tenant_id", "account_number"),
)
"""balance_cents: what we owe the subscriber (credit) if positive; it equals minus the sum of his ledger entries."""

subscriber_phone = tenant_table(
    "subscriber_phone",
    Column("phone", Text, primary_key=True),
    *ref("subscriber_id", "subscriber"),
    Column("phone_sha256", Text, nullable=False),
    Index(None, "tenant_id", "phone_sha256"),
    Index(None, "tenant_id", "subscriber_id"),
)
"""phone: 2547XXXXXXXX. Its SHA-256 hex is what M-Pesa sends in hashed confirmations."""

payer = tenant_table(
    "payer",
    Column("rail", Text, primary_key=True),
    Column("payer_key", Text, primary_key=True),
    *ref("subscriber_id", "subscriber"),
    instant("learned_at"),
)
"""Who paid for whom before: learned when staff assigns a payment. payer_key: the SHA-256 hex of his phone, or, where
the rail has no phones, what it names him by."""
