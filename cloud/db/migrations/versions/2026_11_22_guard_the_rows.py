"""Guard the rows: who may do what, row-level security, and the triggers that keep the books honest."""

from alembic import op

revision = "20261122_2"
down_revision = "20261122_1"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("allocation", "audit", "entry", "journal", "key_list", "plan_version", "sale", "timeline")
_CHANGEABLE = (
    "agent",
    "agent_event",
    "agent_report",
    "api_token",
    "callback",
    "claim",
    "desired_row",
    "idempotency",
    "payer",
    "plan",
    "router",
    "sealed_credential",
    "shortcode",
    "signing_key",
    "site",
    "site_group",
    "staff",
    "subscriber",
    "subscriber_phone",
    "subscription",
    "suspense",
)
_ERASABLE = ("agent_event", "idempotency", "payer", "sealed_credential", "subscriber_phone")
"""What may go: personal data, caches, and what has a retention."""


def upgrade() -> None:
    for table in (*_APPEND_ONLY, *_CHANGEABLE, "payment"):
        _separate_tenants(table, "tenant_id")
        op.execute(f"grant select, insert on {table} to mnara_app, mnara_worker")
    for table in _CHANGEABLE:
        op.execute(f"grant update on {table} to mnara_app, mnara_worker")
    for table in _ERASABLE:
        op.execute(f"grant delete on {table} to mnara_app, mnara_worker")
    # What came in is never rewritten; whom it belongs to and what it was used for may change.
    op.execute(
        "grant update (subscriber_id, matched_by, unallocated_cents, payer_key, payer_name, note) "
        "on payment to mnara_app, mnara_worker"
    )
    _separate_tenants("tenant", "id")
    op.execute("grant select, update on tenant to mnara_app, mnara_worker")
    op.execute("grant insert on tenant to mnara_worker")
    _refuse_unbalanced_journals()
    _refuse_changed_plan_versions()


def _separate_tenants(table: str, column: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    # The sub-select is evaluated once per statement, a bare call once per row.
    own = f"{column} = (select current_setting('app.tenant')::uuid)"
    op.execute(f"create policy one_tenant on {table} to mnara_app using ({own}) with check ({own})")
    op.execute(f"create policy all_tenants on {table} to mnara_worker using (true) with check (true)")


def _refuse_unbalanced_journals() -> None:
    """Check whole statements: a journal's entries come in one INSERT, so this costs one scan of the new rows."""
    op.execute(
        """
        create function refuse_unbalanced_journal() returns trigger language plpgsql as $$
        declare wrong uuid;
        begin
          select journal_id into wrong from fresh
            group by tenant_id, journal_id having sum(amount_cents) <> 0 limit 1;
          if found then
            raise exception 'the entries of journal % do not sum to zero', wrong using errcode = 'check_violation';
          end if;
          return null;
        end $$
        """
    )
    op.execute(
        "create trigger entries_sum_to_zero after insert on entry referencing new table as fresh "
        "for each statement execute function refuse_unbalanced_journal()"
    )


def _refuse_changed_plan_versions() -> None:
    op.execute(
        """
        create function refuse_change() returns trigger language plpgsql as $$
        begin
          raise exception 'rows of % are immutable: add a new one', tg_table_name using errcode = 'check_violation';
        end $$
        """
    )
    op.execute(
        "create trigger plan_version_is_immutable before update or delete on plan_version "
        "for each row execute function refuse_change()"
    )
