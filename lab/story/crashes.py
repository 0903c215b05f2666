"""Steps 6, 7 and 8: kill -9 of the agent in mid-apply, of worker and database under payments; a router that reboots."""

import asyncio

from lab.errors import NotHeld, hold
from lab.people import Person, count_online
from lab.safaricom.manner import Manner
from lab.safaricom.record import PhonePayment
from lab.story.stage import LOOK_EVERY_S, Figures, Stage, milliseconds
from lab.waiting import until

SLOW_ROUTER_MS = 150.0  # per round trip, so that applying takes long enough to be killed in the middle
PAYERS_AT_THE_AGENT = 20
PAYERS_AT_THE_WORKER = 50
PAYMENT_EVERY_S = 0.05
SYSTEMD_WAITS_S = 0.5
# The rail tries again until the cloud answers 2xx; 30 s of tries outlast any restart.
PATIENT = Manner(retries=60, retry_wait_s=0.5)


async def agent_killed_in_mid_apply(stage: Stage) -> Figures:
    """Twenty pay at once; the agent is killed after its first write to the router, and started again."""
    house, people = stage.house, stage.take_walled(PAYERS_AT_THE_AGENT)
    await house.router.ask("delay", round_trip_ms=SLOW_ROUTER_MS)
    written = await house.router.last_write()
    await asyncio.gather(*(stage.pay(person) for person in people))
    await until(
        "the agent's first write",
        house.router.last_write,
        lambda last: last > written,
        limit_s=10,
        every_s=LOOK_EVERY_S,
    )
    agent = house.programs["agent"]
    await agent.kill()
    done = sum([await stage.reaches(person) for person in people])
    stage.tell(f"killed with {done} of {len(people)} reconnected")
    hold(done < len(people), "the agent was killed too late: everybody was reconnected already")
    await house.router.ask("delay", round_trip_ms=0)
    start_us = house.clock.now_us()
    await agent.start()
    await stage.see_all_connected(people, 20)
    connected_us = house.clock.now_us()
    await house.converged()
    return {
        "reconnected before the kill (count)": float(done),
        "started again, then all connected": milliseconds(start_us, connected_us),
        "started again, then converged": milliseconds(start_us, house.clock.now_us()),
    }


async def worker_and_database_killed(stage: Stage) -> Figures:
    """Fifty pay while the worker and PostgreSQL are killed: none is lost, none is posted twice."""
    house, people = stage.house, stage.take_walled(PAYERS_AT_THE_WORKER)
    paying = asyncio.create_task(_pay_one_after_another(stage, people))
    try:
        await asyncio.sleep(PAYMENT_EVERY_S * PAYERS_AT_THE_WORKER / 4)
        killed_us, killed_pid = house.clock.now_us(), house.servers.database_pid()
        await asyncio.gather(house.programs["worker"].kill(), house.servers.kill_database())
        stage.tell("worker and database are killed")
        await asyncio.sleep(SYSTEMD_WAITS_S)
        await house.programs["worker"].start()
        payments = await paying
    finally:
        paying.cancel()
    await house.rail.settle(60)
    untold = [payment.receipt for payment in payments if not payment.told]
    hold(not untold, f"the cloud never took the callbacks of {untold}")
    await stage.see_posted(payments, 30)
    hold(house.servers.database_pid() != killed_pid, "PostgreSQL was to be killed, and still runs as the same process")
    await _hold_each_once(stage)
    await stage.see_all_connected(people, 20)
    connected_us = house.clock.now_us()
    await house.converged()
    tries = [len(payment.deliveries) for payment in payments]
    return {
        "killed, then all posted and connected": milliseconds(killed_us, connected_us),
        "callbacks sent again (count)": float(sum(tries) - len(tries)),
    }


async def _pay_one_after_another(stage: Stage, people: list[Person]) -> list[PhonePayment]:
    payments = []
    for person in people:
        payments.append(await stage.pay(person, manner=PATIENT))
        await asyncio.sleep(PAYMENT_EVERY_S)
    return payments


async def _hold_each_once(stage: Stage) -> None:
    """Every receipt that the rail's record has paid is one payment of that amount, and there is none besides."""
    posted = sorted((row["receipt"], row["amount_cents"]) for row in await stage.list_payments())
    paid = sorted((each.receipt, each.amount_cents) for each in stage.house.rail.record.list_paid())
    if posted != paid:
        lost, extra = sorted(set(paid) - set(posted)), sorted(set(posted) - set(paid))
        raise NotHeld(f"phones made {len(paid)} payments, the cloud has {len(posted)}; lost {lost}, extra {extra}")


async def router_reboots(stage: Stage) -> Figures:
    """The MikroTik reboots; one pays meanwhile. Row ids change and sessions drop: everything converges again."""
    house = stage.house
    (payer,), (bystander,) = stage.take_walled(), stage.walled[:1]
    online = await count_online(house.router)
    start_us = house.clock.now_us()
    rebooting = asyncio.create_task(house.router.ask("reboot"))
    await stage.pay(payer)
    await rebooting
    await stage.see_connected(payer, 40)
    connected_us = house.clock.now_us()
    await stage.see_online(online, 40)
    await house.converged()
    await stage.hold_walled(bystander)
    return {
        "reboot, then the payer connected": milliseconds(start_us, connected_us),
        "reboot, then converged, all modems back": milliseconds(start_us, house.clock.now_us()),
    }
