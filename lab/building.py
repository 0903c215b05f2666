"""Building a house, step by step, until the site has converged and the modems dial."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lab.clock import Clock
from lab.house import House, is_converged
from lab.people import count_online, import_row, keep_dialling, settle_in
from lab.waiting import until

REDIAL_EVERY_S = 1.0
DIAL_LIMIT_S = 60.0


def rfc3339(at_us: int) -> str:
    """Write microseconds since 1970 as the API wants instants."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


async def build(house: House, *, subscribers: int, walled: int, tell: Callable[[str], None]) -> None:
    """Bring everything up. The first `walled` subscribers' time ran out yesterday; the others' ends in a month."""
    house.tell = tell
    tell("the router's script, and a simulated MikroTik that runs it")
    await house.start_router()
    tell("the cloud: api and worker, with database and broker")
    await house.start_cloud()
    tell("a tenant with a site, a plan and a paybill number")
    await house.open_shop()
    tell(f"{subscribers} subscribers, {walled} of them expired")
    await _move_in(house, subscribers, walled)
    tell("the agent: claimed, enrolled, started")
    await house.enrol_agent()
    tell("the router made to match")
    await house.ready("agent", "the site to converge", lambda: _site_matches(house))
    tell("modems dial")
    await keep_dialling(house.router, house.people, every_s=REDIAL_EVERY_S)
    await until(
        f"{subscribers} sessions", lambda: count_online(house.router), lambda n: n >= subscribers, limit_s=DIAL_LIMIT_S
    )


async def _move_in(house: House, subscribers: int, walled: int) -> None:
    yesterday, next_month = _days_from_now(house.clock, -1), _days_from_now(house.clock, 30)
    rows = [
        import_row(
            index,
            plan_id=house.plan["id"],
            site_id=house.site["id"],
            valid_until=yesterday if index < walled else next_month,
        )
        for index in range(subscribers)
    ]
    house.people = await settle_in(house.cloud, rows)


def _days_from_now(clock: Clock, days: int) -> str:
    return rfc3339(clock.now_us() + days * 86_400_000_000)


async def _site_matches(house: House) -> bool:
    return is_converged(await house.get_site())
