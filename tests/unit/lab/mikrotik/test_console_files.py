"""Files over the API: written, read in pieces, imported; and who may."""

from collections.abc import Callable

import pytest

from lab.mikrotik.console.files import FLASH_BYTES
from lab.mikrotik.console.live import MAX_INLINE_BYTES
from lab.mikrotik.errors import ScriptError
from lab.mikrotik.script import run_script
from lab.mikrotik.switches import Switches
from tests.unit.lab.mikrotik.conftest import Console


def test_a_file_is_made_changed_and_removed(console: Console) -> None:
    console.say("/file/add", "=name=note.txt", "=contents=one")
    console.say("/file/set", "=.id=note.txt", "=contents=two\nlines")
    (row,) = console.rows("/file/print")
    assert (row["name"], row["size"], row["contents"]) == ("note.txt", "9", "two\nlines")
    assert row["last-modified"].startswith("1970-01-02")
    assert console.trap("/file/add", "=name=note.txt") == ("failure: file already exists", None)
    console.say("/file/remove", "=.id=note.txt")
    assert console.rows("/file/print") == []


def test_long_files_are_read_in_pieces_only(console: Console) -> None:
    text = "".join(f"{number:07}\n" for number in range(MAX_INLINE_BYTES // 8 + 10))
    console.router.desk.files.write("long.txt", text)
    assert "contents" not in console.rows("/file/print")[0]
    pieces = [
        console.rows("/file/read", "=file=long.txt", f"=offset={offset}", "=chunk-size=32768")[0]["data"]
        for offset in (0, 32_768)
    ]
    assert "".join(pieces) == text
    message, _ = console.trap("/file/read", "=file=long.txt", "=chunk-size=40000")
    assert message == "value of chunk-size out of range (0..32768)"
    assert console.trap("/file/set", "=.id=long.txt", f"=contents={text}")[0] == "failure: contents too long"


def test_old_versions_neither_add_nor_read_files(new_console: Callable[..., Console]) -> None:
    console = new_console(version="6.49.18")
    console.router.desk.files.write("a.txt", "x")
    assert "creation-time" in console.rows("/file/print")[0]
    assert console.trap("/file/read", "=file=a.txt")[0] == "no such command"
    assert console.trap("/file/add", "=name=b.txt")[0] == "no such command"
    console.say("/file/set", "=.id=a.txt", "=contents=y")


def test_the_flash_is_full_one_day(console: Console) -> None:
    console.router.desk.files.write("big.bin", "x" * (FLASH_BYTES - 10))
    assert console.trap("/file/add", "=name=more", "=contents=12345678901")[0] == "failure: not enough space on disk"


def test_writing_files_needs_the_policy_ftp(console: Console) -> None:
    console.access.policies = frozenset(("read", "write", "api", "policy"))
    for words in (["/file/add", "=name=a"], ["/system/backup/save", "=name=a"], ["/export", "=file=a"]):
        assert console.trap(*words) == ("not enough permissions (9)", None)


def test_an_import_runs_up_to_the_first_error_and_keeps_what_ran(console: Console) -> None:
    console.router.desk.files.write("a.rsc", "/ppp secret\nadd name=ann\nadd name=ann\nadd name=bob\n")
    assert console.trap("/import", "=file-name=a.rsc")[0] == (
        "Script Error: failure: secret with the same name already exists (/ppp/secret/add; line 3)"
    )
    assert [row["name"] for row in console.rows("/ppp/secret/print")] == ["ann"]


@pytest.mark.parametrize(
    ("version", "text", "message"),
    [
        ("7.18.2", "/ppp secrt add name=x", "Script Error: bad command name secrt (line 1 column 6)"),
        ("7.18.2", "add list='x'", "Script Error: bad command name add (line 1 column 1)"),
        ("6.49.18", "/ppp profile\nadd name=x bridge=1 :", "expected end of command (line 2 column 21)"),
        ("6.49.18", "/ppp secret\nadd name=x profile=y", "input does not match any value of profile"),
        ("6.49.18", ':put "open', "expected closing quote (line 1 column 11)"),
    ],
)
def test_import_errors_read_as_the_version_words_them(
    new_console: Callable[..., Console], version: str, text: str, message: str
) -> None:
    console = new_console(version=version)
    console.router.desk.files.write("a.rsc", text)
    assert console.trap("/import", "=file-name=a")[0] == message


def test_a_missing_file_and_wrong_arguments_are_refused(new_console: Callable[..., Console]) -> None:
    console = new_console(version="7.15.3")
    assert console.trap("/import", "=file-name=no.rsc")[0] == "Cannot open import file, file does not exist"
    assert console.trap("/import", "=file_name=no.rsc")[0] == "unknown parameter file_name"
    assert console.trap("/import", "=file-name=a", "=dry-run=yes")[0] == "unknown parameter dry-run"


def test_a_dry_run_reads_without_doing(console: Console) -> None:
    console.router.desk.files.write("a.rsc", "/ppp secret add name=ann\nnonsense\n")
    message, _ = console.trap("/import", "=file-name=a", "=verbose=yes", "=dry-run=yes")
    assert message == "Script Error: bad command name nonsense (line 2 column 1)"
    assert console.rows("/ppp/secret/print") == []


def test_whether_a_file_is_read_to_its_end_first_is_a_switch(new_console: Callable[..., Console]) -> None:
    console = new_console(switches=Switches(import_reads_whole=True))
    console.router.desk.files.write("a.rsc", "/ppp secret add name=ann\nnonsense\n")
    console.trap("/import", "=file-name=a")
    assert console.rows("/ppp/secret/print") == []


def test_the_console_says_when_an_import_went_well(console: Console) -> None:
    console.router.desk.files.write("a.rsc", "/ppp secret add name=ann")
    assert run_script(console.router, "/import a.rsc") == "Script file loaded and executed successfully"
    with pytest.raises(ScriptError, match="file does not exist"):
        run_script(console.router, "/import none.rsc")


def test_an_import_may_do_what_its_user_may(console: Console) -> None:
    console.router.desk.files.write("a.rsc", "/user add name=x group=full")
    console.access.policies = frozenset(("read", "write", "api"))
    assert "not enough permissions (9)" in console.trap("/import", "=file-name=a.rsc")[0]
