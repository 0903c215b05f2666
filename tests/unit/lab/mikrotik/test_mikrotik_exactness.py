"""Tables of what is refused and how, how values read back, what is absent when unset, and what references do."""

from collections.abc import Callable

import pytest

from lab.mikrotik.switches import Switches
from tests.unit.lab.mikrotik.conftest import Console

NewConsole = Callable[..., Console]


@pytest.fixture
def stocked(new_console: NewConsole) -> Console:
    """A router with one row of what the tables below point at."""
    console = new_console()
    console.add("/ppp/secret", name="ann")
    console.add("/ppp/profile", name="plan-5M")
    console.add("/ppp/profile", name="plan-10M")
    console.add("/ip/pool", name="p", ranges="10.0.0.1-10.0.0.9")
    console.add("/queue/simple", name="q", target="10.0.0.5")
    console.add("/user/group", name="g", policy="api,read")
    console.add("/user", name="u", group="g", password="pw")
    console.add("/ip/firewall/filter", chain="forward", action="drop", comment="last")
    return console


REFUSED = [
    # (situation, words, message, category)
    ("unknown menu", "/ppp/nothing/print", "no such command prefix", 0),
    ("unknown verb", "/ppp/secret/explode", "no such command", 0),
    ("unknown id", "/ppp/secret/set =.id=*99 =name=x", "no such item", 0),
    ("unknown name", "/ppp/secret/remove =.id=nobody", "no such item", 0),
    ("unknown position", "/ppp/secret/remove =numbers=7", "no such item", 0),
    ("bad id", "/ppp/secret/remove =.id=*xyz", "invalid internal item number", None),
    ("id with a sign", "/ppp/secret/remove =.id=*+1", "invalid internal item number", None),
    ("missing id", "/ppp/secret/remove", "missing =.id=", None),
    ("unknown argument", "/ppp/secret/add =name=x =foo=1", "unknown parameter foo", None),
    ("unknown argument of remove", "/ppp/secret/remove =.id=ann =foo=1", "unknown parameter foo", None),
    ("unknown switch of print", "/ppp/secret/print =foo=1", "unknown parameter foo", None),
    ("read-only property", "/ppp/secret/set =.id=ann =last-caller-id=x", "unknown parameter last-caller-id", None),
    ("live property", "/system/resource/print =uptime=1", "unknown parameter uptime", None),
    ("numbers of a singleton", "/system/identity/set =numbers=0", "unknown parameter numbers", None),
    ("place of a set", "/ip/firewall/filter/set =.id=*1 =place-before=*1", "unknown parameter place-before", None),
    ("bad reference", "/ppp/secret/add =name=x =profile=none", "input does not match any value of profile", 1),
    ("bad reference by id", "/ppp/secret/add =name=x =profile=*77", "input does not match any value of profile", 1),
    ("bad word", "/ppp/secret/add =name=x =service=ftp", "input does not match any value of service", 1),
    ("bad word in a list", "/ip/firewall/filter/add =chain=input =connection-state=new,fresh",
     "input does not match any value of connection-state", 1),
    ("bad word of a data-only enum", "/ip/firewall/filter/add =chain=input =connection-type=smtp",
     "input does not match any value of connection-type", 1),
    ("ambiguous word", "/ppp/secret/add =name=x =service=p",
     "ambiguous value of service, more than one possible value matches input", 1),
    ("ambiguous name", "/ppp/secret/add =name=x =profile=plan-",
     "ambiguous value of profile, more than one possible value matches input", 1),
    ("bad address", "/ppp/secret/add =name=x =remote-address=home", "invalid value for argument remote-address", 1),
    ("bad boolean", "/ppp/secret/add =name=x =disabled=perhaps", "invalid value for argument disabled", 1),
    ("bad duration", "/ppp/profile/add =name=x =session-timeout=soon", "invalid value for argument session-timeout", 1),
    ("bad hardware address", "/ip/arp/add =interface=ether1 =mac-address=12:34",
     "invalid value for argument mac-address", 1),
    ("bad date", "/system/scheduler/add =name=x =start-date=today", "invalid value for argument start-date", 1),
    ("out of range", "/queue/tree/add =parent=global =priority=9", "value of priority out of range (1..8)", 1),
    ("out of range, data only", "/ip/firewall/raw/add =chain=prerouting =dscp=64",
     "value of dscp out of range (0..63)", 1),
    ("port out of range", "/ip/service/set =.id=api =port=70000", "value of port out of range (1..65535)", 1),
    ("sessions out of range", "/ip/service/set =.id=api =max-sessions=0",
     "value of max-sessions out of range (1..1000)", 1),
    ("missing argument", "/ppp/secret/add", "missing value(s) of argument(s) name", None),
    ("missing arguments", "/ip/address/add", "missing value(s) of argument(s) address interface", None),
    ("required taken away", "/ppp/secret/set =.id=ann =!name=", "invalid value for argument name", 1),
    ("wrong property of unset", "/ppp/secret/unset =.id=ann =value-name=foo",
     "input does not match any value of value-name", 1),
    ("wrong property of get", "/ppp/secret/get =.id=ann =value-name=foo",
     "input does not match any value of value-name", 1),
    ("duplicate secret", "/ppp/secret/add =name=ann", "failure: secret with the same name already exists", None),
    ("duplicate profile", "/ppp/profile/add =name=plan-5M", "failure: profile with the same name already exists", None),
    ("duplicate queue", "/queue/simple/add =name=q =target=10.0.0.6", "failure: already have such name", None),
    ("duplicate pool", "/ip/pool/add =name=p =ranges=10.1.0.0/24", "failure: pool with such name exists", None),
    ("duplicate user", "/user/add =name=u =group=g", "failure: user with the same name already exists", None),
    ("group in use", "/user/group/remove =.id=g", "failure: group has some users", None),
    ("move onto itself", "/ip/firewall/filter/move =numbers=*1 =destination=*1",
     "failure: can not move object before itself", None),
    ("verb nobody plays", "/ppp/secret/edit =.id=ann",
     "failure: the simulator has no edit: do without it, or ask a real router", None),
]  # fmt: skip


@pytest.mark.parametrize(("situation", "words", "message", "category"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_situation_earns_its_text_and_category(
    stocked: Console, situation: str, words: str, message: str, category: int | None
) -> None:
    assert stocked.trap(*words.split()) == (message, category)


def test_version_6_does_not_name_the_argument_it_refuses(new_console: NewConsole) -> None:
    old = new_console(version="6.49")
    old.add("/ppp/secret", name="ann")
    for words in (("add", "=name=x", "=foo=1"), ("set", "=.id=ann", "=foo=1"), ("remove", "=.id=ann", "=foo=1")):
        assert old.trap(f"/ppp/secret/{words[0]}", *words[1:]) == ("unknown parameter", None)
    assert old.trap("/ppp/secret/print", "=foo=1") == ("unknown parameter", None)


def test_the_beginning_of_a_word_stands_for_it_where_the_setup_says_so(new_console: NewConsole) -> None:
    loose, strict = new_console(), new_console(switches=Switches(completes_values=False))
    loose.add("/ppp/profile", name="plan-5M")
    strict.add("/ppp/profile", name="plan-5M")
    loose.add("/ppp/secret", name="x", service="pppo", profile="plan")
    (row,) = loose.rows("/ppp/secret/print")
    assert (row["service"], row["profile"]) == ("pppoe", "plan-5M")
    loose.add("/ip/firewall/filter", chain="input", connection_state="!est,rel,new", comment="c")
    assert loose.rows("/ip/firewall/filter/print", "?comment=c")[0]["connection-state"] == "!established,related,new"
    for name, value in (("service", "pppo"), ("profile", "plan")):
        assert strict.trap("/ppp/secret/add", "=name=x", f"={name}={value}") == (
            f"input does not match any value of {name}", 1,
        )  # fmt: skip


READS_BACK = [
    # (menu, what else a row needs, property, written, read)
    ("/ppp/secret", "name=x", "disabled", "yes", "true"),
    ("/ppp/secret", "name=x", "disabled", "false", "false"),
    ("/ppp/secret", "name=x", "limit-bytes-in", "0010", "10"),
    ("/ppp/secret", "name=x", "remote-ipv6-prefix", "2001:DB8:0::/48", "2001:db8::/48"),
    ("/ppp/profile", "name=x", "rate-limit", "2M/5M", "2M/5M"),
    ("/ppp/profile", "name=x", "session-timeout", "3600", "1h"),
    ("/ppp/profile", "name=x", "session-timeout", "1d02:03:04", "1d2h3m4s"),
    ("/ppp/profile", "name=x", "only-one", "true", "yes"),
    ("/ppp/profile", "name=x", "dns-server", "1.1.1.1,9.9.9.9", "1.1.1.1,9.9.9.9"),
    ("/queue/simple", "name=x", "target", "10.0.0.5", "10.0.0.5/32"),
    ("/queue/simple", "target=10.0.0.5", "max-limit", "5M/20M", "5000000/20000000"),
    ("/queue/simple", "target=10.0.0.5", "total-max-limit", "1G", "1000000000"),
    ("/queue/tree", "parent=global", "max-limit", "10M", "10000000"),
    ("/queue/type", "name=x kind=pcq", "pcq-rate", "2M", "2000000"),
    ("/queue/type", "name=x kind=pcq", "pcq-classifier", "src-address", "src-address"),
    ("/ip/firewall/address-list", "list=l", "address", "10.0.0.5/32", "10.0.0.5"),
    ("/ip/firewall/address-list", "list=l", "address", "10.0.0.5/24", "10.0.0.0/24"),
    ("/ip/firewall/raw", "chain=prerouting", "src-mac-address", "aa-bb-cc-dd-ee-ff", "AA:BB:CC:DD:EE:FF"),
    ("/ip/firewall/raw", "chain=prerouting", "dst-port", "!80,443", "!80,443"),
    ("/ip/firewall/raw", "chain=prerouting", "random", "50", "50"),
    ("/ip/arp", "interface=ether1", "mac-address", "aabbccddeeff", "AA:BB:CC:DD:EE:FF"),
    ("/ip/dns/static", "name=x.test", "ttl", "60", "1m"),
    ("/tool/netwatch", "host=1.1.1.1", "interval", "00:00:30", "30s"),
    ("/tool/netwatch", "host=1.1.1.1", "timeout", "1500ms", "1s500ms"),
    ("/system/scheduler", "name=x", "start-time", "9:05", "09:05:00"),
    ("/system/scheduler", "name=x", "start-time", "startup", "startup"),
    ("/system/scheduler", "name=x", "policy", "write,read", "read,write"),
    ("/radius", "address=10.0.0.2", "timeout", "3000ms", "3s"),
    ("/ip/address", "interface=ether5", "address", "192.168.77.1/30", "192.168.77.1/30"),
]


@pytest.mark.parametrize(("menu", "needs", "name", "written", "read"), READS_BACK)
def test_a_value_reads_back_as_the_router_stores_it(
    console: Console, menu: str, needs: str, name: str, written: str, read: str
) -> None:
    made = console.say(f"{menu}/add", *(f"={each}" for each in needs.split()), f"={name}={written}")
    (row,) = console.rows(f"{menu}/print", f"?.id={made}")
    assert row[name] == read
    console.say(f"{menu}/set", f"=.id={made}", f"={name}={read}")
    assert console.rows(f"{menu}/print", f"?.id={made}") == [row], "what was read can be written back"


ABSENT = [
    ("/ppp/secret", "name=x", "remote-address", "10.0.0.9"),
    ("/ppp/secret", "name=x", "routes", "10.0.0.0/24"),
    ("/ppp/secret", "name=x", "comment", "c"),
    ("/ppp/profile", "name=x", "local-address", "10.0.0.1"),
    ("/ppp/profile", "name=x", "rate-limit", "1M/1M"),
    ("/ppp/profile", "name=x", "insert-queue-before", "first"),
    ("/queue/simple", "target=10.0.0.5", "time", "8h-9h,mon"),
    ("/queue/simple", "target=10.0.0.5", "dst", "ether1"),
    ("/ip/firewall/filter", "chain=input", "src-address", "10.0.0.1"),
    ("/ip/firewall/filter", "chain=input", "in-interface", "ether1"),
    ("/ip/firewall/filter", "chain=input", "limit", "1,5:packet"),
    ("/ip/firewall/nat", "chain=srcnat", "to-addresses", "10.0.0.1"),
    ("/ip/firewall/raw", "chain=output", "ttl", "equal:1"),
    ("/ip/proxy/access", "action=deny", "dst-host", "x.test"),
    ("/ip/dns/static", "name=x", "forward-to", "1.1.1.1"),
    ("/tool/netwatch", "host=1.1.1.1", "thr-avg", "10ms"),
]


@pytest.mark.parametrize(("menu", "needs", "name", "value"), ABSENT)
def test_what_is_not_set_is_absent_and_absent_again_when_unset(
    console: Console, menu: str, needs: str, name: str, value: str
) -> None:
    made = console.say(f"{menu}/add", *(f"={each}" for each in needs.split()))

    def shown() -> dict[str, str]:
        return console.rows(f"{menu}/print", f"?.id={made}")[0]

    assert name not in shown()
    console.say(f"{menu}/set", f"=.id={made}", f"={name}={value}")
    assert name in shown()
    console.say(f"{menu}/set", f"=.id={made}", f"=!{name}=")
    assert name not in shown()


REFERENCES = [
    # (menu and row that is named, what the naming row needs, menu that names, property)
    ("/ip/pool", "ranges=10.9.0.0/24", "/ppp/profile", "name=x", "remote-address"),
    ("/ip/pool", "ranges=10.9.0.0/24", "/ip/pool", "name=x ranges=10.8.0.0/24", "next-pool"),
    ("/queue/simple", "target=10.0.0.7", "/ppp/profile", "name=x", "parent-queue"),
    ("/queue/simple", "target=10.0.0.7", "/queue/simple", "name=x target=10.0.0.8", "parent"),
    ("/interface/list", "", "/interface/list/member", "interface=ether3", "list"),
    ("/interface/list", "", "/ip/firewall/filter", "chain=input", "in-interface-list"),
    ("/interface/list", "", "/interface/list", "name=x", "include"),
    ("/certificate", "common-name=c", "/ip/service", "", "certificate"),
]


@pytest.mark.parametrize(("named", "needs", "naming", "more", "name"), REFERENCES)
def test_a_reference_follows_a_rename_and_dangles_as_an_id(
    console: Console, named: str, needs: str, naming: str, more: str, name: str
) -> None:
    target = console.say(f"{named}/add", "=name=first", *(f"={each}" for each in needs.split()))
    if naming == "/ip/service":
        row: object = "api-ssl"
        console.say("/ip/service/set", "=.id=api-ssl", f"={name}=first")
    else:
        row = console.say(f"{naming}/add", *(f"={each}" for each in more.split()), f"={name}=first")

    def held() -> str:
        return console.router.tables.get(naming).find(str(row)).get(name)  # type: ignore[union-attr]  # it is there

    console.say(f"{named}/set", f"=.id={target}", "=name=second")
    assert held() == "second"
    console.say(f"{named}/remove", f"=.id={target}")
    assert held() == target


def test_a_negated_reference_follows_too(console: Console) -> None:
    made = console.add("/interface/list", name="guests")
    rule = console.add("/ip/firewall/filter", chain="input", in_interface_list="!guests")
    console.say("/interface/list/set", "=.id=guests", "=name=visitors")
    assert console.rows("/ip/firewall/filter/print", f"?.id={rule}")[0]["in-interface-list"] == "!visitors"
    console.say("/interface/list/remove", f"=.id={made}")
    assert console.rows("/ip/firewall/filter/print", f"?.id={rule}")[0]["in-interface-list"] == f"!{made}"
    assert console.trap("/ip/firewall/filter/add", "=chain=input", "=in-interface=ether99")[1] == 1


def test_numbers_take_positions_names_and_ids_mixed(console: Console) -> None:
    for name in ("ann", "bob", "cyd", "dan"):
        console.add("/ppp/secret", name=name)
    console.say("/ppp/secret/disable", "=numbers=0,cyd,*4")
    assert [row["disabled"] for row in console.rows("/ppp/secret/print")] == ["true", "false", "true", "true"]


def test_a_copy_takes_over_what_is_not_said(console: Console) -> None:
    console.add("/ppp/secret", name="ann", password="pw", service="pppoe", comment="c")
    assert console.trap("/ppp/secret/add", "=copy-from=ann")[0].startswith("failure: secret with the same name")
    made = console.say("/ppp/secret/add", "=copy-from=ann", "=name=bob", "=password=other")
    (row,) = console.rows("/ppp/secret/print", f"?.id={made}")
    assert (row["service"], row["comment"], row["password"]) == ("pppoe", "c", "other")


def test_get_gives_one_value_or_all(console: Console) -> None:
    console.add("/ppp/secret", name="ann")
    assert console.say("/ppp/secret/get", "=.id=ann", "=value-name=profile") == "default"
    whole = console.say("/ppp/secret/get", "=.id=ann")
    assert isinstance(whole, str)
    assert whole.startswith(".id=*1;name=ann;")


def test_unnamed_rows_are_numbered_by_the_router(console: Console) -> None:
    for target in ("10.0.0.5", "10.0.0.6"):
        console.add("/queue/simple", target=target)
    assert [row["name"] for row in console.rows("/queue/simple/print")] == ["queue1", "queue2"]


def test_what_the_moment_gives_a_row_is_filled_in(console: Console) -> None:
    console.add("/system/scheduler", name="x", on_event="/log info x")
    (row,) = console.rows("/system/scheduler/print")
    assert (row["start-date"], row["owner"], row["run-count"]) == ("1970-01-02", "script", "0")
    address = console.add("/ip/address", address="192.168.77.1/30", interface="ether5")
    assert console.rows("/ip/address/print", f"?.id={address}")[0]["network"] == "192.168.77.0"
    console.say("/ip/address/set", f"=.id={address}", "=address=192.168.80.1/24")
    assert console.rows("/ip/address/print", f"?.id={address}")[0]["network"] == "192.168.80.0"


def test_a_queue_type_shows_the_parameters_of_its_kind(console: Console) -> None:
    console.add("/queue/type", name="x", kind="pcq", pcq_rate="1M")
    (row,) = console.rows("/queue/type/print", "?name=x")
    assert row["pcq-rate"] == "1000000"
    assert row["pcq-limit"] == "50KiB"
    assert "sfq-perturb" not in row
    assert len(console.rows("/queue/type/print", "?default=true")) == 10
    assert console.trap("/queue/type/remove", "=.id=default-small")[0].startswith("failure:")


DENIED = [
    # (verb that is asked, policy without which it is refused)
    (("/ppp/secret/print",), "read"),
    (("/ppp/secret/add", "=name=x"), "write"),
    (("/user/add", "=name=x", "=group=full"), "policy"),
    (("/user/settings/set", "=minimum-password-length=8"), "policy"),
    (("/file/add", "=name=x.txt"), "ftp"),
    (("/ppp/secret/print", "=file=x"), "ftp"),
    (("/system/scheduler/add", "=name=x", "=policy=read,reboot"), "reboot"),
    (("/system/script/add", "=name=x", "=policy=test"), "test"),
]


@pytest.mark.parametrize(("words", "policy"), DENIED, ids=[words[0] for words, _ in DENIED])
def test_what_a_policy_allows_is_refused_without_it(console: Console, words: tuple[str, ...], policy: str) -> None:
    everything = console.access.policies
    console.access.policies = everything - {policy}
    assert console.trap(*words) == ("not enough permissions (9)", None)
    console.access.policies = everything
    console.say(*words)


@pytest.mark.parametrize("menu", ["/radius", "/ppp/secret"])
def test_secrets_are_masked_without_sensitive(console: Console, menu: str) -> None:
    name = "secret" if menu == "/radius" else "password"
    console.say(f"{menu}/add", "=address=10.0.0.2" if menu == "/radius" else "=name=x", f"={name}=hidden")
    console.access.policies = console.access.policies - {"sensitive"}
    (row,) = console.rows(f"{menu}/print")
    assert row[name] == "*****"
    assert console.rows(f"{menu}/print", f"?{name}=hidden") == []
    assert "hidden" not in str(console.say(f"{menu}/get", f"=.id={row['.id']}"))


def test_a_dynamic_row_is_neither_changed_nor_removed(console: Console) -> None:
    console.add("/ip/pool", name="p", ranges="10.0.0.1-10.0.0.9")
    console.add("/ppp/profile", name="x", local_address="10.0.0.1", remote_address="p", rate_limit="1M/1M")
    console.add("/ppp/secret", name="ann", profile="x")
    console.router.dial("ann", "")
    queue = "<pppoe-ann>"
    for words in (("set", "=max-limit=2M/2M"), ("disable",), ("comment", "=comment=x"), ("remove",)):
        assert console.trap(f"/queue/simple/{words[0]}", f"=.id={queue}", *words[1:])[0].startswith("failure:")
    assert console.rows("/ip/pool/used/print")[0]["info"] == "ann"
    console.router.hangup("ann")
    assert console.rows("/ip/pool/used/print") == []


def test_reset_counters_is_taken_where_a_menu_has_it(stocked: Console) -> None:
    for menu in ("/ip/firewall/filter", "/queue/simple", "/ip/firewall/nat", "/interface"):
        row = stocked.rows(f"{menu}/print", "=.proplist=.id")[0][".id"]
        assert stocked.say(f"{menu}/reset-counters", f"=.id={row}") is None
    assert stocked.trap("/ppp/secret/reset-counters") == ("no such command", 0)
