"""Query words: the stack, its operations, and the index that must not change the answer."""

from collections.abc import Callable

import pytest

from tests.unit.lab.mikrotik.conftest import Console


@pytest.fixture
def filled(console: Console) -> Console:
    console.add("/ppp/secret", name="ann", service="pppoe", comment="mnara:1:1", limit_bytes_in="9")
    console.add("/ppp/secret", name="bob", service="pppoe", limit_bytes_in="10")
    console.add("/ppp/secret", name="cyd", service="any", comment="mnara:3:1", disabled="yes")
    return console


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["?name=bob"], "bob"),
        (["?=name=bob"], "bob"),
        (["?name=nobody"], ""),
        (["?name=ann", "?name=cyd", "?#|"], "ann cyd"),
        (["?comment"], "ann cyd"),
        (["?-comment"], "bob"),
        (["?>comment="], "ann cyd"),
        (["?disabled=true"], "cyd"),
        (["?disabled=yes"], "cyd"),
        (["?disabled=yes", "?disabled=no", "?#|"], "ann bob cyd"),
        (["?service=pppoe", "?comment"], "ann"),
        (["?service=pppoe", "?#!"], "cyd"),
        (["?>limit-bytes-in=9"], "bob"),
        (["?<limit-bytes-in=10"], "ann cyd"),
        (["?name=ann", "?name=bob", "?#|!"], "cyd"),
        (["?name=ann", "?name=bob", "?name=cyd", "?#||"], "ann bob cyd"),
        (["?name=ann", "?#."], "ann"),
        (["?name=ann", "?name=bob", "?#1"], "ann"),
        (["?#!"], ""),
    ],
)
def test_a_query_picks_these_rows(filled: Console, words: list[str], names: str) -> None:
    found = filled.rows("/ppp/secret/print", "=.proplist=name", *words)
    assert " ".join(row["name"] for row in found) == names


def test_a_row_is_found_by_its_id(filled: Console) -> None:
    (row,) = filled.rows("/ppp/secret/print", "?name=bob")
    assert filled.rows("/ppp/secret/print", f"?.id={row['.id']}") == [row]


def test_a_thousand_names_joined_by_or_are_one_flat_question(filled: Console) -> None:
    words = ["?name=ann"]
    for count in range(1_000):
        words += [f"?name=x{count}", "?#|"]
    assert len(filled.rows("/ppp/secret/print", *words)) == 1


def test_ports_behind_an_address_lie_between_two_texts(filled: Console) -> None:
    for name in ("10.0.0.5:80", "10.0.0.5:9", "10.0.0.50:80", "10.0.0.5"):
        filled.add("/ppp/secret", name=name)
    words = ["?>name=10.0.0.5:", "?<name=10.0.0.5;", "?#&", "?name=10.0.0.5", "?#|"]
    found = filled.rows("/ppp/secret/print", "=.proplist=name", *words)
    assert [row["name"] for row in found] == ["10.0.0.5:80", "10.0.0.5:9", "10.0.0.5"]


def test_a_query_nested_beyond_reason_is_refused(filled: Console) -> None:
    assert filled.trap("/ppp/secret/print", "?name=a", "?#" + "!" * 200)[1] == 5


def test_a_masked_password_cannot_be_asked_for(new_console: Callable[..., Console]) -> None:
    console = new_console()
    console.add("/ppp/secret", name="ann", password="guess")
    console.access.policies = frozenset(("read",))
    assert console.rows("/ppp/secret/print", "?password=guess") == []
