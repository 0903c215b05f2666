"""Whatever somebody types is answered or trapped; nothing else."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from lab.mikrotik.errors import DialError, ScriptError, Trap
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.menus import ALL
from lab.mikrotik.router import Router
from lab.mikrotik.script import run_script
from lab.mikrotik.speech.commands import Listing, everything, parse
from lab.mikrotik.speech.language import Language

VERBS = sorted({verb for menu in ALL for verb in menu.verbs} | {"nonsense", ""})
ARGUMENTS = {".id", "numbers", ".proplist", "place-before"}
FIELDS = sorted({field.name for menu in ALL for field in menu.fields} | ARGUMENTS)
VALUES = st.sampled_from(
    ["", "yes", "*1", "*FFFFFFFE", "*zz", "0", "99999999999", "10.0.0.1", "10.0.0.0/33", "::1", "5M/20M", "!", "!a",
    "-",      "1d", "default", "a,b", "10.0.0.9-10.0.0.1", "forward", "ether1", "²", "x" * 300]
) | st.text(st.characters(max_codepoint=255), max_size=12)  # fmt: skip
SENTENCES = st.builds(
    lambda path, verb, attributes, queries: [
        f"{path}/{verb}",
        *(f"={name}={value}" for name, value in attributes.items()),
        *(f"?{query}" for query in queries),
    ],
    st.sampled_from([menu.path for menu in ALL] + ["", "/no", "no", "/ip"]),
    st.sampled_from(VERBS),
    st.dictionaries(st.sampled_from(FIELDS) | st.sampled_from(FIELDS).map("!{}".format), VALUES, max_size=4),
    st.lists(
        st.sampled_from(["name=a", "#|", "#!", "#1", "#²", ">x=", "-", "", "#", "<address=5"]) | VALUES, max_size=3
    ),
)


@given(st.lists(SENTENCES, max_size=6))
def test_any_sentence_is_answered_or_trapped(sentences: list[list[str]]) -> None:
    router = Router()
    language, access = Language(router), everything(ConnectionRecord(0, 0))
    for words in sentences:
        with suppress(Trap):
            outcome = language.run(parse(words), access)
            if isinstance(outcome, Listing):
                for row in outcome.rows:
                    outcome.columns.encode(row, b"")
    with suppress(DialError):
        router.dial("a", "")
    router.reach("a", "1.2.3.4")
    router.reboot()


@given(st.text(max_size=60) | st.lists(SENTENCES, max_size=3).map(lambda said: "\n".join(" ".join(w) for w in said)))
def test_any_script_runs_or_names_its_line(text: str) -> None:
    with suppress(ScriptError):
        run_script(Router(), text)
