"""Exports: the words, the order and the line breaks of the version, and nothing that must not be in them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.mikrotik.console.export import Style
from lab.mikrotik.console.export_text import wrapped
from lab.mikrotik.console.reader import Names, Reader
from lab.mikrotik.console.tree import Call, Literal
from lab.mikrotik.router import Router
from lab.mikrotik.script import run_script
from tests.unit.lab.mikrotik.conftest import Console

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("6.49.18", "7.18.2")
WITH_SECRETS = Style(secrets=True)


def tower(make: Callable[..., Console], version: str) -> Console:
    console = make(version=version)
    script = (GOLDEN / "tower.rsc").read_text()
    run_script(console.router, script if version != "7.18.2" else script.replace("jan/05/2026", "2026-01-05"))
    return console


def body(router: Router, style: Style = WITH_SECRETS) -> str:
    """The export without its header of five lines."""
    return router.desk.exporter.text("", style).split("\n", 5)[5]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_export_reads_as_the_version_writes_it(new_console: Callable[..., Console], version: str) -> None:
    text = tower(new_console, version).router.desk.exporter.text("", WITH_SECRETS)
    assert text == (GOLDEN / f"tower-{version}.rsc").read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_import_of_an_export_gives_the_same_export(new_console: Callable[..., Console], version: str) -> None:
    first = tower(new_console, version)
    second = new_console(version=version, empty=True)
    # Scripts keep their owner, schedules belong to whoever adds them: everything else must be the same.
    run_script(second.router, first.router.desk.exporter.text("", WITH_SECRETS))
    assert body(second.router) == body(first.router)


def test_the_header_tells_version_and_machine(new_console: Callable[..., Console]) -> None:
    router = new_console().router
    run_script(router, "/system ntp client set enabled=yes servers=1.1.1.1")
    lines = router.desk.exporter.text().split("\n")
    assert lines[0] == "# 2026-05-28 20:26:40 by RouterOS 7.18.2"
    assert [line.split(" = ")[0] for line in lines[1:5]] == ["# software id", "#", "# model", "# serial number"]


@pytest.mark.parametrize(
    ("version", "switch", "shown"),
    [
        ("6.49.18", "", True), ("6.49.18", "hide-sensitive", False),
        ("7.18.2", "", False), ("7.18.2", "show-sensitive", True),
    ],
)  # fmt: skip
def test_passwords_are_shown_by_version_and_wish(
    new_console: Callable[..., Console], version: str, switch: str, *, shown: bool
) -> None:
    console = tower(new_console, version)
    text = run_script(console.router, f"/export {switch}")
    assert ("password=x" in text) is shown
    assert "password=secret" not in text  # a user's password never
    assert "/user add" not in text


def test_a_part_of_the_configuration_is_exported_from_its_menu(new_console: Callable[..., Console]) -> None:
    console = tower(new_console, "7.18.2")
    sections = [line for line in run_script(console.router, "/ppp export").split("\n") if line.startswith("/")]
    assert sections == ["/ppp profile", "/ppp secret"]
    text = run_script(console.router, "/ip/service/export terse")
    assert "/ip service set telnet disabled=yes" in text
    text = run_script(console.router, "/ppp secret export where name=ann")
    assert text.count("\nadd") == 1


def test_rows_wait_for_what_they_name(console: Console) -> None:
    run_script(
        console.router,
        "/queue type add name=t kind=pcq\n/queue tree add name=up parent=global queue=t\n/queue tree print",
    )
    text = console.router.desk.exporter.text("/queue")
    assert text.index("name=t") < text.index("name=up")  # though trees come before types otherwise
    fresh = Router(console.router.setup)
    run_script(fresh, text)
    assert fresh.rows("/queue/tree")[0]["queue"] == "t"


def test_over_the_api_an_export_prints_nothing_but_writes_a_file(console: Console) -> None:
    assert console.say("/export") is None
    console.say("/export", "=file=kept")
    (file,) = console.rows("/file/print", "?name=kept.rsc")
    assert file["contents"].startswith("# ")
    assert int(file["size"]) == len(file["contents"])
    console.access.policies = frozenset(("read", "write", "api"))
    assert console.trap("/export", "=file=other") == ("not enough permissions (9)", None)


# Lines broken as real exports break lines of these lengths.
BROKEN = [
    r"""add address=10.0.7.4 comment="Phone of the Hill" mac-address=\
    E8:D8:7E:0A:5F:FB server=defconf""",
    r"""add address=127.0.0.1 disabled=yes regexp=".*\\.sky\\.co\\.uk\$" ttl=1m type=\
    A""",
    r"""add address=10.0.8.104 comment="Lamp EP10 Smart Plug - House Fan 11" \
    mac-address=54:AF:97:84:42:91 server=defconf""",
    r"""add address=10.0.7.1 comment=\
    "SMALL (SMART SPEAKERS/MEDIA) /// Large Television 42" mac-address=\
    F4:F5:D8:75:87:F8 server=defconf""",
    r"""add address=10.0.8.1 comment="OUR - POWER DEVICES (SMART PLUGS / SWITCHES) ///\
    \_Lamp HS200 Smart Switch - Front Door Porch Light" mac-address=\
    98:25:4A:F8:72:99 server=defconf""",
    r"""add interval=12h name=##keep&check-line on-event=\
    "/system script run ##keepit\r\
    \n/system script run ##check-line" policy=\
    ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon \
    start-date=jan/01/2020 start-time=00:00:00""",
    r"""add comment=BOT dont-require-permissions=no name=tg_cmd_help owner=admin@noc \
    policy=read source=":local send [:parse [/system script get tg_sendMessage\
    \_source]]\r\
    \n\r\
    \n:put \$params\r\
    \n"
""".strip(),
]


def pairs_of(text: str, names: Names) -> list[tuple[str, str]]:
    """The arguments of one command, read back."""
    (call,) = Reader(text, names, "/ip/pool").calls()
    assert isinstance(call, Call)
    found = [(one.name, one.value) for one in call.arguments]
    return [(name, value.text) for name, value in found if name is not None and isinstance(value, Literal)]


@pytest.mark.parametrize("text", BROKEN)
def test_lines_break_where_routers_break_them(console: Console, text: str) -> None:
    assert wrapped("add", pairs_of(text, console.router.desk)) == text
