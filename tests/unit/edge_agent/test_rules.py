"""The router's rules: which must stand, and in which order."""

from collections.abc import Sequence

from edge_agent.domain.rules import RuleRow, troubles_of

ORDER = ("pay", "pay-back", "wall", "wall-in", "no-fasttrack-up", "no-fasttrack-down")
FASTTRACK = RuleRow("forward", "fasttrack-connection", "defconf: fasttrack", disabled=False)


def ours(name: str, *, disabled: bool = False) -> RuleRow:
    return RuleRow("forward", "accept", f"mnara-rule:{name}", disabled)


def rows(*names: str) -> list[RuleRow]:
    return [ours(name) for name in names]


def whats(rows4: Sequence[RuleRow], rows6: Sequence[RuleRow] = ()) -> list[str]:
    found = troubles_of(rows4, rows6)
    assert all("mnara-provision router script" in trouble.fix for trouble in found)
    return [trouble.what for trouble in found]


def test_the_order_of_the_script_is_right_with_and_without_fasttrack_below() -> None:
    assert whats(rows(*ORDER)) == []
    assert whats([*rows(*ORDER), FASTTRACK]) == []
    assert whats(rows("pay", "wall", "wall-in", "no-fasttrack-up", "no-fasttrack-down")) == []


def test_fasttrack_above_our_rules_is_named_with_the_rules_it_passes() -> None:
    middle = [*rows("pay", "pay-back", "wall"), FASTTRACK, *rows("wall-in", "no-fasttrack-up", "no-fasttrack-down")]
    assert whats(middle) == [
        "a fasttrack rule stands above mnara-rule:wall-in, mnara-rule:no-fasttrack-up, mnara-rule:no-fasttrack-down, "
        "so open connections pass the wall"
    ]


def test_a_disabled_fasttrack_rule_does_no_harm_and_one_behind_a_jump_does() -> None:
    assert whats([RuleRow("forward", "fasttrack-connection", "", disabled=True), *rows(*ORDER)]) == []
    hidden = RuleRow("fast", "fasttrack-connection", "", disabled=False)
    jump = RuleRow("forward", "jump", "", disabled=False, jump_target="fast")
    assert whats([hidden, *rows(*ORDER), jump]) == []
    assert len(whats([jump, *rows(*ORDER), hidden])) == 1


def test_missing_and_disabled_rules_are_named() -> None:
    found = whats([ours("pay"), ours("wall", disabled=True), ours("wall-in"), *rows("no-fasttrack-up")])
    assert found == [
        "mnara-rule:wall, mnara-rule:no-fasttrack-down are missing or disabled in the filter's chain forward"
    ]


def test_a_wall_above_the_pay_rule_or_below_no_fasttrack_is_named() -> None:
    assert whats(rows("wall", "wall-in", "pay", "no-fasttrack-up", "no-fasttrack-down")) == [
        "mnara-rule:pay stands below mnara-rule:wall"
    ]
    assert whats(rows("pay", "no-fasttrack-up", "no-fasttrack-down", "wall", "wall-in")) == [
        "mnara-rule:wall stands below mnara-rule:no-fasttrack-up"
    ]


def test_ipv6_is_judged_only_where_it_has_rules_of_ours() -> None:
    assert whats(rows(*ORDER), [FASTTRACK]) == []
    found = whats(rows(*ORDER), rows("wall", "wall-in"))
    assert found[0].startswith("IPv6: mnara-rule:no-fasttrack-up, mnara-rule:no-fasttrack-down are missing")
