"""From any rows, reconcile's steps lead to the wanted state in at most two rounds and never touch a foreign row."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.domain.observed import ProfileRow, SecretRow, SessionRow, WallRow
from edge_agent.domain.orphans import with_strays
from edge_agent.domain.reconcile import reconcile
from edge_agent.domain.right import Right
from edge_agent.domain.wanted import Target, owner_of
from tests.properties.edge_agent.model import ModelRouter

IDS = ["a", "b", "c", "d"]
NAMES = ["ann", "bob", "cat", "dan", "eve"]
ADDRESSES = [f"100.64.0.{number}" for number in range(2, 7)]
PREFIXES = ["2001:db8:1::/56", "2001:db8:2::/56"]
COMMENTS = ["", "uncle", "mnara:a:1", "mnara:b:1", "mnara:b:2", "mnara:c:1", "mnara:gone:1"]
PROFILES = ["default", "mnara-1000000-2000000", "mnara-3000000-4000000"]


@st.composite
def routers(draw: st.DrawFn) -> ModelRouter:
    router = ModelRouter()
    for name in draw(st.sets(st.sampled_from(PROFILES[1:]))) | {"default"}:
        id_ = router.new_id()
        limit = draw(st.sampled_from(["1000000/2000000", "3000000/4000000", "9/9"]))
        comment = "" if name == "default" else draw(st.sampled_from(["mnara", ""]))
        router.profiles[id_] = ProfileRow(id_, name, limit, comment)
    known = [row.name for row in router.profiles.values()]
    for name in draw(st.sets(st.sampled_from(NAMES))):
        id_ = router.new_id()
        router.secrets[id_] = SecretRow(
            id_, name, draw(st.sampled_from(["pppoe", "any"])), draw(st.sampled_from(known)),
            draw(st.sampled_from(["", *ADDRESSES])), draw(st.sampled_from(["", *PREFIXES])), draw(st.booleans()),
            draw(st.sampled_from(COMMENTS)),
        )  # fmt: skip
    for address in draw(st.sets(st.sampled_from([*ADDRESSES, *PREFIXES]))):
        id_ = router.new_id()
        comment = draw(st.sampled_from(["", "uncle", "mnara:a", "mnara:b", "mnara:gone"]))
        router.walls[id_] = WallRow(id_, 6 if ":" in address else 4, address, draw(st.booleans()), False, comment)
    for name in draw(st.sets(st.sampled_from(NAMES))):
        id_ = router.new_id()
        router.sessions[id_] = SessionRow(id_, name, draw(st.sampled_from(ADDRESSES)))
        router.rates[name] = draw(st.sampled_from([(1_000_000, 2_000_000), (7, 7)]))
    return router


@st.composite
def targets(draw: st.DrawFn) -> dict[str, Target]:
    chosen = draw(st.lists(st.sampled_from(IDS), unique=True))
    names = draw(st.permutations(NAMES))
    addresses = draw(st.permutations(ADDRESSES))
    prefixes: list[Any] = [*PREFIXES, None, None]
    found = {}
    for index, id_ in enumerate(chosen):
        up, down = draw(st.sampled_from([(1_000_000, 2_000_000), (3_000_000, 4_000_000)]))
        right = Right(
            id_, "pppoe", names[index], addresses[index], prefixes[index], True, up, down, None, 0,
            draw(st.integers(1, 2)), "sealed", 1,
        )  # fmt: skip
        level = draw(st.sampled_from(["full", "walled", "off"]))
        found[id_] = Target(id_, right, level)
    return found


def foreign(router: ModelRouter) -> list[object]:
    rows: list[object] = [row for row in router.secrets.values() if owner_of(row.comment) is None]
    rows += [row for row in router.walls.values() if owner_of(row.comment) is None]
    return rows + [row for row in router.profiles.values() if row.comment != "mnara"]


def one_round(router: ModelRouter, wanted: dict[str, Target]) -> bool:
    observed = router.observed()
    everybody = {**wanted, **with_strays(observed, wanted)}
    plan = reconcile(observed, everybody.values())
    for step in plan.steps:
        router.carry_out(step)
    return not plan.steps


@settings(max_examples=300, deadline=None)
@given(routers(), targets())
def test_steps_lead_to_what_is_wanted_and_leave_foreign_rows_alone(
    router: ModelRouter, wanted: dict[str, Target]
) -> None:
    before = foreign(router)
    rounds = 0
    while not one_round(router, wanted):
        rounds += 1
        assert rounds <= 2, "it does not converge"
    assert foreign(router) == before
    plan = reconcile(router.observed(), wanted.values())
    for target in wanted.values():
        check(router, target, refused=target.id in plan.refusals)
    owned = [owner_of(row.comment) for row in (*router.secrets.values(), *router.walls.values())]
    # A name that a refused target claims keeps the row that holds it.
    assert plan.refusals or set(owned) - {None} <= set(wanted)


def check(router: ModelRouter, target: Target, *, refused: bool) -> None:
    right = target.right
    assert right is not None
    seen = router.observed()
    walls = [seen.walls[address] for address in (right.address, right.prefix) if address in seen.walls]
    if refused:
        return
    secret = seen.secrets[right.username]
    assert secret.disabled == (target.level == "off")
    assert (secret.address, secret.comment) == (right.address, f"mnara:{right.id}:{right.revision}")
    expected = 0 if not target.walled else 2 if right.prefix else 1
    assert len([row for row in walls if not row.disabled]) == expected
    if target.level == "off":
        assert right.username not in seen.sessions
