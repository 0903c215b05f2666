"""Verbs, rules and the router's own words for what it refuses."""

from collections.abc import Callable

import pytest

from tests.unit.lab.mikrotik.conftest import Console


def test_add_answers_the_id_and_print_shows_what_is_set(console: Console) -> None:
    made = console.add("/ppp/secret", name="ann", password="pw", service="pppoe", remote_address="100.64.0.5")
    assert made == "*1"
    (row,) = console.rows("/ppp/secret/print")
    assert row == {
        ".id": "*1", "name": "ann", "service": "pppoe", "caller-id": "", "password": "pw", "profile": "default",
        "remote-address": "100.64.0.5", "ipv6-routes": "", "limit-bytes-in": "0", "limit-bytes-out": "0",
        "disabled": "false", "last-logged-out": "1970-01-01 00:00:00",
    }  # fmt: skip


def test_proplist_sends_only_what_was_asked_and_what_is_there(console: Console) -> None:
    console.add("/ppp/secret", name="ann")
    assert console.rows("/ppp/secret/print", "=.proplist=name,comment,nonsense") == [{"name": "ann"}]
    assert console.rows("/ppp/secret/print", "=.proplist=nonsense") == [{}]


def test_count_only_counts(console: Console) -> None:
    console.add("/ppp/secret", name="ann")
    assert console.say("/ppp/secret/print", "=count-only=", "?name=ann") == "1"


def test_a_property_is_unset_two_ways_and_is_absent_then(console: Console) -> None:
    for words in (
        ("/ppp/secret/unset", "=value-name=remote-address"),
        ("/ppp/secret/set", "=!remote-address="),
    ):
        made = console.add("/ppp/secret", name="ann", remote_address="100.64.0.5")
        console.say(words[0], f"=.id={made}", *words[1:])
        assert "remote-address" not in console.rows("/ppp/secret/print")[0]
        console.say("/ppp/secret/remove", f"=.id={made}")


def test_comma_ids_and_names_stand_for_rows(console: Console) -> None:
    ids = [console.add("/ppp/secret", name=name) for name in ("ann", "bob", "cyd")]
    console.say("/ppp/secret/disable", f"=.id={ids[0]},{ids[1]}")
    console.say("/ppp/secret/enable", "=.id=bob")
    assert [row["disabled"] for row in console.rows("/ppp/secret/print")] == ["true", "false", "false"]
    console.say("/ppp/secret/remove", f"=.id={','.join(ids)}")
    assert console.rows("/ppp/secret/print") == []


def test_one_unknown_id_in_a_list_changes_nothing(console: Console) -> None:
    made = console.add("/ppp/secret", name="ann")
    assert console.trap("/ppp/secret/remove", f"=.id={made},*99") == ("no such item", 0)
    assert len(console.rows("/ppp/secret/print")) == 1


@pytest.mark.parametrize(
    ("words", "message", "category"),
    [
        (("/ppp/secret/add", "=name=ann"), "failure: secret with the same name already exists", None),
        (("/ppp/profile/add", "=name=default"), "failure: profile with the same name already exists", None),
        (
            ("/ip/firewall/address-list/add", "=list=w", "=address=10.0.0.5/32"),
            "failure: already have such entry",
            None,
        ),
        (("/ip/pool/add", "=name=p", "=ranges=10.0.0.1-10.0.0.2"), "failure: pool with such name exists", None),
        (("/queue/simple/add", "=name=q", "=target=10.0.0.9"), "failure: already have such name", None),
        (("/user/add", "=name=admin", "=group=full"), "failure: user with the same name already exists", None),
        (("/user/group/remove", "=.id=full"), "failure: can not remove default or dynamic item", None),
        (("/ppp/secret/set", "=.id=*99", "=name=x"), "no such item", 0),
        (("/ppp/secret/set", "=name=x"), "missing =.id=", None),
        (("/ppp/secret/add", "=name=x", "=color=red"), "unknown parameter color", None),
        (("/ppp/secret/add", "=name=x", "=profile=nope"), "input does not match any value of profile", 1),
        (("/ppp/secret/add", "=name=x", "=remote-address=here"), "invalid value for argument remote-address", 1),
        (("/queue/simple/add", "=target=10.0.0.8", "=priority=9"), "value of priority out of range (1..8)", 1),
        (("/ppp/secret/add",), "missing value(s) of argument(s) name", None),
        (("/ppp/nothing/print",), "no such command prefix", 0),
        (("/ppp/print",), "no such command", 0),
        (("/ppp/active/add",), "no such command", 0),
        (("/ppp/secret/print", "=colour=red"), "unknown parameter colour", None),
    ],
)
def test_a_refusal_has_the_routers_words(
    console: Console, words: tuple[str, ...], message: str, category: int | None
) -> None:
    console.add("/ppp/secret", name="ann")
    console.add("/ip/firewall/address-list", list="w", address="10.0.0.5")
    console.add("/ip/pool", name="p", ranges="10.0.0.1-10.0.0.9")
    console.add("/queue/simple", name="q", target="10.0.0.5")
    assert console.trap(*words) == (message, category)


def test_a_refused_set_of_several_rows_stops_at_the_row_that_does_not_fit(console: Console) -> None:
    console.add("/ppp/secret", name="ann")
    bob = console.add("/ppp/secret", name="bob")
    console.trap("/ppp/secret/set", f"=.id={bob}", "=name=ann")
    assert [row["name"] for row in console.rows("/ppp/secret/print")] == ["ann", "bob"]


def test_a_disabled_row_is_no_duplicate(console: Console) -> None:
    first = console.add("/ip/firewall/address-list", list="w", address="10.0.0.5")
    console.say("/ip/firewall/address-list/disable", f"=.id={first}")
    console.add("/ip/firewall/address-list", list="w", address="10.0.0.5")
    assert console.trap("/ip/firewall/address-list/enable", f"=.id={first}")[0] == "failure: already have such entry"


def test_references_follow_a_rename_and_dangle_as_ids_after_a_removal(console: Console) -> None:
    pool = console.add("/ip/pool", name="p", ranges="10.0.0.1-10.0.0.9")
    console.add("/ppp/profile", name="x", remote_address="p")
    console.say("/ip/pool/set", "=.id=p", "=name=q")
    assert console.rows("/ppp/profile/print", "?name=x")[0]["remote-address"] == "q"
    console.say("/ip/pool/remove", "=.id=q")
    assert console.rows("/ppp/profile/print", "?name=x")[0]["remote-address"] == pool


def test_a_profile_in_use_stays(console: Console) -> None:
    console.add("/ppp/profile", name="x")
    console.add("/ppp/secret", name="ann", profile="x")
    assert console.trap("/ppp/profile/remove", "=.id=x")[0].startswith("failure:")


def test_rules_are_placed_and_moved_before_others_and_to_the_end(console: Console) -> None:
    rules = "/ip/firewall/filter"
    fasttrack = console.rows(f"{rules}/print", "?comment=defconf: fasttrack")[0][".id"]
    wall = console.add(rules, chain="forward", action="reject", comment="wall", place_before=fasttrack)
    late = console.add(rules, chain="forward", action="accept", comment="late")

    def order() -> list[str]:
        """Without the counter row that is always on top."""
        return [row["comment"].removeprefix("defconf: ")[:9] for row in console.rows(f"{rules}/print")][1:]

    assert order() == ["wall", "fasttrack", "accept es", "drop inva", "late"]
    console.say(f"{rules}/move", f"=numbers={late}", f"=destination={wall}")
    assert order()[:2] == ["late", "wall"]
    console.say(f"{rules}/move", f"=numbers={late}", "=destination=*FFF")
    assert order()[-1] == "late"
    assert console.trap(f"{rules}/move", f"=.id={late}", f"=destination={late}")[0].endswith("before itself")
    assert console.trap(f"{rules}/set", f"=.id={late}", f"=place-before={wall}") == (
        "unknown parameter place-before", None,
    )  # fmt: skip


def test_a_bare_number_in_numbers_is_a_position(console: Console) -> None:
    for name in ("ann", "bob"):
        console.add("/ppp/secret", name=name)
    console.say("/ppp/secret/remove", "=numbers=0")
    assert [row["name"] for row in console.rows("/ppp/secret/print")] == ["bob"]


def test_reading_needs_read_and_writing_needs_write(console: Console) -> None:
    console.access.policies = frozenset(("api", "read"))
    assert console.trap("/ppp/secret/add", "=name=x") == ("not enough permissions (9)", None)
    console.access.policies = frozenset(("api", "write"))
    assert console.trap("/ppp/secret/print") == ("not enough permissions (9)", None)
    console.access.policies = frozenset(("api", "read", "write"))
    assert console.trap("/user/add", "=name=x", "=group=full") == ("not enough permissions (9)", None)


def test_passwords_are_masked_without_the_policy_and_user_passwords_always(console: Console) -> None:
    console.add("/ppp/secret", name="ann", password="pw")
    console.access.policies = frozenset(("read",))
    assert console.rows("/ppp/secret/print")[0]["password"] == "*****"
    assert "password" not in console.rows("/user/print")[0]


def test_group_policies_deny_on_add_what_is_not_named_and_keep_it_on_set(console: Console) -> None:
    group = console.add("/user/group", name="g", policy="api,read")
    console.say("/user/group/set", f"=.id={group}", "=policy=write,!read")
    policy = console.rows("/user/group/print", "?name=g")[0]["policy"].split(",")
    assert {"api", "write", "!read", "!sensitive"} <= set(policy)


def test_a_singleton_has_no_id_and_needs_none(console: Console) -> None:
    console.say("/system/identity/set", "=name=TWR-1")
    assert console.rows("/system/identity/print") == [{"name": "TWR-1"}]


def test_fields_and_date_forms_follow_the_version(new_console: Callable[..., Console]) -> None:
    old, new = new_console(version="7.9.2"), new_console(version="7.20.8")
    assert old.rows("/system/clock/print")[0]["date"] == "jan/02/1970"
    assert new.rows("/system/clock/print")[0]["date"] == "1970-01-02"
    assert old.trap("/ppp/profile/add", "=name=x", "=dhcpv6-lease-time=1h")[0].startswith("unknown parameter")
    new.add("/ppp/profile", name="x", dhcpv6_lease_time="1h")
    assert "primary-ntp" in new_console(version="6.49.10").rows("/system/ntp/client/print")[0]


def test_the_clock_is_right_only_once_ntp_has_answered(new_console: Callable[..., Console]) -> None:
    console, deaf = new_console(), new_console(ntp_answers=False)
    for each in (console, deaf):
        each.say("/system/ntp/client/set", "=enabled=yes", "=servers=192.168.77.2")
    assert console.rows("/system/clock/print")[0]["date"] == "2026-05-28"
    assert deaf.rows("/system/clock/print")[0]["date"] == "1970-01-02"
    assert deaf.rows("/system/ntp/client/print")[0]["status"] == "waiting"


def test_every_write_is_in_the_journal_with_its_outcome(console: Console) -> None:
    console.add("/ppp/secret", name="ann")
    console.trap("/ppp/secret/add", "=name=ann")
    journal = console.router.journal.writes_after(0)
    assert [(write.menu, write.verb, write.outcome) for write in journal] == [
        ("/ppp/secret", "add", "done"),
        ("/ppp/secret", "add", "failure: secret with the same name already exists"),
    ]
    assert journal[0].values == {"name": "ann"}
    assert journal[0].at_us == console.clock.wall_us
