"""The script language, as installers' scripts use it."""

import pytest

from lab.mikrotik.errors import ScriptError
from lab.mikrotik.script import run_script
from tests.unit.lab.mikrotik.conftest import Console


def put(console: Console, expression: str, before: str = "") -> str:
    return run_script(console.router, f"{before}\n:put {expression}")


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("(1 + 2 * 3)", "7"),
        ("((1 + 2) * 3)", "9"),
        ("(7 / 2)", "3"),
        ("(-7 / 2)", "-3"),
        ("(7 % 3)", "1"),
        ("(1 << 4)", "16"),
        ('("a" . "b" . 3)', "ab3"),
        ('("a" . 1 + 2)', "a3"),
        ("(1 = 1 && !(2 > 3))", "true"),
        ('("abc" ~ "^a.c$")', "true"),
        ("(10.0.0.7 in 10.0.0.0/29)", "true"),
        ("(10.0.0.9 in 10.0.0.0/29)", "false"),
        ("(10.0.0.15 + 10)", "10.0.0.25"),
        ("(15h - 2s)", "14:59:58"),
        ("(12s * 4)", "00:00:48"),
        ("(60s = 1m)", "true"),
        ("[:typeof 1]", "num"),
        ('[:typeof "1"]', "str"),
        ("[:typeof 1.2.3.4]", "ip"),
        ("[:typeof $nobody]", "nothing"),
        ("[:typeof {1;2}]", "array"),
        ("[:typeof [:find \"abc\" \"x\"]]", "nothing"),
        ('[:len "abcd"]', "4"),
        ("[:len {1;2;3}]", "3"),
        ('[:pick "abcdef" 1 3]', "bc"),
        ('[:find "abcdef" "cd"]', "2"),
        ('[:tonum "12"]', "12"),
        ("[:tostr 1d2h]", "1d02:00:00"),
        ('[:toarray "a,b,c"]', "a;b;c"),
        ('"x $[:len "abc"] $(1 + 1)"', "x 3 2"),
        ('({a=1;b=2}->"b")', "2"),
        ("[:resolve pay.example.com]", "192.0.2.9"),
    ],
)  # fmt: skip
def test_expressions(console: Console, expression: str, shown: str) -> None:
    console.router.set_host("pay.example.com", ["192.0.2.9"])
    assert put(console, expression) == shown


def test_blocks_conditions_and_loops(console: Console) -> None:
    output = run_script(
        console.router,
        """
:local names {"ann";"bob";"cyd"}
:foreach n in=$names do={
    # comments stand anywhere
    /ppp secret add name=$n password=("pw-" . $n)
}
:for i from=1 to=3 do={ :put $i }
:local count 0
:while ($count < 2) do={ :set count ($count + 1) }
:if ($count = 2) do={ :put "two" } else={ :put "not two" }
:if ([:len [/ppp secret find]] != 3) do={ :put "wrong" } else={
    :put [/ppp secret get [find name=bob] password]
}
:foreach k,v in={x=1;y=2} do={ :put "$k=$v" }
""",
    )
    assert output.split("\n") == ["1", "2", "3", "two", "pw-bob", "x=1", "y=2"]


def test_what_is_local_ends_with_its_block_and_what_is_global_stays(console: Console) -> None:
    run_script(console.router, ":global site nairobi\n:if (true) do={ :local inner 1 }\n:put $inner")
    assert put(console, "$site", before=":global site") == "nairobi"
    assert put(console, "$site") == ""  # not declared here
    assert console.rows("/system/script/environment/print")[0]["value"] == "nairobi"
    console.router.reboot()
    assert put(console, "[:typeof $site]", before=":global site") == "nothing"


def test_errors_are_caught_and_functions_return(console: Console) -> None:
    output = run_script(
        console.router,
        """
:local double do={ :return ($1 * 2 + $plus) }
:put [$double 20 plus=2]
:do { /ppp secret add name=x profile=nowhere } on-error={ :put "caught" }
:do { :error "mine" } on-error={ :put "again" }
:local run [:parse ":put parsed"]
$run
""",
    )
    assert output.split("\n") == ["42", "caught", "again", "parsed"]
    with pytest.raises(ScriptError, match=r"the end \(line 1\)"):
        run_script(console.router, ':error "the end"')


def test_a_find_takes_every_form_of_condition(console: Console) -> None:
    run_script(
        console.router,
        """
/ip firewall address-list
add list=a address=10.0.0.1 comment="one"
add list=a address=10.0.0.2 disabled=yes
add list=b address=10.0.1.3 comment="three"
:global l a
""",
    )

    def found(where: str) -> str:
        script = f":global l\n:foreach i in=[/ip fire addr find {where}] do={{:put [/ip fire addr get $i address]}}"
        return run_script(console.router, script).replace("\n", " ")

    assert found("list=a") == "10.0.0.1 10.0.0.2"
    assert found("where list=$l and !disabled") == "10.0.0.1"
    assert found('comment~"^t" or address=10.0.0.2') == "10.0.0.2 10.0.1.3"
    assert found('(list=a || list="b") disabled=no') == "10.0.0.1 10.0.1.3"
    assert found("address in 10.0.0.0/24") == "10.0.0.1 10.0.0.2"
    assert found("list!=a") == "10.0.1.3"
    assert found("comment=[/ip firewall address-list get [find list=b] comment]") == "10.0.1.3"
    assert run_script(console.router, "/ip firewall address-list print count-only where list=a") == "2"


def test_menus_are_entered_left_and_nested(console: Console) -> None:
    run_script(
        console.router,
        """
/ip
pool add name=p ranges=10.0.0.2-10.0.0.9
firewall
filter add chain=input action=drop
.. dns set servers=1.1.1.1
/ppp { profile add name=x; secret add name=y profile=x }
/ip/service/set api port=9000
""",
    )
    assert console.rows("/ip/dns/print")[0]["servers"] == "1.1.1.1"
    assert console.rows("/ppp/secret/print")[0]["profile"] == "x"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("foo bar", "bad command name foo (line 1 column 1)"),
        (":foo", "bad command name foo (line 1 column 1)"),
        ("/ip address add address=1.1.1.1/24 interface=nope", "input does not match any value of interface (line 1)"),
        (":put (1 + )", "syntax error (line 1 column 11)"),
        (":if (true) do={", "expected closing brace (line 1 column 16)"),
        (":put [/ppp secret get nobody name]", "no such item (line 1)"),
        ("\n\n  add list='x'", "bad command name add (line 3 column 3)"),
        (":put (1 / 0)", "division by zero (line 1)"),
        ("}", "syntax error (line 1 column 1)"),
        (":if (true) do={ ] }", "syntax error (line 1 column 17)"),
        (":set nowhere 1", "unknown variable nowhere (line 1)"),
    ],
)
def test_what_cannot_be_done_is_named_with_its_place(console: Console, text: str, error: str) -> None:
    with pytest.raises(ScriptError) as caught:
        run_script(console.router, text)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    "text",
    [
        ":while (true) do={}",
        ":global f do={ :global f; $f }\n$f",
        ':local a "x"; :while (true) do={ :set a ($a . $a) }',
        ":put " + "(" * 500 + "1" + ")" * 500,
        "{" * 500 + "}" * 500,
        "[" * 500,
        ":for i from=1 to=1000000000 do={ :put $i }",
    ],
)
def test_no_script_runs_for_ever_or_grows_without_end(console: Console, text: str) -> None:
    with pytest.raises(ScriptError):
        run_script(console.router, text)
