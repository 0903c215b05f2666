"""Every shilling: callbacks as they came, payments, the ledger, what was sold, what belongs to nobody yet."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from cloud.db.tables.base import cents, instant, key, ref, tenant_table, text

shortcode = tenant_table(
    "shortcode",
    key(),
    text("rail"),
    text("shortcode"),
    Column("hook_sha256", BYTEA, nullable=False),
    Column("hook_sealed", BYTEA, nullable=False),
    instant("created_at"),
    UniqueConstraint("tenant_id", "rail", "shortcode"),
    UniqueConstraint("tenant_id", "hook_sha256"),
)
"""hook: the unguessable part of the webhook's path; sealed so that staff can be shown the URL again."""

callback = tenant_table(
    "callback",
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    *ref("shortcode_id", "shortcode"),
    text("kind"),
    Column("raw", BYTEA, nullable=False),
    Column("source", Text, nullable=True),
    Column("state", Text, nullable=False, server_default="new"),
    Column("reason", Text, nullable=True),
    Column("payment_id", Uuid, nullable=True),
    Column("spool_key", Text, nullable=True),
    instant("received_at"),
    instant("settled_at", nullable=True),
    CheckConstraint("kind in ('confirmation', 'validation')", name="kind"),
    CheckConstraint("state in ('new', 'posted', 'duplicate', 'malformed', 'quarantined', 'noted')", name="state"),
    UniqueConstraint("tenant_id", "spool_key"),
    Index("ix_callback_new", "id", postgresql_where=sql("state = 'new'")),
)
"""The inbox: a raw body is committed here before the rail is answered. source: the client's address. spool_key: set
when the body waited in the spool file while the database was gone, so that draining it twice stores it once."""

journal = tenant_table(
    "journal",
    key(),
    text("kind"),
    text("source_id"),
    instant("occurred_at"),
    instant("recorded_at"),
    *ref("reverses", "journal", nullable=True),
    UniqueConstraint("tenant_id", "kind", "source_id"),
)

entry = tenant_table(
    "entry",
    Column("journal_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    text("account"),
    *ref("subscriber_id", "subscriber", nullable=True),
    cents("amount_cents"),
    ForeignKeyConstraint(["tenant_id", "journal_id"], ["journal.tenant_id", "journal.id"]),
    CheckConstraint("amount_cents <> 0", name="not_zero"),
    CheckConstraint("(account = 'subscriber') = (subscriber_id is not null)", name="subscriber"),
    Index(None, "tenant_id", "account"),
    Index(None, "tenant_id", "subscriber_id"),
)
"""Debits positive, credits negative; a statement trigger refuses a journal whose entries do not sum to zero.
Append-only."""

payment = tenant_table(
    "payment",
    key(),
    text("rail"),
    text("shortcode"),
    text("receipt"),
    cents("amount_cents"),
    *ref("subscriber_id", "subscriber", nullable=True),
    Column("payer_key", Text, nullable=True),
    Column("payer_name", Text, nullable=True),
    Column("bill_reference", Text, nullable=True),
    Column("matched_by", Text, nullable=True),
    Column("unallocated_cents", BigInteger, nullable=False),
    *ref("staff_id", "staff", nullable=True),
    Column("note", Text, nullable=True),
    instant("paid_at"),
    instant("received_at"),
    instant("posted_at"),
    UniqueConstraint("tenant_id", "rail", "shortcode", "receipt"),
    CheckConstraint("amount_cents > 0", name="positive"),
    CheckConstraint("unallocated_cents between 0 and amount_cents", name="unallocated"),
    Index("ix_payment_recent", "tenant_id", "received_at", "id"),
    Index("ix_payment_payer", "tenant_id", "payer_key", postgresql_where=sql("payer_key is not null")),
    Index("ix_payment_credit", "tenant_id", "subscriber_id", "paid_at", postgresql_where=sql("unallocated_cents > 0")),
)
"""subscriber_id null: in suspense. unallocated_cents: what no sale has used yet."""

suspense = tenant_table(
    "suspense",
    Column("payment_id", Uuid, primary_key=True),
    text("reason"),
    instant("opened_at"),
    instant("settled_at", nullable=True),
    *ref("settled_by", "staff", nullable=True),
    Column("settled_reason", Text, nullable=True),
    ForeignKeyConstraint(["tenant_id", "payment_id"], ["payment.tenant_id", "payment.id"]),
    Index("ix_suspense_open", "tenant_id", "opened_at", postgresql_where=sql("settled_at is null")),
)

sale = tenant_table(
    "sale",
    key(),
    *ref("subscription_id", "subscription"),
    Column("plan_id", Uuid, nullable=False),
    Column("plan_version", Integer, nullable=False),
    cents("price_cents"),
    instant("from_at"),
    instant("valid_until"),
    *ref("journal_id", "journal"),
    instant("sold_at"),
    ForeignKeyConstraint(
        ["tenant_id", "plan_id", "plan_version"],
        ["plan_version.tenant_id", "plan_version.plan_id", "plan_version.version"],
    ),
    CheckConstraint("valid_until > from_at", name="period"),
    Index(None, "tenant_id", "subscription_id", "from_at"),
)
"""One prepaid period sold: [from_at, valid_until)."""

allocation = tenant_table(
    "allocation",
    Column("payment_id", Uuid, primary_key=True),
    Column("sale_id", Uuid, primary_key=True),
    cents("amount_cents"),
    instant("allocated_at"),
    ForeignKeyConstraint(["tenant_id", "payment_id"], ["payment.tenant_id", "payment.id"]),
    ForeignKeyConstraint(["tenant_id", "sale_id"], ["sale.tenant_id", "sale.id"]),
    CheckConstraint("amount_cents > 0", name="positive"),
)

idempotency = tenant_table(
    "idempotency",
    Column("idempotency_key", Text, primary_key=True),
    Column("request_sha256", BYTEA, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", JSONB, nullable=False),
    instant("created_at"),
)
