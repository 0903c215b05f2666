"""Callback in → router read back: a payment's whole way, while a slow pass over 2,000 subscribers is always under way.

Latency is measured from the instant the cloud received the callback (the timeline's `payment_received`) to the instant
the agent had read the router back (`verified_at_us` of its `applied`), on one machine's clock, and checked against the
router's journal. From the instant the rail sent it, which adds HTTP's way there, is printed beside.
"""

import argparse
import asyncio
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from lab.building import build
from lab.house import House, Plans
from lab.people import Person
from lab.safaricom.record import PhonePayment
from lab.servers import EmbeddedServers
from lab.story.stage import Stage, milliseconds
from lab.timeline import first_of, hops, list_timeline
from lab.waiting import until
from tests.bench.baselines import Baselines, measure
from tests.bench.figures import CpuWait, Row, machine_rows, percentile, show

SUBSCRIBERS = 2_000
RATE_PER_S = 20.0
PAYMENTS = 440  # 22 s of a Poisson stream at 20/s
WARM_UP = 20
APPLIED_LIMIT_S = 30.0
CLOCK_SLACK_US = 2_000
RECEIVED = "callback received"
PASS_EVERY_S = 0.05  # the next slow pass begins when the last one has ended


@dataclass(frozen=True, slots=True)
class Variant:
    """How far apart the parts are."""

    title: str
    wan_ms: float = 0.0
    router_ms: float = 0.0


PLAIN = Variant("loopback")
WAN = Variant("200 ms round trip between cloud and site", wan_ms=200.0)
FAR_ROUTER = Variant("20 ms round trip to the router", router_ms=20.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant's latencies in milliseconds, and the most waves any change took."""

    applied_ms: list[float]
    """Since the cloud received the callback."""
    since_sent_ms: list[float]
    online_ms: list[float]
    waves_max: int
    way_ms: dict[str, float]
    """Median of each hop since the callback was sent."""
    cpu_wait_percent: float


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the table and the figures."""
    parser = argparse.ArgumentParser(prog="tests.bench reconnect")
    parser.add_argument("--payments", type=int, default=PAYMENTS, help="per variant; at least 400 for a p99")
    parser.add_argument("--subscribers", type=int, default=SUBSCRIBERS)
    parser.add_argument(
        "--pass-every-s", type=float, default=PASS_EVERY_S, help="the agent's pause between slow passes"
    )
    parser.add_argument("--loopback", action="store_true", help="for tuning: neither distances nor baselines")
    wish = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mnara-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(bench(Path(folder), wish))
    return 0


def say(text: str) -> None:
    """Tell how far it is."""
    print(f"  {text}", flush=True)


async def bench(folder: Path, wish: argparse.Namespace) -> None:
    """Set up, run the variants, then the baselines on a router of their own."""
    chance = random.Random(20)
    variants = (PLAIN,) if wish.loopback else (PLAIN, WAN, FAR_ROUTER)
    measured: dict[Variant, Measured] = {}
    plans = Plans(folder / "mnara", agent_env={"MNARA_AGENT_PASS_EVERY_S": str(wish.pass_every_s)})
    async with House(plans, EmbeddedServers()) as house:
        try:
            await build(house, subscribers=wish.subscribers, walled=wish.subscribers, tell=say)
            stage = Stage(house, lambda _: None, walled=list(house.people))
            await stream(stage, stage.take_walled(WARM_UP), chance)
            for variant in variants:
                say(f"{wish.payments} payments, {variant.title}")
                measured[variant] = await run_variant(stage, variant, wish.payments, chance)
        except Exception:
            print(house.last_words())
            raise
    if wish.loopback:
        show(
            "reconnect, loopback only",
            way_rows(measured[PLAIN]),
            {"p50_ms": percentile(measured[PLAIN].applied_ms, 0.5)},
        )
        return
    say("baselines")
    report(measured, await measure(folder / "baselines", chance), await machine_rows())


async def run_variant(stage: Stage, variant: Variant, payments: int, chance: random.Random) -> Measured:
    """Set the distances, let the stream run, and read what it took."""
    house = stage.house
    house.uplink.delay(up_ms=variant.wan_ms / 2, down_ms=variant.wan_ms / 2)
    house.lan.delay(up_ms=variant.router_ms / 2, down_ms=variant.router_ms / 2)
    await asyncio.sleep(1)
    people, removed_before = stage.take_walled(payments), await last_event(house)
    wait = CpuWait()
    paid = await stream(stage, people, chance)
    waited = wait.percent()
    found = [await one_way(stage, person, payment) for person, payment in zip(people, paid, strict=True)]
    await check_against_journal(house, people, paid, found, removed_before)
    sent_us = [payment.first_sent_at_us for payment in paid]
    ways = list(zip(sent_us, found, strict=True))
    return Measured(
        [milliseconds(each["way"][RECEIVED], each["verified_at_us"]) for _, each in ways],
        [milliseconds(start, each["verified_at_us"]) for start, each in ways],
        [milliseconds(start, each["online_at_us"]) for start, each in ways if each["online_at_us"]],
        max(int(each["waves"]) for each in found),
        medians(ways),
        waited,
    )


def medians(ways: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, float]:
    """The median time of each station, in the order of the first payment's way."""
    passed: dict[str, list[float]] = {}
    for start, each in ways:
        for name, at in each["way"].items():
            passed.setdefault(name, []).append(milliseconds(start, at))
    return {name: percentile(took, 0.5) for name, took in passed.items()}


async def stream(stage: Stage, people: Sequence[Person], chance: random.Random) -> list[PhonePayment]:
    """Everybody pays once, as a Poisson stream; returns when all are applied."""
    paid = []
    for person in people:
        await asyncio.sleep(chance.expovariate(RATE_PER_S))
        paid.append(await stage.pay(person))
    await stage.house.rail.settle(30)
    await stage.see_posted(paid, APPLIED_LIMIT_S)
    await stage.house.converged(APPLIED_LIMIT_S)
    return paid


async def one_way(stage: Stage, person: Person, payment: PhonePayment) -> dict[str, Any]:
    """The instants of one payment, from the timeline."""
    since_us = payment.first_sent_at_us
    timeline = await until(
        f"the timeline of {person.username} to tell of applied",
        lambda: list_timeline(stage.house.cloud, person.subscriber_id),
        lambda items: first_of(items, "applied", since_us) is not None,
        limit_s=APPLIED_LIMIT_S,
    )
    applied, online = first_of(timeline, "applied", since_us), first_of(timeline, "online", since_us)
    assert applied is not None
    data = applied["data"]
    online_us = 0 if online is None else int(online["data"]["at_us"])
    way = {hop.name: hop.at_us for hop in hops(timeline, since_us)}
    return {
        "way": way,
        "verified_at_us": int(data["verified_at_us"]),
        "waves": data["waves"],
        "online_at_us": online_us,
    }


async def last_event(house: House) -> int:
    """The number of the router's last list-remove."""
    events = (await house.router.ask("events", since=0, kind="list-remove"))["events"]
    return int(events[-1]["n"]) if events else 0


async def check_against_journal(
    house: House, people: Sequence[Person], paid: Sequence[PhonePayment], found: Sequence[dict[str, Any]], since: int
) -> None:
    """The router's journal must say that each address left the wall between callback and read-back."""
    events = (await house.router.ask("events", since=since, kind="list-remove"))["events"]
    removed = {event["facts"]["address"]: int(event["at_us"]) for event in events}
    for person, payment, each in zip(people, paid, found, strict=True):
        left_us = removed[person.address]
        early, late = payment.first_sent_at_us - CLOCK_SLACK_US, each["verified_at_us"] + CLOCK_SLACK_US
        assert early <= left_us <= late, f"{person.username}: wall left at {left_us}, not in {early}..{late}"


def way_rows(measured: Measured) -> list[Row]:
    """Where the time goes."""
    rows = [Row(f"  on the way: {name}, p50", took) for name, took in measured.way_ms.items()]
    if measured.online_ms:
        rows.append(Row("callback sent → online, p50", percentile(measured.online_ms, 0.5)))
    rows.append(Row("callback sent → applied, p50", percentile(measured.since_sent_ms, 0.5)))
    rows.append(Row("callback sent → applied, p99", percentile(measured.since_sent_ms, 0.99)))
    rows.append(Row("meanwhile: time in which something waited for a core", measured.cpu_wait_percent, "%"))
    return rows


def report(measured: dict[Variant, Measured], baselines: Baselines, machine: Sequence[Row]) -> None:
    """Print what was found beside the limits."""
    plain, wan, far = (measured[variant] for variant in (PLAIN, WAN, FAR_ROUTER))
    waves = max(each.waves_max for each in measured.values())
    figures = {
        "p50_ms": percentile(plain.applied_ms, 0.5),
        "p99_ms": percentile(plain.applied_ms, 0.99),
        "wan200_p99_ms": percentile(wan.applied_ms, 0.99),
        "router20_p99_ms": percentile(far.applied_ms, 0.99),
        "waves_max": float(waves),
        "poll_p50_ms": round(baselines.poll_p50_ms, 2),
        "central200_p50_ms": round(baselines.central_p50_ms, 2),
    }
    rows = [
        Row("callback received → applied, p50", figures["p50_ms"], limit=25),
        Row("callback received → applied, p99", figures["p99_ms"], limit=120),
        Row("callback → applied, p99, 200 ms cloud to site", figures["wan200_p99_ms"], limit=350),
        Row("callback → applied, p99, 20 ms to the router", figures["router20_p99_ms"], limit=250),
        Row("waves of router commands per change, most", figures["waves_max"], "", limit=3),
        *way_rows(plain),
        Row("baseline (re-implemented): poller every 30 s, p50", figures["poll_p50_ms"]),
        Row("baseline (re-implemented): central program, 200 ms to the router, p50", figures["central200_p50_ms"]),
        *machine,
    ]
    show(f"reconnect: {len(plain.applied_ms)} payments per line, Poisson {RATE_PER_S:g}/s", rows, figures)
