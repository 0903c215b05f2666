"""A small ISP in a real database: what most tests of the services begin with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Database
from cloud.db.network import Plan, Site
from cloud.db.secrets import SecretBox
from cloud.db.subscribers import Subscriber
from cloud.db.tables.fleet import agent
from cloud.db.tables.money import shortcode
from cloud.db.tables.parties import staff, tenant
from cloud.domain.plan import PlanTerms
from cloud.ids import new_id
from cloud.ports import Confirmation, Refused
from cloud.services.act import Act
from cloud.services.books import TrialBalance, trial_balance
from cloud.services.plans import add_plan
from cloud.services.sites import add_site
from cloud.services.subscribers import add_subscriber
from cloud.services.subscriptions import SubscriptionView, create_subscription, get_subscription
from protocol.sealing import new_sealing_key, sealing_public

NOW = datetime(2026, 3, 31, 20, 59, 59, tzinfo=UTC)
"""A second before midnight in Nairobi, at the end of a month."""

DAY = timedelta(days=1)
PRICE = 150_000
PAYBILL = "600638"


class JsonRail:
    """A rail whose bodies are JSON objects of Confirmation's fields."""

    def parse_confirmation(self, raw: bytes, received_at: datetime) -> Confirmation | Refused:
        try:
            said = json.loads(raw)
            paid_at = said.pop("paid_at")
            return Confirmation(**said, paid_at=datetime.fromisoformat(paid_at) if paid_at else received_at)
        except (ValueError, KeyError, TypeError):
            return Refused("the body is not JSON of the expected fields")


def body(receipt: str, amount_cents: int = PRICE, bill_reference: str = "", **other: Any) -> bytes:
    """Write what JsonRail reads."""
    said = {"receipt": receipt, "amount_cents": amount_cents, "bill_reference": bill_reference, "shortcode": PAYBILL}
    said |= {"payer_key": "", "payer_name": "JOHN", "paid_at": NOW.isoformat()}
    return json.dumps(said | other).encode()


@dataclass(frozen=True)
class World:
    """One tenant with a site (and its agent), a plan and an owner."""

    database: Database
    act: Act
    tenant_id: UUID
    shortcode_id: UUID
    site: Site
    plan: Plan
    sealing_private: bytes

    def at(self, now: datetime) -> Act:
        """Return the same act at another instant."""
        return replace(self.act, now=now)

    async def subscriber(self, name: str = "Wanjiru", phones: Sequence[str] = ()) -> Subscriber:
        async with self.database.tenant(self.tenant_id) as connection:
            return await add_subscriber(connection, self.act, self.tenant_id, name=name, phones=phones)

    async def subscription(
        self, subscriber_id: UUID, username: str = "wanjiru", valid_until: datetime | None = None, **other: Any
    ) -> SubscriptionView:
        ids = {"plan_id": self.plan.id, "site_id": self.site.id} | other
        async with self.database.tenant(self.tenant_id) as connection:
            return await create_subscription(
                connection,
                self.act,
                self.tenant_id,
                subscriber_id=subscriber_id,
                username=username,
                password="secret",
                valid_until=valid_until,
                **ids,
            )

    async def see(self, subscription_id: UUID, now: datetime = NOW) -> SubscriptionView:
        async with self.database.tenant(self.tenant_id) as connection:
            return await get_subscription(connection, self.tenant_id, subscription_id, now=now)

    async def receive(self, *bodies: bytes, received_at: datetime = NOW) -> None:
        """Put raw bodies into the inbox, as the webhook does."""
        async with self.database.worker() as connection:
            for raw in bodies:
                await connection.execute(
                    text(
                        "insert into callback (tenant_id, shortcode_id, kind, raw, received_at)"
                        " values (:tenant, :shortcode, 'confirmation', :raw, :at)"
                    ),
                    {"tenant": self.tenant_id, "shortcode": self.shortcode_id, "raw": raw, "at": received_at},
                )

    async def callbacks(self) -> list[tuple[str, str | None]]:
        async with self.database.worker() as connection:
            return [
                tuple(row) for row in await connection.execute(text("select state, reason from callback order by id"))
            ]

    async def books(self) -> TrialBalance:
        async with self.database.tenant(self.tenant_id) as connection:
            return await trial_balance(connection, self.tenant_id)

    async def scalar(self, query: str) -> Any:
        async with self.database.worker() as connection:
            return await connection.scalar(text(query))


async def make_world(database: Database, *, slug: str = "mlimani", with_agent: bool = True) -> World:
    """Build a tenant that can take money and serve one site."""
    tenant_id, owner_id, shortcode_id = new_id(), new_id(), new_id()
    act = Act(NOW, new_id, SecretBox([bytes(32)]), owner_id)
    person = {"tenant_id": tenant_id, "id": owner_id, "email": "o@x.ke", "name": "Otieno", "role": "owner"}
    code = {"tenant_id": tenant_id, "id": shortcode_id, "rail": "mpesa", "shortcode": PAYBILL}
    statements = [
        *insert_rows(tenant, [{"id": tenant_id, "slug": slug, "name": slug, "created_at": NOW}]),
        *insert_rows(staff, [person | {"created_at": NOW}]),
        *insert_rows(shortcode, [code | {"hook_sha256": tenant_id.bytes, "hook_sealed": b"x", "created_at": NOW}]),
    ]
    async with database.worker() as connection:
        await run_all(connection, statements)
    offer = PlanTerms(PRICE, 30 * 86_400, 2_000_000, 5_000_000)
    async with database.tenant(tenant_id) as connection:
        site = await add_site(connection, act, tenant_id, name="Kilimo tower", pool="100.64.0.0/22")
        plan = await add_plan(connection, act, tenant_id, name="Home 5M", offer=offer)
    private = new_sealing_key()
    if with_agent:
        await add_agent(database, tenant_id, site.id, private)
    return World(database, act, tenant_id, shortcode_id, site, plan, private)


async def add_agent(database: Database, tenant_id: UUID, site_id: UUID, private: bytes, name: str = "a1") -> UUID:
    """Enrol an agent as far as desired state needs one."""
    agent_id = new_id()
    row = {"tenant_id": tenant_id, "id": agent_id, "name": f"{name}-{agent_id}", "site_id": site_id}
    row |= {"installation": str(agent_id), "shard": 1, "signing_key": b"k", "sealing_key": sealing_public(private)}
    row |= {"certificate_pem": "pem", "certificate_serial": "1", "certificate_until": NOW + DAY, "enrolled_at": NOW}
    async with database.tenant(tenant_id) as connection:
        await run_all(connection, insert_rows(agent, [row]))
    return agent_id
