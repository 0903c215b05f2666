"""Scripts: what /import takes, and the line it names when it does not."""

import pytest

from lab.mikrotik.errors import ScriptError
from lab.mikrotik.script import run_script
from tests.unit.lab.mikrotik.conftest import Console


def names(console: Console, menu: str = "/ppp/secret") -> list[str]:
    return [row["name"] for row in console.rows(f"{menu}/print")]


def test_a_menu_line_is_entered_and_commands_follow(console: Console) -> None:
    run_script(console.router, "# bench\n/ppp secret\nadd name=ann password=pw\nadd name=bob; add name=cyd\n\n")
    assert names(console) == ["ann", "bob", "cyd"]


def test_quotes_escapes_and_continued_lines(console: Console) -> None:
    text = '/ppp/secret/add name="a \\"b\\" \\$c" \\\n    comment="x; y # z" password="\\C3\\A9" ;# done'
    run_script(console.router, text)
    (row,) = console.rows("/ppp/secret/print")
    assert (row["name"], row["comment"], row["password"]) == ('a "b" $c', "x; y # z", "\xc3\xa9")


def test_text_beyond_ascii_is_stored_as_its_utf_8_bytes(console: Console) -> None:
    run_script(console.router, "/ppp secret add name=ann comment=café")
    assert console.rows("/ppp/secret/print")[0]["comment"] == "caf\xc3\xa9"


def test_find_picks_rows_by_value_pattern_and_flag(console: Console) -> None:
    run_script(
        console.router,
        """
/ppp secret
add name=ann comment="mnara:1"
add name=bob comment="mnara:2" disabled=yes
add name=cyd
set [find comment~"^mnara:"] service=pppoe
remove [find disabled]
set [ find where name=cyd and !disabled ] comment=kept
remove [find name=nobody]
disable [find name!=ann]
""",
    )
    rows = console.rows("/ppp/secret/print")
    assert [(row["name"], row["service"], row["disabled"]) for row in rows] == [
        ("ann", "pppoe", "false"),
        ("cyd", "any", "true"),
    ]
    assert rows[1]["comment"] == "kept"


def test_rows_are_meant_by_name_and_settings_by_nothing(console: Console) -> None:
    run_script(
        console.router, "/ip service set api port=8730\n/ip service disable telnet,ftp\n/ip dns set servers=1.1.1.1"
    )
    assert console.rows("/ip/service/print", "?name=api")[0]["port"] == "8730"
    assert console.rows("/ip/dns/print")[0]["servers"] == "1.1.1.1"


def test_certificates_are_added_and_signed(console: Console) -> None:
    run_script(
        console.router,
        """
/certificate add name=ca common-name=ca key-usage=key-cert-sign,crl-sign days-valid=3650
/certificate sign ca
/certificate add name=srv common-name=192.168.77.1 subject-alt-name=IP:192.168.77.1
/certificate sign srv ca=ca
/ip service set api-ssl certificate=srv tls-version=only-1.2
""",
    )
    assert [row["authority"] for row in console.rows("/certificate/print")] == ["true", "false"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("/ppp secret\nadd name=ann\nadd name=ann", "failure: secret with the same name already exists (line 3)"),
        ("/ppp sekret add name=x", "bad command name sekret (line 1 column 6)"),
        ("\n/ppp secret add name=x color=red", "unknown parameter color (line 2)"),
        ('/ppp secret add name="x', "expected closing quote (line 1 column 24)"),
        ("/ppp secret remove [find name=x", "expected closing bracket (line 1 column 32)"),
        ("/system identity set here name=x", "expected end of command (line 1 column 22)"),
        ("/ppp secret add name=$x", "missing value(s) of argument(s) name (line 1)"),
        ("/ppp secret add \\\nname=ann \\\nprofile=none\n", "input does not match any value of profile (line 1)"),
        ("/ppp secret remove nobody", "no such item (line 1)"),
        (":if (1 do={}", "expected closing brace (line 1 column 8)"),
    ],
)
def test_an_error_stops_the_script_and_names_its_line(console: Console, text: str, error: str) -> None:
    with pytest.raises(ScriptError) as caught:
        run_script(console.router, text)
    assert str(caught.value) == error


def test_what_ran_before_an_error_stays_done(console: Console) -> None:
    with pytest.raises(ScriptError):
        run_script(console.router, "/ppp secret add name=ann\nnonsense")
    assert names(console) == ["ann"]
