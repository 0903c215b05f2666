"""What strangers' clients do that ours does not: many listeners, a path without a verb, `number`, `128K`, `0x10`."""

from collections.abc import Callable

import pytest

from lab.mikrotik.network.connection import MAX_IN_FLIGHT
from lab.mikrotik.thread import RunningRouter
from tests.unit.lab.mikrotik.conftest import Console, RawClient

Connect = Callable[[RunningRouter], RawClient]


def test_listeners_take_nobodys_turn(live: RunningRouter, connect: Connect) -> None:
    client, writer = connect(live).log_in(), connect(live).log_in()
    tags = [f".tag=l{number}" for number in range(MAX_IN_FLIGHT * 3)]
    client.send(*(["/ppp/secret/listen", "=.proplist=name", tag] for tag in tags))
    client.send(["/system/identity/print", ".tag=now"])
    assert [client.read()[:2] for _ in range(2)] == [["!re", ".tag=now"], ["!done", ".tag=now"]]
    writer.talk("/ppp/secret/add", "=name=heard")
    assert [client.read() for _ in tags] == [["!re", tag, "=name=heard"] for tag in tags]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("/", "no such command"),
        ("/ppp", "no such command"),
        ("/nope", "no such command"),
        ("x", "no such command"),
        ("/ppp/secret", "no such command"),
        ("/ppp/secret/frob", "no such command"),
        ("/ppp/nope/print", "no such command prefix"),
        ("/nope/print", "no such command prefix"),
        ("ppp/secret/print", "no such command prefix"),
    ],
)
def test_a_menu_that_is_there_lacks_the_command_else_the_menu_is_lacking(
    console: Console, word: str, message: str
) -> None:
    assert console.trap(word) == (message, 0)


def test_get_takes_the_consoles_name_for_its_row_and_nothing_else(console: Console) -> None:
    console.add("/ppp/secret", name="ann", comment="c")
    assert console.say("/ppp/secret/get", "=number=ann", "=value-name=comment") == "c"
    assert console.say("/ppp/secret/get", "=number=0", "=value-name=name") == "ann"
    assert console.trap("/ppp/secret/get", "=.id=ann", "=foo=1") == ("unknown parameter foo", None)


def test_a_print_never_shows_all_rows_to_who_asked_for_some(console: Console) -> None:
    assert console.trap("/ppp/secret/print", "=numbers=0") == ("unknown parameter numbers", None)
    assert console.trap("/ppp/secret/print", "=.id=*1") == ("unknown parameter .id", None)


def test_rates_take_capital_and_small_letters_and_numbers_the_hexadecimal_form(console: Console) -> None:
    console.add("/queue/simple", name="q", target="10.0.0.1", max_limit="128K/1m")
    console.add("/ppp/profile", name="p", rate_limit="128K/1m")
    console.add("/ppp/secret", name="s", limit_bytes_in="0x1F")
    assert console.rows("/queue/simple/print")[0]["max-limit"] == "128000/1000000"
    assert console.rows("/ppp/profile/print", "?name=p")[0]["rate-limit"] == "128K/1m"
    assert console.rows("/ppp/secret/print")[0]["limit-bytes-in"] == "31"
