"""Steps 4 and 5: the tower enforces alone while the uplink is a black hole; the link returns and all is as desired."""

import asyncio

from lab.building import REDIAL_EVERY_S, rfc3339
from lab.errors import hold
from lab.links import Passage
from lab.people import Person
from lab.story.stage import LOOK_EVERY_S, Figures, Stage, milliseconds
from lab.waiting import until

TIME_LEFT_S = 5.0  # long enough to be sold, pushed, applied and dialled before the link is cut
WALL_LIMIT_MS = 1_000.0
RECONNECT_LIMIT_S = 30.0  # the agent's longest wait between two tries of the broker
RETURN_LIMIT_MS = 2_000.0


async def alone(stage: Stage) -> Figures:
    """Black hole. One runs out and is walled; one who is paid up redials; two pay, and the cloud posts it."""
    house = stage.house
    person, until_us = await _almost_out(stage)
    (redialler,) = stage.take_paid_up()
    payers = stage.take_walled(2)
    house.uplink.black_hole()
    stage.tell("the uplink is a black hole")
    walled_us = await _see_walled(stage, person, until_us)
    late_ms = milliseconds(until_us, walled_us)
    hold(
        0 <= late_ms <= WALL_LIMIT_MS,
        f"{person.username} was walled {late_ms} ms after his time ran out",
    )
    await stage.hold_walled(person)
    redial_ms = await _redial(stage, redialler)
    await stage.see_posted([await stage.pay(payer) for payer in payers])
    for payer in payers:
        sold = await stage.get_subscription(payer)
        hold(sold["state"] == "current", f"a payment during the outage left the state {sold['state']!r}")
        await stage.hold_walled(payer)
    stage.left_over |= {"first payer": payers[0], "second payer": payers[1]}
    return {"time out, then walled": late_ms, "redialled, then packets pass": redial_ms}


async def _almost_out(stage: Stage) -> tuple[Person, int]:
    """A new subscriber whose time runs out in a few seconds, seen online."""
    house = stage.house
    until_us = house.clock.now_us() + int(TIME_LEFT_S * 1_000_000)
    subscriber = await house.cloud.post("/v1/subscribers", {"name": "Zawadi Mutua", "phones": ["254700555001"]})
    username, password = "zawadi", "zawadi-pppoe-1"
    subscription = await house.cloud.post(
        "/v1/subscriptions",
        {
            "subscriber_id": subscriber["id"], "plan_id": house.plan["id"], "site_id": house.site["id"],
            "username": username, "password": password, "valid_until": rfc3339(until_us),
        },
    )  # fmt: skip
    person = Person(
        subscriber["name"], "254700555001", username, password, subscriber["id"], subscriber["account_number"],
        subscription["id"], subscription["address"],
    )  # fmt: skip
    await house.router.ask("redial", user=username, password=password, every_s=0.1)
    await stage.see_connected(person, TIME_LEFT_S - 1)
    return person, until_us


async def _see_walled(stage: Stage, person: Person, until_us: int) -> int:
    """Wait until the router's own journal says that his address was listed; returns when."""
    last = (until_us - stage.house.clock.now_us()) / 1_000_000 + 3

    async def look() -> list[int]:
        writes = await stage.house.router.writes(0)
        return [
            int(write["at_us"])
            for write in writes
            if write["verb"] == "add" and write["values"].get("address") == person.address
            and write["values"].get("list") == "mnara-walled"
        ]  # fmt: skip

    found = await until(f"{person.username} to be walled by the agent alone", look, bool, limit_s=last, every_s=0.02)
    return found[-1]


async def _redial(stage: Stage, person: Person) -> float:
    """Hang up and dial again: the router lets in whoever is paid up, with nobody to ask."""
    router = stage.house.router
    await router.ask("hangup", user=person.username)
    hold(not await stage.reaches(person), f"{person.username} hung up, and still his packets pass")
    start_us = stage.house.clock.now_us()
    await router.ask("redial", user=person.username, password=person.password, every_s=REDIAL_EVERY_S)
    return milliseconds(start_us, await stage.see_connected(person))


async def together_again(stage: Stage) -> Figures:
    """The link returns, with a NAT that has forgotten the old connection: everything is as desired within 2 s."""
    house = stage.house
    payers = [stage.left_over["first payer"], stage.left_over["second payer"]]
    before = len(house.uplink.passages)
    start_us = house.clock.now_us()
    house.uplink.restore(forget=True)
    back = await until(
        "the agent to reconnect",
        lambda: _answered_since(stage, before),
        bool,
        limit_s=RECONNECT_LIMIT_S,
        every_s=LOOK_EVERY_S,
    )
    back_us = back[0].answered_at_us or 0
    await stage.see_all_connected(payers, RETURN_LIMIT_MS / 1000 + 5)
    connected_us = house.clock.now_us()
    await house.converged(limit_s=RETURN_LIMIT_MS / 1000 + 5)
    converged_us = house.clock.now_us()
    took_ms = milliseconds(back_us, converged_us)
    hold(took_ms <= RETURN_LIMIT_MS, f"after the agent's reconnection it took {took_ms} ms until all was as desired")
    return {
        "link back, then agent reconnected": milliseconds(start_us, back_us),
        "reconnected, then both connected": milliseconds(back_us, connected_us),
        "reconnected, then converged": took_ms,
    }


async def _answered_since(stage: Stage, before: int) -> list[Passage]:
    """The connections that came since and were answered by the broker, oldest first."""
    await asyncio.sleep(0)
    return [each for each in list(stage.house.uplink.passages)[before:] if each.answered_at_us is not None]
