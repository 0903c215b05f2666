"""Every menu takes exactly the arguments and verbs of its version: the data file walked, and facts of its own."""

import json
from pathlib import Path

import pytest

import lab.mikrotik.menus
from lab.mikrotik.errors import Trap
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.router import Router, Setup
from lab.mikrotik.speech.commands import everything, parse
from lab.mikrotik.speech.language import Language
from lab.mikrotik.store.arguments import known_menus, sampled, unverified_in_6
from lab.mikrotik.store.table import Row, Table
from tests.unit.lab.mikrotik.test_mikrotik_write_back import NEEDED

DATA = json.loads((Path(lab.mikrotik.menus.__file__).parent / "arguments.json").read_text())
VERSIONS = ("6.49", "7.9.2", "7.12.2", "7.15.3", "7.18.2", "7.20.8", "7.24")
# Listed menus that have no table, each with its reason.
WITHOUT_TABLE = {"/system/backup": "has verbs only"}
# Verbs of the command trees that nothing here does; the answer says so.
NOT_MODELLED = {
    "edit": "opens an editor at the console",
    "reset": "newer than most samples, and no client uses it",
    "recursive-print": "console only",
    "blink": "lamps of the box",
    "monitor": "one value at a time; print shows the same",
    "acme-renew": "certificate authorities",
    "add-acme": "certificate authorities",
    "add-scep": "certificate authorities",
    "scep-renew": "certificate authorities",
    "card-reinstall": "smart cards",
    "card-verify": "smart cards",
    "create-certificate-request": "certificate authorities",
    "sign-certificate-request": "certificate authorities",
    "enable-ssl-certificate": "certificate authorities",
    "issued-revoke": "certificate authorities",
    "request-logout": "other people's sessions",
    "generate-new-id": "licences",
    "renew": "licences",
    "upgrade": "firmware",
    "apply-changes": "packages",
    "disable": "packages",
    "downgrade": "packages",
    "enable": "packages",
    "uninstall": "packages",
    "unschedule": "packages",
    "add": "rows are live",
    "set": "rows are live",
    "comment": "rows are live",
    "copy": "files",
    "head": "files",
    "tail": "files",
    "setup": "asks questions at the console",
    "send-reconfigure": "hosts",
}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def takes(menu: str, argument: str, verb: str, version: str) -> bool:
    """Read from the file with nothing of the simulator's own."""
    given = DATA["menus"][menu]["arguments"].get(argument)
    if given is None:
        return False
    entry = {} if isinstance(given, str) else given
    spans = [("since", entry.get("since", "0"))]
    if verb == "set":
        spans.append(("since", entry.get("set_since", "0")))
    old_enough = all(numbers(since) <= numbers(version) for _, since in spans)
    return old_enough and numbers(version) < numbers(entry.get("until", "999")) and entry.get("on", verb) == verb


class Asker:
    """A router of one version, and what it says of an argument."""

    def __init__(self, version: str) -> None:
        self.router = Router(Setup(version=version, empty=True))
        self.language = Language(self.router)
        self.access = everything(ConnectionRecord(0, 0))

    def trap(self, *words: str) -> str:
        try:
            self.language.run(parse(list(words)), self.access)
        except Trap as trap:
            return trap.message
        return ""

    def knows(self, menu: str, verb: str, argument: str) -> bool:
        table = self.router.tables.get(menu)
        words = [f"{menu}/{verb}", f"={argument}=x"]
        if verb == "set" and not table.menu.singleton:
            row = next(iter(table), None) or self._row(table)
            words.append(f"=.id={row.id}")
        return not self.trap(*words).startswith("unknown parameter")

    def _row(self, table: Table) -> Row:
        needed = {name: NEEDED.get(name, "x") for name, field in table.fields.items() if field.required}
        return table.insert({**table.fitted.defaults, **needed})


@pytest.fixture(params=VERSIONS, scope="module")
def asker(request: pytest.FixtureRequest) -> Asker:
    return Asker(request.param)


def test_every_argument_of_every_menu_is_taken_by_its_versions_alone(asker: Asker) -> None:
    wrong, asked = [], 0
    for menu, entry in DATA["menus"].items():
        if not asker.router.tables.has(menu):
            continue
        for verb in ("add", "set"):
            if verb not in asker.router.tables.get(menu).menu.verbs:
                continue
            for argument in (*entry["arguments"], "made-up"):
                asked += 1
                want = takes(menu, argument, verb, asker.router.version_text)
                if asker.knows(menu, verb, argument) != want:
                    wrong.append(f"{menu} {verb} {argument}: want {want}")
    assert wrong == []
    assert asked > 900


def test_every_verb_of_the_command_trees_does_something_or_says_that_it_does_not(asker: Asker) -> None:
    version = asker.router.version
    silent: set[str] = set()
    for menu, known in known_menus().items():
        if not asker.router.tables.has(menu):
            continue
        for verb in (*known.verbs(version), *known.tree_only):
            message = asker.trap(f"{menu}/{verb}", "=.id=*FFFFFF")
            assert not message.startswith("no such command"), (menu, verb)
            if message.startswith("failure: the simulator"):
                silent.add(verb)
        assert asker.trap(f"{menu}/explode") == "no such command"
    assert silent <= set(NOT_MODELLED)
    if version >= (7, 24):
        assert silent == set(NOT_MODELLED)


def test_every_listed_menu_is_there_but_those_with_a_reason(asker: Asker) -> None:
    version = asker.router.version
    listed = {path for path, known in known_menus().items() if known.since <= version}
    missing = {path for path in listed if not asker.router.tables.has(path)}
    assert missing == set(WITHOUT_TABLE)
    assert len(DATA["menus"]) == 65
    assert len(listed - missing) == (62 if version < (7,) else 64)
    too_new = {path for path, known in known_menus().items() if known.since > version}
    assert not {path for path in too_new if asker.router.tables.has(path)}


def test_no_table_has_a_property_that_is_written_in_another_version_only(asker: Asker) -> None:
    for menu, entry in DATA["menus"].items():
        if not asker.router.tables.has(menu):
            continue
        shown = asker.router.tables.get(menu).fields
        version = asker.router.version_text
        for argument in entry["arguments"]:
            if not any(takes(menu, argument, verb, version) for verb in ("add", "set")):
                # A file's name and type were shown before they could be written.
                assert argument not in shown or (menu == "/file" and shown[argument].read_only), (menu, argument)


# From changelogs, the manual and the command trees: (menu, argument, a version with it, an older one without).
FIRST_SEEN = [
    ("/certificate", "trust-store", "7.24", "7.20.8"),
    ("/certificate/settings", "builtin-trust-anchors", "7.20.8", "7.18.2"),
    ("/interface/pppoe-server/server", "accept-untagged", "7.20.8", "7.18.2"),
    ("/interface/pppoe-server/server", "pppoe-over-vlan-range", "7.17", "7.16"),
    ("/ip/dns", "address-list-extra-time", "7.12.2", "7.9.2"),
    ("/ip/dns", "vrf", "7.15.3", "7.12.2"),
    ("/ip/dns", "mdns-repeat-ifaces", "7.16", "7.15.3"),
    ("/ip/dns", "doh-timeout", "7.8", "6.49"),
    ("/ip/dns/static", "match-subdomain", "7.5", "7.4"),
    ("/ip/firewall/filter", "tos", "7.24", "7.20.8"),
    ("/ip/firewall/nat", "randomise-ports", "7.12.2", "7.9.2"),
    ("/ip/firewall/nat", "socks5-port", "7.20.8", "7.18.2"),
    ("/ip/service", "available-from", "7.24", "7.20.8"),
    ("/ip/service", "max-sessions", "7.16", "7.15.3"),
    ("/ip/service", "vrf", "7.9.2", "6.49"),
    ("/ip/settings", "tcp-timestamps", "7.18.2", "7.15.3"),
    ("/ip/pool", "comment", "7.9.2", "6.49"),
    ("/ppp/aaa", "enable-ipv6-accounting", "7.15.3", "7.12.2"),
    ("/ppp/profile", "bridge-port-vid", "7.18.2", "7.15.3"),
    ("/ppp/profile", "dhcpv6-use-radius", "7.20", "7.19"),
    ("/radius", "require-message-auth", "7.15", "7.14"),
    ("/radius", "radsec-timeout", "7.19.6", "7.19.4"),
    ("/system/scheduler", "days", "7.24", "7.20.8"),
    ("/system/ntp/client", "servers", "7.9.2", "6.49"),
    ("/tool/netwatch", "type", "7.9.2", "6.49"),
    ("/tool/netwatch", "ttl", "7.16", "7.15.3"),
    ("/tool/netwatch", "src-address", "7.12.2", "7.9.2"),
    ("/user", "inactivity-policy", "7.18.2", "7.15.3"),
    ("/ip/hotspot/user", "otp-secret", "7.21.3", "7.21.2"),
    ("/ip/hotspot/user", "totp-secret", "7.21", "7.20.8"),
    ("/ip/hotspot/profile", "trial-uptime-limit", "7.9.2", "6.49"),
    ("/ip/dhcp-server", "address-lists", "7.18.2", "7.15.3"),
    ("/ip/dhcp-server/lease", "agent-remote-id", "7.21", "7.20.8"),
    ("/ip/dhcp-server/network", "ntp-none", "7.20.8", "7.18.2"),
]
GONE = [
    ("/ip/firewall/nat", "tls-host", "7.15.3", "7.18"),
    ("/ip/firewall/filter", "hw-offload", "7.20.8", "7.21"),
    ("/ip/settings", "route-cache", "7.12.2", "7.15.3"),
    ("/system/ntp/client", "primary-ntp", "6.49", "7.9.2"),
    ("/ip/hotspot/profile", "trial-uptime", "6.49", "7.9.2"),
    ("/ip/hotspot/user", "totp-secret", "7.21.2", "7.21.3"),
    ("/certificate/settings", "builtin-trust-anchors", "7.20.8", "7.24"),
]


@pytest.mark.parametrize(("menu", "argument", "new", "old"), FIRST_SEEN)
def test_an_argument_is_taken_from_its_first_release_on(menu: str, argument: str, new: str, old: str) -> None:
    assert Asker(new).knows(menu, "set", argument)
    assert not Asker(old).knows(menu, "set", argument)


@pytest.mark.parametrize(("menu", "argument", "last", "first_without"), GONE)
def test_an_argument_is_refused_from_the_release_that_dropped_it(
    menu: str, argument: str, last: str, first_without: str
) -> None:
    assert Asker(last).knows(menu, "set", argument)
    assert not Asker(first_without).knows(menu, "set", argument)


def test_a_version_between_two_samples_is_like_the_older_one() -> None:
    for between, like in (("7.13", "7.12.2"), ("7.19.4", "7.18.2"), ("7.22", "7.20.8"), ("7.99", "7.24")):
        a, b = Router(Setup(version=between)), Router(Setup(version=like))
        for path in DATA["menus"]:
            if a.tables.has(path) and path not in ("/ip/hotspot/user", "/ip/dhcp-server/lease", "/ip/firewall/filter"):
                assert a.tables.get(path).fitted.accepts == b.tables.get(path).fitted.accepts, path


def test_what_is_only_believed_of_version_6_can_be_counted() -> None:
    believed = unverified_in_6()
    assert ("/system/ntp/client", "primary-ntp") not in believed
    assert ("/queue/type", "cake-nat") in believed
    assert len(believed) > 500
    assert sampled()[0] == "7.9.2"
