"""What one transaction does to subscribers' accounts: gathered in memory, written as one statement per table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from cloud.clock import micros
from cloud.db.bulk import Statement, insert_rows, run_all, update_rows
from cloud.db.engine import Connection
from cloud.db.tables.money import allocation, entry, journal, payment, sale, suspense
from cloud.db.tables.network import subscription
from cloud.db.tables.parties import subscriber
from cloud.db.tables.records import audit, timeline
from cloud.db.wallets import Held, Key
from cloud.domain.accounts import Account, held_in
from cloud.domain.allocation import Credit
from cloud.domain.ledger import Journal, move
from cloud.domain.overdue import judge
from cloud.domain.payment import Payment
from cloud.domain.prepaid import Sale, Wallet, after_payment, renew_lapsed
from cloud.domain.subscription import Subscription
from cloud.services.act import Act
from cloud.services.audit_line import audit_row
from cloud.services.desired import Change, plan_publication


class Settlement:
    """Works on locked accounts; `statements` and `changes` say what is to be written and told to the sites."""

    def __init__(self, act: Act, held: Mapping[Key, Held]) -> None:
        self._held = held
        self._act = act
        self._now = act.now
        self._new_id = act.new_id
        self._wallets: dict[Key, Wallet] = {key: one.wallet for key, one in held.items()}
        self._balances: dict[Key, int] = {}
        self._payments: list[tuple[UUID, Payment, UUID | None, str | None]] = []
        self._touched: dict[Key, UUID] = {}
        self._told: dict[Key, UUID] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._others: list[Statement] = []

    def wallet(self, key: Key) -> Wallet:
        """Return a subscriber's wallet as it stands now."""
        return self._wallets[key]

    def take(self, key: Key, paid: Payment, matched_by: str, *, meant: UUID | None = None) -> tuple[Sale, ...]:
        """Book a payment on a subscriber's account and sell what it buys."""
        tenant_id, subscriber_id = key
        self._payments.append((tenant_id, paid, subscriber_id, matched_by))
        self._book(tenant_id, "payment", str(paid.id), paid.paid_at, held_in(paid.rail), Account.SUBSCRIBER, paid, key)
        return self._credit(key, Credit(paid.id, paid.amount_cents, paid.paid_at), meant)

    def suspend(self, tenant_id: UUID, paid: Payment, reason: str) -> None:
        """Book a payment that belongs to nobody yet."""
        self._payments.append((tenant_id, paid, None, None))
        self._book(tenant_id, "payment", str(paid.id), paid.paid_at, held_in(paid.rail), Account.SUSPENSE, paid, None)
        row = {"tenant_id": tenant_id, "payment_id": paid.id, "reason": reason, "opened_at": self._now}
        self._add("suspense", row)

    def move_from_suspense(self, key: Key, paid: Payment) -> tuple[Sale, ...]:
        """Move a suspended payment to a subscriber's account and sell what it buys."""
        self._book(key[0], "assignment", str(paid.id), self._now, Account.SUSPENSE, Account.SUBSCRIBER, paid, key)
        return self._credit(key, Credit(paid.id, paid.amount_cents, paid.paid_at), None)

    def renew(self, key: Key) -> tuple[Sale, ...]:
        """Sell a period to each subscription without paid time, while the credit lasts."""
        self._wallets[key], sales = renew_lapsed(self._wallets[key], self._now, self._new_id)
        self._sold(key, sales)
        return sales

    def put(self, key: Key, changed: Subscription, *, tell: bool = True) -> None:
        """Replace a subscription by what a verb made of it; `tell` its site, unless only our judgement changed."""
        wallet = self._wallets[key]
        others = tuple(changed if one.id == changed.id else one for one in wallet.subscriptions)
        self._wallets[key] = replace(wallet, subscriptions=others)
        self._touched[key[0], changed.id] = key[1]
        if tell:
            self._told[key[0], changed.id] = key[1]

    def note(
        self, key: Key, kind: str, data: Mapping[str, Any], *, at: datetime | None = None, about: UUID | None = None
    ) -> None:
        """Add a line to a subscriber's timeline."""
        when = at or self._now
        ids = {"tenant_id": key[0], "id": self._new_id(), "subscriber_id": key[1], "subscription_id": about}
        self._add("timeline", ids | {"kind": kind, "at": when, "data": {"at_us": micros(when), **data}})

    def audited(self, tenant_id: UUID, action: str, about: tuple[str, UUID], **said: Any) -> None:
        """Add an audit line; see `audit_row`."""
        self._add("audit", audit_row(self._act, tenant_id, action, about, **said))

    def also(self, statements: Sequence[Statement]) -> None:
        """Write these too, beside the accounts' own."""
        self._others.extend(statements)

    def changes(self) -> list[Change]:
        """List the subscriptions whose sites may have to hear of it."""
        return [
            Change(tenant_id, subscriber_id, self._held[tenant_id, subscriber_id].sites[id_], found)
            for (tenant_id, id_), subscriber_id in self._told.items()
            for found in self._wallets[tenant_id, subscriber_id].subscriptions
            if found.id == id_
        ]

    def statements(self) -> list[Statement]:
        """Compose the writes, in the order that foreign keys ask for; accounts, the hottest rows, come last."""
        rows = self._rows
        return [
            *insert_rows(payment, [self._payment_row(*one) for one in self._payments]),
            *insert_rows(suspense, rows.get("suspense", [])),
            *insert_rows(journal, rows.get("journal", [])),
            *insert_rows(entry, rows.get("entry", [])),
            *insert_rows(sale, rows.get("sale", [])),
            *insert_rows(allocation, rows.get("allocation", [])),
            *insert_rows(timeline, rows.get("timeline", [])),
            *insert_rows(audit, rows.get("audit", [])),
            *update_rows(payment, self._used_credits()),
            *update_rows(subscription, self._judged()),
            *self._others,
            *update_rows(subscriber, self._balance_rows()),
        ]

    def _credit(self, key: Key, credit: Credit, meant: UUID | None) -> tuple[Sale, ...]:
        wallet = self._wallets[key]
        wallet = replace(wallet, credits=(*wallet.credits, credit))
        self._balances[key] = self._balances.get(key, 0) + credit.left_cents
        self._wallets[key], sales = after_payment(wallet, self._now, self._new_id, meant=meant)
        self._sold(key, sales)
        return sales

    def _sold(self, key: Key, sales: tuple[Sale, ...]) -> None:
        tenant_id, subscriber_id = key
        for sold in sales:
            postings = move(
                debit=Account.SUBSCRIBER,
                credit=Account.REVENUE,
                amount_cents=sold.price_cents,
                subscriber_id=subscriber_id,
            )
            journal_id = self._enter(tenant_id, Journal(self._new_id(), "sale", str(sold.id), self._now, postings))
            self._add("sale", self._sale_row(key, sold, journal_id))
            for part in sold.allocations:
                ids = {"tenant_id": tenant_id, "payment_id": part.payment_id, "sale_id": part.sale_id}
                self._add("allocation", ids | {"amount_cents": part.amount_cents, "allocated_at": self._now})
            self._balances[key] = self._balances.get(key, 0) - sold.price_cents
            self._touched[tenant_id, sold.subscription.id] = subscriber_id
            self._told[tenant_id, sold.subscription.id] = subscriber_id

    def _book(
        self,
        tenant_id: UUID,
        kind: str,
        source_id: str,
        at: datetime,
        debit: Account,
        credit: Account,
        paid: Payment,
        key: Key | None,
    ) -> None:
        whose = key[1] if key else None
        postings = move(debit=debit, credit=credit, amount_cents=paid.amount_cents, subscriber_id=whose)
        self._enter(tenant_id, Journal(self._new_id(), kind, source_id, at, postings))

    def _enter(self, tenant_id: UUID, booked: Journal) -> UUID:
        head = {"tenant_id": tenant_id, "id": booked.id, "kind": booked.kind, "source_id": booked.source_id}
        self._add("journal", head | {"occurred_at": booked.occurred_at, "recorded_at": self._now})
        for line, posting in enumerate(booked.postings):
            ids = {"tenant_id": tenant_id, "journal_id": booked.id, "line": line}
            what = {"account": posting.account, "subscriber_id": posting.subscriber_id}
            self._add("entry", ids | what | {"amount_cents": posting.amount_cents})
        return booked.id

    def _add(self, table: str, row: dict[str, Any]) -> None:
        self._rows.setdefault(table, []).append(row)

    def _sale_row(self, key: Key, sold: Sale, journal_id: UUID) -> dict[str, Any]:
        plan_id, version = self._held[key].plans[sold.subscription.id]
        ids = {"tenant_id": key[0], "id": sold.id, "subscription_id": sold.subscription.id, "journal_id": journal_id}
        what = {"plan_id": plan_id, "plan_version": version, "price_cents": sold.price_cents}
        return ids | what | {"from_at": sold.from_at, "valid_until": sold.valid_until, "sold_at": self._now}

    def _payment_row(
        self, tenant_id: UUID, paid: Payment, subscriber_id: UUID | None, matched_by: str | None
    ) -> dict[str, Any]:
        unused = paid.amount_cents if subscriber_id is None else self._left((tenant_id, subscriber_id)).get(paid.id, 0)
        return {
            "tenant_id": tenant_id,
            "id": paid.id,
            "rail": paid.rail,
            "shortcode": paid.shortcode,
            "receipt": paid.receipt,
            "amount_cents": paid.amount_cents,
            "subscriber_id": subscriber_id,
            "payer_key": paid.payer_key or None,
            "payer_name": paid.payer_name or None,
            "bill_reference": paid.bill_reference or None,
            "matched_by": matched_by,
            "unallocated_cents": unused,
            "staff_id": paid.staff_id,
            "note": paid.note,
            "paid_at": paid.paid_at,
            "received_at": paid.received_at,
            "posted_at": self._now,
        }

    def _left(self, key: Key) -> dict[UUID, int]:
        return {credit.payment_id: credit.left_cents for credit in self._wallets[key].credits}

    def _used_credits(self) -> list[dict[str, Any]]:
        """List payments of earlier transactions of which less is left now."""
        changed = []
        for key in self._balances:
            left = self._left(key)
            for old in self._held[key].wallet.credits:
                now_left = left.get(old.payment_id, 0)
                if now_left != old.left_cents:
                    changed.append({"tenant_id": key[0], "id": old.payment_id, "unallocated_cents": now_left})
        return changed

    def _judged(self) -> list[dict[str, Any]]:
        rows = []
        for (tenant_id, id_), subscriber_id in self._touched.items():
            found = next(one for one in self._wallets[tenant_id, subscriber_id].subscriptions if one.id == id_)
            verdict = judge(found, self._now)
            row = {"tenant_id": tenant_id, "id": id_, "lifecycle": found.lifecycle, "valid_until": found.valid_until}
            row |= {"paused_at": found.paused_at, "overdue_state": verdict.state, "reason": verdict.reason}
            rows.append(row | {"next_change_at": verdict.next_change_at})
        return rows

    def _balance_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "tenant_id": key[0],
                "id": key[1],
                "balance_cents": self._held[key].balance_cents + delta,
                "version": self._held[key].version + 1,
            }
            for key, delta in self._balances.items()
        ]


async def write(connection: Connection, act: Act, settlement: Settlement) -> dict[Key, int]:
    """Write a settlement and the next generations of the sites it concerns; return those."""
    publication = await plan_publication(connection, act, settlement.changes())
    await run_all(connection, settlement.statements() + publication.statements)
    return publication.generations
