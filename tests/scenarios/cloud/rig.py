"""A whole cloud on a clock that stands still: tenants, subscribers and phones, seen and moved by its public doors."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text

from cloud.ids import new_id, random_below
from cloud.jobs.poster import Poster
from cloud.jobs.ticks import DueTick
from cloud.payments.mpesa.c2b import MpesaC2B
from cloud.payments.mpesa.fields import EAT
from protocol.digest import digest_of
from protocol.sealing import new_sealing_key
from tests.support.api import ApiUnderTest, path_of
from tests.support.books import RULES
from tests.support.clocks import SetClock
from tests.support.world import add_agent

START = datetime(2026, 1, 1, 9, 0, 0, tzinfo=UTC)
PERIOD = timedelta(days=30)
PRICE = 150_000
PAYBILL = "600638"
SUCCESS = {"ResultCode": 0, "ResultDesc": "Success"}


def hashed(phone: str) -> str:
    """Return a number as v1 bodies carry it."""
    return sha256(phone.encode()).hexdigest()


@dataclass(frozen=True)
class Member:
    """A subscriber with one subscription."""

    id: str
    account_number: str
    subscription_id: str


@dataclass
class Town:
    """The cloud, and what a story does to all of it."""

    api: ApiUnderTest
    clock: SetClock
    database_url: str

    async def isp(self) -> "Isp":
        """Add a tenant with one site (and its agent), one plan and one paybill."""
        tenant = await self.api.tenant()
        made = self.api.made
        site = await made(tenant.token, "/v1/sites", {"name": "Kilimo tower", "pool": "100.64.0.0/22"})
        await add_agent(self.api.database, tenant.tenant_id, UUID(site["id"]), new_sealing_key())
        offer = {"price_cents": PRICE, "duration_s": 30 * 86_400, "up_bps": 2_000_000, "down_bps": 5_000_000}
        plan = await made(tenant.token, "/v1/plans", {"name": "Home 5M"} | offer)
        isp = Isp(self, tenant.tenant_id, tenant.token, site["id"], plan["id"])
        await isp.shortcode(PAYBILL)
        return isp

    def poster(self) -> Poster:
        """Give a poster with the real reader of M-Pesa's bodies."""
        return Poster(self.api.database, rails={"mpesa": MpesaC2B()}, **self._means())

    async def post(self) -> None:
        """Let one poster take everything that waits."""
        poster = self.poster()
        while await self.scalar("select count(*) from callback where state = 'new' and kind = 'confirmation'"):
            await poster.step()

    async def pass_time(self, until: datetime) -> None:
        """Move the clock, and let what fell due happen."""
        assert until >= self.clock.now()
        self.clock.move(until - self.clock.now())
        await DueTick(self.api.database, **self._means()).step()

    async def scalar(self, query: str) -> Any:
        async with self.api.database.worker() as connection:
            return await connection.scalar(text(query))

    async def assert_honest_books(self) -> None:
        """Journals sum to zero, payments are allocated or credit, every shilling is in one place, sites are told."""
        for broken, query in RULES.items():
            assert not await self.scalar(query), broken
        for tenant in self.api.tenants:
            books = (await self.api.call(tenant.token, "GET", "/v1/books")).json()
            balances = {one["code"]: one["balance_cents"] for one in books["accounts"]}
            assert (books["unbalanced_journals"], books["sum_cents"]) == (0, 0)
            held = balances.get("mpesa_clearing", 0) + balances.get("cash_drawer", 0)
            assert held == books["payments_cents"]
        async with self.api.database.worker() as connection:
            rows = list(await connection.execute(text("select site_id, row from desired_row")))
            sites = list(await connection.execute(text("select id, digest from site")))
        for site_id, digest in sites:
            assert digest == digest_of([row for of_site, row in rows if of_site == site_id and row is not None])

    def _means(self) -> dict[str, Any]:
        ours = {"secrets": self.api.deps.secrets, "clock": self.clock}
        return ours | {"new_id": new_id, "random_below": random_below}


@dataclass
class Isp:
    """One tenant as its staff, its subscribers and Safaricom meet it."""

    town: Town
    tenant_id: UUID
    token: str
    site_id: str
    plan_id: str
    hooks: dict[str, str] = field(default_factory=dict)

    async def shortcode(self, number: str) -> None:
        """Register one more paybill or till."""
        made = await self.town.api.made(self.token, "/v1/shortcodes", {"rail": "mpesa", "shortcode": number})
        self.hooks[number] = path_of(made["confirmation_url"])

    async def join(self, username: str, *, phone: str = "", valid_until: datetime | None = None) -> Member:
        """Add one subscriber."""
        [member] = await self.join_all([username], phone=phone, valid_until=[valid_until])
        return member

    async def join_all(
        self, usernames: Sequence[str], *, phone: str = "", valid_until: Sequence[datetime | None]
    ) -> list[Member]:
        """Add subscribers by an import."""
        ids = {"plan_id": self.plan_id, "site_id": self.site_id, "password": "correct horse", "phone": phone}
        rows = [
            ids | {"name": name.title(), "username": name, "valid_until": until and until.isoformat()}
            for name, until in zip(usernames, valid_until, strict=True)
        ]
        made = await self.town.api.made(self.token, "/v1/imports/subscribers", {"rows": rows})
        return [Member(one["subscriber_id"], one["account_number"], one["subscription_id"]) for one in made["items"]]

    def body(
        self, receipt: str, reference: str, amount: str = "1500.00", *, paid_at: datetime | None = None, **changes: Any
    ) -> bytes:
        """Compose a v1 confirmation as Safaricom sends it; the payer is nobody's registered phone."""
        said = {"TransactionType": "Pay Bill", "TransID": receipt, "TransAmount": amount, "InvoiceNumber": ""}
        said |= {"TransTime": f"{(paid_at or self.town.clock.now()).astimezone(EAT):%Y%m%d%H%M%S}"}
        said |= {"BusinessShortCode": PAYBILL, "BillRefNumber": reference, "OrgAccountBalance": "49197.00"}
        said |= {"ThirdPartyTransID": "", "MSISDN": hashed("254700000000"), "FirstName": "JOHN"}
        return json.dumps(said | changes).encode()

    async def hear(self, *bodies: bytes, shortcode: str = PAYBILL) -> None:
        """Let Safaricom post confirmations; each is answered as it expects, whatever it is."""
        for body in bodies:
            answer = await self.town.api.client.post(self.hooks[shortcode], content=body)
            assert (answer.status_code, answer.json()) == (200, SUCCESS)

    async def get(self, path: str) -> Any:
        """Read one thing, or the items of a list."""
        answer = await self.town.api.call(self.token, "GET", path)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found.get("items", found)

    async def payments(self) -> list[dict[str, Any]]:
        """List payments by receipt."""
        return sorted(await self.get("/v1/payments?limit=200"), key=lambda one: str(one["receipt"]))

    async def callbacks(self, state: str = "") -> list[dict[str, Any]]:
        """List callbacks, the oldest first."""
        return list(reversed(await self.get("/v1/callbacks?limit=200" + (f"&state={state}" if state else ""))))

    async def states(self) -> list[str]:
        """List how callbacks ended, the oldest first."""
        return [one["state"] for one in await self.callbacks()]

    async def accounts(self) -> dict[str, int]:
        """Read the balances that are not zero."""
        found = (await self.get("/v1/books"))["accounts"]
        return {one["code"]: one["balance_cents"] for one in found if one["balance_cents"]}

    async def service(self, member: Member) -> tuple[str, datetime | None, int]:
        """Read a subscriber's state, the end of his paid time and what is missing for more."""
        found = await self.get(f"/v1/subscriptions/{member.subscription_id}")
        until = found["valid_until"] and datetime.fromisoformat(found["valid_until"])
        return found["state"], until, found["missing_cents"]

    async def balance(self, member: Member) -> int:
        """Read a subscriber's credit."""
        found = await self.get(f"/v1/subscribers/{member.id}")
        return int(found["balance_cents"])

    async def release(self, callback_id: int) -> None:
        """Let staff release a callback."""
        path = f"/v1/callbacks/{callback_id}/release"
        answer = await self.town.api.call(self.token, "POST", path, {"reason": "on the statement"})
        assert answer.status_code == 200, answer.text

    async def assign(self, payment_id: str, member: Member) -> int:
        """Let staff assign a suspended payment; return the answer's status."""
        said = {"subscriber_id": member.id, "reason": "he called"}
        path = f"/v1/suspense/{payment_id}/assign"
        answer = await self.town.api.call(self.token, "POST", path, said, key=new_id().hex)
        return answer.status_code
