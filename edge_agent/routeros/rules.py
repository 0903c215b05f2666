"""Reads the router's filter rules, its base profile and its user's policies, and says what is wrong with them."""

from typing import Final

from edge_agent.domain.rules import RuleRow, Trouble, troubles_of
from edge_agent.domain.wanted import BASE_PROFILE
from edge_agent.errors import RouterRefused
from edge_agent.routeros.client import BootClock, Command, Session
from edge_agent.routeros.fields import is_true

RULES_TIMEOUT_S: Final = 20.0
POLICIES: Final = ("api", "read", "write")
NO_BASE: Final = Trouble(
    f"the profile {BASE_PROFILE} is missing",
    "import the script of `mnara-provision router script`: new speed profiles take their values from it",
)
_FIELDS: Final = "=.proplist=chain,action,comment,disabled,jump-target"


def _rule(row: dict[str, str]) -> RuleRow:
    get = row.get
    return RuleRow(
        get("chain", ""), get("action", ""), get("comment", ""), is_true(get("disabled")), get("jump-target", "")
    )


_FILTERS: Final = (
    Command(("/ip/firewall/filter/print", _FIELDS), _rule),
    Command(("/ipv6/firewall/filter/print", _FIELDS), _rule, optional=True),
)


def read_rules(session: Session, clock: BootClock) -> list[Trouble]:
    """Return what is wrong with the rules and their order; raises RouterUnreachable or RouterRefused."""
    rules4, rules6 = session.batch(_FILTERS, clock=clock, timeout_s=RULES_TIMEOUT_S)
    if rules4.trap is not None:
        raise RouterRefused(
            f"the router does not show its filter ({rules4.trap})", "give the agent's user the policy read"
        )
    return troubles_of(rules4.rows, rules6.rows)


def judge_base(base: dict[str, str]) -> list[Trouble]:
    """Return what is wrong with the base profile's values."""
    if not base:
        return [NO_BASE]
    return [
        Trouble(
            f"the profile {BASE_PROFILE} has no {name}: {so}", f"set {name} on it, or import the site's script again"
        )
        for name, so in (
            ("local-address", "nobody can connect"),
            ("dns-server", "who connects is given no DNS server"),
        )
        if name not in base
    ]


def lacking_policies(session: Session, user: str, clock: BootClock) -> list[str]:
    """Name the policies we need that the user's group does not grant; none if the group is not shown."""
    group = _first(session, ("/user/print", "=.proplist=group", f"?name={user}"), clock).get("group")
    policy = _first(session, ("/user/group/print", "=.proplist=policy", f"?name={group}"), clock).get("policy")
    if group is None or policy is None:
        return []
    granted = policy.split(",")
    return [needed for needed in POLICIES if needed not in granted]


def _first(session: Session, words: tuple[str, ...], clock: BootClock) -> dict[str, str]:
    rows: list[dict[str, str]] = session.batch((Command(words),), clock=clock, timeout_s=RULES_TIMEOUT_S)[0].rows
    return rows[0] if rows else {}
