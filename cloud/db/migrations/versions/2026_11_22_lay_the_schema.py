"""Lay the schema: every table, the tenant in every key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - one statement per table, as Alembic wrote them
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="Africa/Nairobi", nullable=False),
        sa.Column("currency", sa.Text(), server_default="KES", nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("next_account", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('active', 'suspended')", name=op.f("ck_tenant_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenant_slug")),
    )
    op.create_table(
        "audit",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_audit_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_recent", "audit", ["tenant_id", "at", "id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_idempotency_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "idempotency_key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "journal",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "reverses"], ["journal.tenant_id", "journal.id"], name=op.f("fk_journal_tenant_id_reverses")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_journal_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_journal")),
        sa.UniqueConstraint("tenant_id", "kind", "source_id", name=op.f("uq_journal_tenant_id_kind_source_id")),
    )
    op.create_table(
        "key_list",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("frame", postgresql.BYTEA(), nullable=False),
        sa.Column("signed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_key_list_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "version", name=op.f("pk_key_list")),
    )
    op.create_table(
        "plan",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("current_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("retired_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_plan_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plan")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_plan_tenant_id_name")),
    )
    op.create_table(
        "shortcode",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("shortcode", sa.Text(), nullable=False),
        sa.Column("hook_sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("hook_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_shortcode_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shortcode")),
        sa.UniqueConstraint("tenant_id", "hook_sha256", name=op.f("uq_shortcode_tenant_id_hook_sha256")),
        sa.UniqueConstraint("tenant_id", "rail", "shortcode", name=op.f("uq_shortcode_tenant_id_rail_shortcode")),
    )
    op.create_table(
        "signing_key",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("public", postgresql.BYTEA(), nullable=False),
        sa.Column("private_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("not_before", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("not_after", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("role in ('root', 'online')", name=op.f("ck_signing_key_role")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_signing_key_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "kid", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "site_group",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_site_group_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_site_group")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_site_group_tenant_id_name")),
    )
    op.create_table(
        "staff",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role in ('owner', 'finance', 'support', 'noc', 'installer', 'auditor')", name=op.f("ck_staff_role")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_staff_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_staff")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_staff_tenant_id_email")),
    )
    op.create_table(
        "subscriber",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_subscriber_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("tenant_id", "account_number", name=op.f("uq_subscriber_tenant_id_account_number")),
    )
    op.create_table(
        "api_token",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_api_token_tenant_id_staff_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("tenant_id", "secret_sha256", name=op.f("uq_api_token_tenant_id_secret_sha256")),
    )
    op.create_table(
        "callback",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("shortcode_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("raw", postgresql.BYTEA(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("spool_key", sa.Text(), nullable=True),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("settled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('confirmation', 'validation')", name=op.f("ck_callback_kind")),
        sa.CheckConstraint(
            "state in ('new', 'posted', 'duplicate', 'malformed', 'quarantined', 'noted')",
            name=op.f("ck_callback_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shortcode_id"],
            ["shortcode.tenant_id", "shortcode.id"],
            name=op.f("fk_callback_tenant_id_shortcode_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_callback")),
        sa.UniqueConstraint("tenant_id", "spool_key", name=op.f("uq_callback_tenant_id_spool_key")),
    )
    op.create_index("ix_callback_new", "callback", ["id"], unique=False, postgresql_where=sa.text("state = 'new'"))
    op.create_table(
        "entry",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(account = 'subscriber') = (subscriber_id is not null)", name=op.f("ck_entry_subscriber")),
        sa.CheckConstraint("amount_cents <> 0", name=op.f("ck_entry_not_zero")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "journal_id"], ["journal.tenant_id", "journal.id"], name=op.f("fk_entry_tenant_id_journal_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscriber_id"],
            ["subscriber.tenant_id", "subscriber.id"],
            name=op.f("fk_entry_tenant_id_subscriber_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "journal_id", "line", name=op.f("pk_entry")),
    )
    op.create_index(op.f("ix_entry_tenant_id_account"), "entry", ["tenant_id", "account"], unique=False)
    op.create_index(op.f("ix_entry_tenant_id_subscriber_id"), "entry", ["tenant_id", "subscriber_id"], unique=False)
    op.create_table(
        "payer",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("payer_key", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Uuid(), nullable=False),
        sa.Column("learned_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscriber_id"],
            ["subscriber.tenant_id", "subscriber.id"],
            name=op.f("fk_payer_tenant_id_subscriber_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "rail", "payer_key", name=op.f("pk_payer")),
    )
    op.create_table(
        "payment",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("shortcode", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("subscriber_id", sa.Uuid(), nullable=True),
        sa.Column("payer_key", sa.Text(), nullable=True),
        sa.Column("payer_name", sa.Text(), nullable=True),
        sa.Column("bill_reference", sa.Text(), nullable=True),
        sa.Column("matched_by", sa.Text(), nullable=True),
        sa.Column("unallocated_cents", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("paid_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("posted_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_payment_positive")),
        sa.CheckConstraint("unallocated_cents between 0 and amount_cents", name=op.f("ck_payment_unallocated")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_payment_tenant_id_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscriber_id"],
            ["subscriber.tenant_id", "subscriber.id"],
            name=op.f("fk_payment_tenant_id_subscriber_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_payment_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment")),
        sa.UniqueConstraint(
            "tenant_id", "rail", "shortcode", "receipt", name=op.f("uq_payment_tenant_id_rail_shortcode_receipt")
        ),
    )
    op.create_index(
        "ix_payment_credit",
        "payment",
        ["tenant_id", "subscriber_id", "paid_at"],
        unique=False,
        postgresql_where=sa.text("unallocated_cents > 0"),
    )
    op.create_index(
        "ix_payment_payer",
        "payment",
        ["tenant_id", "payer_key"],
        unique=False,
        postgresql_where=sa.text("payer_key is not null"),
    )
    op.create_index("ix_payment_recent", "payment", ["tenant_id", "received_at", "id"], unique=False)
    op.create_table(
        "plan_version",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("up_bps", sa.BigInteger(), nullable=False),
        sa.Column("down_bps", sa.BigInteger(), nullable=False),
        sa.Column("outage_grace_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "price_cents > 0 and duration_s > 0 and up_bps > 0 and down_bps > 0", name=op.f("ck_plan_version_positive")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_id"], ["plan.tenant_id", "plan.id"], name=op.f("fk_plan_version_tenant_id_plan_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "plan_id", "version", name=op.f("pk_plan_version")),
    )
    op.create_table(
        "site",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pool", postgresql.CIDR(), nullable=False),
        sa.Column("prefix_pool", postgresql.CIDR(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "digest",
            sa.Text(),
            server_default="0000000000000000000000000000000000000000000000000000000000000000",
            nullable=False,
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "group_id"],
            ["site_group.tenant_id", "site_group.id"],
            name=op.f("fk_site_tenant_id_group_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_site_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_site")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_site_tenant_id_name")),
    )
    op.create_table(
        "subscriber_phone",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Uuid(), nullable=False),
        sa.Column("phone_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscriber_id"],
            ["subscriber.tenant_id", "subscriber.id"],
            name=op.f("fk_subscriber_phone_tenant_id_subscriber_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "phone", name=op.f("pk_subscriber_phone")),
    )
    op.create_index(
        op.f("ix_subscriber_phone_tenant_id_phone_sha256"),
        "subscriber_phone",
        ["tenant_id", "phone_sha256"],
        unique=False,
    )
    op.create_index(
        op.f("ix_subscriber_phone_tenant_id_subscriber_id"),
        "subscriber_phone",
        ["tenant_id", "subscriber_id"],
        unique=False,
    )
    op.create_table(
        "timeline",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscriber_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscriber_id"],
            ["subscriber.tenant_id", "subscriber.id"],
            name=op.f("fk_timeline_tenant_id_subscriber_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_timeline")),
    )
    op.create_index("ix_timeline_subscriber", "timeline", ["tenant_id", "subscriber_id", "at", "id"], unique=False)
    op.create_table(
        "agent",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("installation", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("signing_key", postgresql.BYTEA(), nullable=False),
        sa.Column("sealing_key", postgresql.BYTEA(), nullable=False),
        sa.Column("certificate_pem", sa.Text(), nullable=False),
        sa.Column("certificate_serial", sa.Text(), nullable=False),
        sa.Column("certificate_until", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("connection", sa.Text(), nullable=True),
        sa.Column("last_seen_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("enrolled_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state in ('active', 'revoked')", name=op.f("ck_agent_state")),
        sa.CheckConstraint("shard between 0 and 63", name=op.f("ck_agent_shard")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"], ["site.tenant_id", "site.id"], name=op.f("fk_agent_tenant_id_site_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_agent")),
        sa.UniqueConstraint("name", name="uq_agent_name"),
    )
    op.create_index(
        "ix_agent_one_active",
        "agent",
        ["tenant_id", "site_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "router",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"], ["site.tenant_id", "site.id"], name=op.f("fk_router_tenant_id_site_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_router")),
        sa.UniqueConstraint("tenant_id", "site_id", "name", name=op.f("uq_router_tenant_id_site_id_name")),
    )
    op.create_table(
        "subscription",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscriber_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("password_revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("address", postgresql.INET(), nullable=False),
        sa.Column("prefix", postgresql.CIDR(), nullable=True),
        sa.Column("lifecycle", sa.Text(), server_default="active", nullable=False),
        sa.Column("valid_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("paused_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("never_cut", sa.Text(), nullable=True),
        sa.Column("overdue_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_change_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("(lifecycle = 'paused') = (paused_at is not null)", name=op.f("ck_subscription_paused")),
        sa.CheckConstraint("lifecycle in ('active', 'paused', 'terminated')", name=op.f("ck_subscription_lifecycle")),
        sa.CheckConstraint(
            "overdue_state in ('current', 'grace', 'walled', 'off')", name=op.f("ck_subscription_overdue_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_id", "plan_version"],
            ["plan_version.tenant_id", "plan_version.plan_id", "plan_version.version"],
            name=op.f("fk_subscription_tenant_id_plan_id_plan_version"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"], ["site.tenant_id", "site.id"], name=op.f("fk_subscription_tenant_id_site_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscriber_id"],
            ["subscriber.tenant_id", "subscriber.id"],
            name=op.f("fk_subscription_tenant_id_subscriber_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_subscription")),
        sa.UniqueConstraint(
            "tenant_id", "site_id", "access", "username", name=op.f("uq_subscription_tenant_id_site_id_access_username")
        ),
        sa.UniqueConstraint("tenant_id", "site_id", "address", name=op.f("uq_subscription_tenant_id_site_id_address")),
    )
    op.create_index(
        "ix_subscription_due",
        "subscription",
        ["next_change_at"],
        unique=False,
        postgresql_where=sa.text("next_change_at is not null"),
    )
    op.create_index(
        op.f("ix_subscription_tenant_id_subscriber_id"), "subscription", ["tenant_id", "subscriber_id"], unique=False
    )
    op.create_index(op.f("ix_subscription_tenant_id_username"), "subscription", ["tenant_id", "username"], unique=False)
    op.create_table(
        "suspense",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("settled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payment.tenant_id", "payment.id"],
            name=op.f("fk_suspense_tenant_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "settled_by"], ["staff.tenant_id", "staff.id"], name=op.f("fk_suspense_tenant_id_settled_by")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "payment_id", name=op.f("pk_suspense")),
    )
    op.create_index(
        "ix_suspense_open",
        "suspense",
        ["tenant_id", "opened_at"],
        unique=False,
        postgresql_where=sa.text("settled_at is null"),
    )
    op.create_table(
        "agent_event",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("installation", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agent_id"], ["agent.tenant_id", "agent.id"], name=op.f("fk_agent_event_tenant_id_agent_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "installation", "number", name=op.f("pk_agent_event")),
    )
    op.create_table(
        "agent_report",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("router_digest", sa.Text(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reported_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agent_id"], ["agent.tenant_id", "agent.id"], name=op.f("fk_agent_report_tenant_id_agent_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"], ["site.tenant_id", "site.id"], name=op.f("fk_agent_report_tenant_id_site_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "site_id", name=op.f("pk_agent_report")),
    )
    op.create_table(
        "claim",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code_sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("bound_key", postgresql.BYTEA(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agent_id"], ["agent.tenant_id", "agent.id"], name=op.f("fk_claim_tenant_id_agent_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"], ["site.tenant_id", "site.id"], name=op.f("fk_claim_tenant_id_site_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_claim")),
        sa.UniqueConstraint("code_sha256", name="uq_claim_code"),
    )
    op.create_table(
        "desired_row",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Text(), nullable=True),
        sa.Column("applied_generation", sa.BigInteger(), nullable=True),
        sa.Column("applied_access", sa.Text(), nullable=True),
        sa.Column("applied_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("online_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"], ["site.tenant_id", "site.id"], name=op.f("fk_desired_row_tenant_id_site_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["subscription.tenant_id", "subscription.id"],
            name=op.f("fk_desired_row_tenant_id_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "site_id", "subscription_id", name=op.f("pk_desired_row")),
    )
    op.create_index("ix_desired_row_generation", "desired_row", ["tenant_id", "site_id", "generation"], unique=False)
    op.create_table(
        "sale",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column("from_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_until", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("journal_id", sa.Uuid(), nullable=False),
        sa.Column("sold_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("valid_until > from_at", name=op.f("ck_sale_period")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "journal_id"], ["journal.tenant_id", "journal.id"], name=op.f("fk_sale_tenant_id_journal_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_id", "plan_version"],
            ["plan_version.tenant_id", "plan_version.plan_id", "plan_version.version"],
            name=op.f("fk_sale_tenant_id_plan_id_plan_version"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["subscription.tenant_id", "subscription.id"],
            name=op.f("fk_sale_tenant_id_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sale")),
    )
    op.create_index(
        op.f("ix_sale_tenant_id_subscription_id_from_at"),
        "sale",
        ["tenant_id", "subscription_id", "from_at"],
        unique=False,
    )
    op.create_table(
        "sealed_credential",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("installation", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["subscription.tenant_id", "subscription.id"],
            name=op.f("fk_sealed_credential_tenant_id_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", name=op.f("pk_sealed_credential")),
    )
    op.create_table(
        "allocation",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("allocated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_allocation_positive")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payment.tenant_id", "payment.id"],
            name=op.f("fk_allocation_tenant_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sale_id"], ["sale.tenant_id", "sale.id"], name=op.f("fk_allocation_tenant_id_sale_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "payment_id", "sale_id", name=op.f("pk_allocation")),
    )
