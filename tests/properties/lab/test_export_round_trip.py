"""Whatever was written: an export, imported into an empty router of the same version, makes the same tables."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from lab.mikrotik.console.export import Style
from lab.mikrotik.console.export_text import quoted, units, wrapped
from lab.mikrotik.console.reader import Reader
from lab.mikrotik.console.tree import Call, Literal
from lab.mikrotik.errors import ScriptError, Trap
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.router import Router, Setup
from lab.mikrotik.script import run_script
from lab.mikrotik.speech.commands import Command, everything
from lab.mikrotik.speech.language import Language

TEXT = st.text(st.characters(max_codepoint=255), min_size=1, max_size=120)
NAME = st.sampled_from(["a", "b b", "c$", 'd"', "e\\", "f;g", "h\xe9", "i=j", "[k]", "#l"]) | st.text(
    st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="*,!"), min_size=1, max_size=12
)
FLAG = st.sampled_from(["yes", "no"])
ROWS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "/ppp/secret": {"name": NAME, "password": TEXT, "comment": TEXT, "disabled": FLAG, "profile": NAME,
                    "remote-address": st.sampled_from(["10.0.0.9", "10.0.0.10"])},
    "/ppp/profile": {"name": NAME, "on-up": TEXT, "rate-limit": st.sampled_from(["2M/5M", "64k", "1M/1M 2M/2M"]),
                     "remote-address": NAME, "only-one": st.sampled_from(["yes", "no", "default"])},
    "/ip/pool": {"name": NAME, "ranges": st.sampled_from(["10.0.0.2-10.0.0.9", "10.1.0.0/24"]), "next-pool": NAME},
    "/ip/firewall/address-list": {"list": NAME, "address": st.sampled_from(["10.0.0.1", "a.example", "10.0.0.0/8"]),
                                  "comment": TEXT, "disabled": FLAG},
    "/ip/firewall/filter": {"chain": NAME, "action": st.sampled_from(["accept", "drop"]), "comment": TEXT,
                            "src-address": st.sampled_from(["!10.0.0.0/8", "10.0.0.1"]), "log": FLAG},
    "/queue/simple": {"name": NAME, "target": st.sampled_from(["10.0.0.5", "10.0.1.0/24"]), "disabled": FLAG,
                      "max-limit": st.sampled_from(["5M/20M", "1234/0", "1500k/1G"])},
    "/system/script": {"name": NAME, "source": TEXT, "comment": TEXT},
    "/system/identity": {"name": TEXT},
    "/user/group": {"name": NAME, "policy": st.sampled_from(["read,write", "", "api,!read"])},
}  # fmt: skip


@st.composite
def writes(draw: st.DrawFn) -> Command:
    path = draw(st.sampled_from(sorted(ROWS)))
    values = {name: draw(kind) for name, kind in ROWS[path].items() if draw(st.booleans())}
    return Command(path, "set" if path == "/system/identity" else "add", values)


def content(router: Router) -> dict[str, list[dict[str, str]]]:
    """Everything an export speaks of, without ids."""
    return {path: [dict(row.values) for row in router.tables.get(path)] for path in ROWS}


@given(st.lists(writes(), max_size=12), st.sampled_from(["6.49.18", "7.18.2"]), st.booleans())
def test_an_import_of_an_export_makes_the_same_tables(commands: list[Command], version: str, terse: bool) -> None:
    router = Router(Setup(version=version, empty=True))
    language, access = Language(router), everything(ConnectionRecord(0, 0))
    for command in commands:
        with suppress(Trap):
            language.run(command, access)
    style = Style(secrets=True, terse=terse)
    text = router.desk.exporter.text("", style)
    assert text.isascii()
    again = Router(Setup(version=version, empty=True))
    run_script(again, text)
    assert content(again) == content(router)
    assert again.desk.exporter.text("", style).split("\n", 1)[1] == text.split("\n", 1)[1]


@given(st.lists(st.tuples(st.from_regex(r"[a-z][a-z-]{0,20}", fullmatch=True), TEXT), max_size=8))
def test_a_broken_line_reads_back_and_is_nowhere_too_long(pairs: list[tuple[str, str]]) -> None:
    text = wrapped("add", pairs)
    lines = text.split("\n")
    longest = max((len(quoted(value)) for _, value in pairs), default=0)
    assert all(len(line) <= 80 or longest > 70 for line in lines)
    assert all(line.endswith("\\") for line in lines[:-1])
    (call,) = Reader(text, Router().desk, "/ip/pool").calls()
    assert isinstance(call, Call)
    assert [(one.name, one.value) for one in call.arguments] == [
        (name, Literal(value, quoted=quoted(value).startswith('"') or ('"' in text and _is_quoted(text, name, value))))
        for name, value in pairs
    ]


def _is_quoted(text: str, name: str, value: str) -> bool:
    return f'{name}="{units(value)[0]}' in text.replace("\\\n    ", "")


WORDS = st.sampled_from([
    "/ip", "/ppp secret", "add", "set", "[find", "]", "{", "}", "(", ")", ":if", ":foreach i in=", "do=", "else=", "$x",
    '"', "\\", "\n", ";", "=", "name=a", ":local x", ":global x", "print where", "!", "~", "->", "..", "#", ":put", "1",
    ":do", "on-error=",
    "/import", "/export", "find", "true", "and", "1d", "*1", "while", ":return", ":parse",
])  # fmt: skip


@given(st.lists(WORDS | st.text(max_size=3), max_size=25).map(" ".join))
def test_whatever_looks_like_a_script_runs_or_names_its_line(text: str) -> None:
    with suppress(ScriptError):
        run_script(_BENCH, text)


_BENCH = Router()
