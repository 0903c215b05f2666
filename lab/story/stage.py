"""What a step of the story has in hand, and the looks that several steps take."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from lab.cloud_door import Row
from lab.errors import LabError, hold
from lab.house import PAY_ADDRESS, SHORTCODE, House
from lab.people import ELSEWHERE, Person, count_online
from lab.safaricom.manner import Manner
from lab.safaricom.record import PhonePayment
from lab.waiting import until

Figures = dict[str, float]
"""What a step measured, by name; milliseconds unless the name says otherwise."""

LOOK_EVERY_S = 0.002
CONNECT_LIMIT_S = 10.0
PRICE_CENTS = 150_000


@dataclass(slots=True)
class Stage:
    """The house, and the cast: people taken from it so that no two steps share one."""

    house: House
    tell: Callable[[str], None]
    walled: list[Person] = field(default_factory=list)
    paid_up: list[Person] = field(default_factory=list)
    left_over: dict[str, Person] = field(default_factory=dict)
    """People whom one step leaves to the next, by role."""

    def take_walled(self, count: int = 1) -> list[Person]:
        """Take people whose time had run out before the story began."""
        return _take(self.walled, count, "expired")

    def take_paid_up(self, count: int = 1) -> list[Person]:
        """Take people who are paid up."""
        return _take(self.paid_up, count, "paid-up")

    async def pay(
        self, person: Person, cents: int = PRICE_CENTS, *, account: str | None = None, manner: Manner | None = None
    ) -> PhonePayment:
        """Pay from the person's own phone to the account number, or to what was typed instead."""
        reference = person.account_number if account is None else account
        return await self.house.rail.pay(person.phone, SHORTCODE, reference, cents, name=person.name, manner=manner)

    async def reaches(self, person: Person) -> bool:
        """Whether the person's packets to the internet pass the router now."""
        return await self.house.router.reaches(person.username, ELSEWHERE)

    async def see_connected(self, person: Person, limit_s: float = CONNECT_LIMIT_S) -> int:
        """Wait until the person's packets pass; returns when that was seen, in microseconds."""
        await until(
            f"{person.username} to reach the internet",
            lambda: self.reaches(person),
            bool,
            limit_s=limit_s,
            every_s=LOOK_EVERY_S,
        )
        return self.house.clock.now_us()

    async def see_all_connected(self, people: Sequence[Person], limit_s: float) -> None:
        """Wait until everybody's packets pass; who passed once is not asked again."""
        walled = list(people)

        async def still_walled() -> list[str]:
            walled[:] = [person for person in walled if not await self.reaches(person)]
            return [person.username for person in walled]

        what = f"{len(walled)} subscribers to reach the internet"
        await until(what, still_walled, lambda left: not left, limit_s=limit_s, every_s=0.02)

    async def hold_walled(self, person: Person) -> None:
        """Check that of his packets only those to the pay page pass."""
        pay_page = await self.house.router.reaches(person.username, PAY_ADDRESS, port=80)
        hold(pay_page, f"{person.username} is walled and should reach the pay page, but does not")
        hold(not await self.reaches(person), f"{person.username} should be walled, but his packets pass")

    async def get_subscription(self, person: Person) -> Row:
        """The person's subscription as the API shows it."""
        return await self.house.cloud.get(f"/v1/subscriptions/{person.subscription_id}")

    async def list_payments(self) -> list[Row]:
        """Every payment the cloud knows."""
        return await self.house.cloud.list_all("/v1/payments")

    async def see_posted(self, payments: Sequence[PhonePayment], limit_s: float = CONNECT_LIMIT_S) -> None:
        """Wait until the cloud lists every one of these receipts."""
        wanted = {payment.receipt for payment in payments}

        async def missing() -> list[str]:
            return sorted(wanted - {row["receipt"] for row in await self.list_payments()})

        await until(f"{len(wanted)} payments to be posted", missing, lambda left: not left, limit_s=limit_s)

    async def see_inbox_empty(self) -> None:
        """Wait until every callback stored so far was judged."""

        async def waiting() -> list[Row]:
            found: list[Row] = (await self.house.cloud.get("/v1/callbacks", state="new"))["items"]
            return found

        await until("the callbacks' inbox to be empty", waiting, lambda left: not left, limit_s=CONNECT_LIMIT_S)

    async def see_online(self, count: int, limit_s: float) -> None:
        """Wait until the router has so many sessions."""
        await until(
            f"{count} sessions", lambda: count_online(self.house.router), lambda seen: seen >= count, limit_s=limit_s
        )


def _take(people: list[Person], count: int, kind: str) -> list[Person]:
    if len(people) < count:
        raise LabError(f"the story needs {count} more {kind} subscribers; start it with more subscribers")
    taken, people[:] = people[:count], people[count:]
    return taken


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story: it holds, or raises a LabError."""

    number: int
    title: str
    play: Callable[[Stage], Awaitable[Figures]]


def milliseconds(start_us: int, end_us: int) -> float:
    """The time between two instants, in milliseconds."""
    return round((end_us - start_us) / 1000, 2)
