"""The router on the network, as raw sockets and as librouteros meet it."""

import ssl
import time
from collections.abc import Callable

import librouteros
import pytest
from librouteros.exceptions import TrapError

from lab.clock import SystemClock
from lab.mikrotik import tls
from lab.mikrotik.network.login import challenge_response
from lab.mikrotik.router import Setup
from lab.mikrotik.thread import RunningRouter, running_router
from tests.unit.lab.mikrotik.conftest import PASSWORD, RawClient

Connect = Callable[[RunningRouter], RawClient]


def fill(running: RunningRouter, count: int) -> None:
    add = running.on_router(lambda router: router.editor.add)
    running.on_router(lambda router: [
        add(router.tables.get("/ppp/secret"), {"name": f"c{at}", "password": "x", "comment": f"mnara:{at}:1"})
        for at in range(count)
    ])  # fmt: skip


def test_librouteros_reads_writes_and_is_refused_as_by_a_router(live: RunningRouter) -> None:
    api = librouteros.connect(live.host, "admin", PASSWORD, port=live.port)
    secrets = api.path("ppp", "secret")
    made = secrets.add(name="ann", password="pw")
    secrets.update(**{".id": made, "comment": "mnara:1:1"})
    assert next(iter(secrets.select("name", "comment").where(librouteros.query.Key("name") == "ann"))) == {
        "name": "ann",
        "comment": "mnara:1:1",
    }
    with pytest.raises(TrapError, match="secret with the same name already exists"):
        secrets.add(name="ann")
    secrets.remove(made)
    assert list(secrets) == []
    api.close()


def test_a_wrong_password_gets_a_trap_and_may_try_again(live: RunningRouter, connect: Connect) -> None:
    client = connect(live)
    assert client.talk("/login", "=name=admin", "=password=no") == [
        ["!trap", "=message=invalid user name or password (6)"],
        ["!done"],
    ]
    client.log_in()


def test_a_command_before_login_ends_the_connection(live: RunningRouter, connect: Connect) -> None:
    client = connect(live)
    assert client.talk("/ppp/secret/print") == [["!fatal", "not logged in"]]
    with pytest.raises(EOFError):
        client.read()


def test_quit_says_goodbye(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    assert client.talk("/quit") == [["!fatal", "session terminated on request"]]


def test_an_old_router_wants_the_challenge_answered(connect: Connect) -> None:
    assert challenge_response("abc123", "passTest") == "0021277bff9ac7caf06aa608e46616d47f"
    with running_router(Setup(version="6.42.12", password="pw")) as running:
        client = connect(running)
        ((_, ret),) = client.talk("/login", "=name=admin", "=password=pw")
        response = challenge_response(ret.removeprefix("=ret="), "pw")
        assert client.talk("/login", "=name=admin", f"=response={response}") == [["!done"]]
        client = connect(running)
        client.talk("/login")
        assert client.talk("/login", "=name=admin", "=response=00")[0] == ["!trap", "=message=cannot log in"]


def test_a_user_from_elsewhere_or_without_the_policy_is_not_let_in(live: RunningRouter, connect: Connect) -> None:
    live.script("/user add name=far group=full password=x address=10.1.1.1/32\n/user group add name=g policy=read")
    live.script("/user add name=weak group=g password=x")
    for name in ("far", "weak"):
        assert connect(live).talk("/login", f"=name={name}", "=password=x")[0][0] == "!trap"


def test_tags_come_back_on_every_sentence(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    client.send(
        ["/ppp/secret/print", ".tag=7"],
        ["/ppp/secret/add", "=name=ann", ".tag=a b"],
        ["/ppp/secret/add", "=name=ann", ".tag=9"],
        ["/ppp/secret/add", "=name=bob", "=profile=none", ".tag="],
    )
    assert [client.read() for _ in range(7)] == [
        ["!empty", ".tag=7"],
        ["!done", ".tag=7"],
        ["!done", ".tag=a b", "=ret=*1"],
        ["!trap", ".tag=9", "=message=failure: secret with the same name already exists"],
        ["!done", ".tag=9"],
        ["!trap", ".tag=", "=category=1", "=message=input does not match any value of profile"],
        ["!done", ".tag="],
    ]


@pytest.mark.parametrize(("version", "words"), [("7.17.1", ["!done"]), ("7.18.2", ["!empty", "!done"])])
def test_an_answer_without_rows_says_so_from_7_18_on(connect: Connect, version: str, words: list[str]) -> None:
    with running_router(Setup(version=version, password=PASSWORD)) as running:
        client = connect(running).log_in()
        assert [sentence[0] for sentence in client.talk("/ppp/secret/print")] == words


def test_bytes_come_back_as_they_were_sent(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    comment = "=comment=" + "".join(map(chr, range(256))) + "x" * 0x100
    client.talk("/ppp/secret/add", "=name=ann", comment, "=routes")
    (row, _) = client.talk("/ppp/secret/print", "=.proplist=comment,routes")
    assert row == ["!re", comment]


def test_a_long_print_lets_other_tags_through(live: RunningRouter, connect: Connect) -> None:
    fill(live, 2_000)
    client = connect(live).log_in()
    client.send(["/ppp/secret/print", ".tag=long"], ["/system/identity/print", ".tag=short"])
    tags = []
    while ["!done", ".tag=long"] not in tags[-1:]:
        tags.append(client.read()[:2])
    assert tags.index(["!done", ".tag=short"]) < 200
    assert tags.count(["!re", ".tag=long"]) == 2_000


def test_no_more_than_a_few_commands_are_at_work_at_once(live: RunningRouter, connect: Connect) -> None:
    fill(live, 100)
    live.fault("slow-print", rows_per_s=2_000)
    client = connect(live).log_in()
    client.send(*(["/ppp/secret/print", "=.proplist=.id", f".tag={at}"] for at in range(20)))
    client.send(["/system/identity/print", ".tag=last"])
    tags = [client.read()[:2] for _ in range(20 * 101 + 2)]
    ends = [tag for word, tag in tags if word == "!done"]
    assert set(ends[:16]) == {f".tag={at}" for at in range(16)}
    assert len(ends) == 21


def test_untagged_answers_never_mix(live: RunningRouter, connect: Connect) -> None:
    fill(live, 500)
    client = connect(live).log_in()
    client.send(["/ppp/secret/print", "=.proplist=name"], ["/system/identity/print"])
    answers = [client.read() for _ in range(503)]
    assert [sentence[0] for sentence in answers] == ["!re"] * 500 + ["!done", "!re", "!done"]


def test_listen_tells_of_changes_until_it_is_cancelled(live: RunningRouter, connect: Connect) -> None:
    listener, writer = connect(live).log_in(), connect(live).log_in()
    listener.send(["/ppp/secret/listen", "=.proplist=.id,name", ".tag=10"])
    listener.talk("/system/identity/print")
    writer.talk("/ppp/secret/add", "=name=ann")
    writer.talk("/ppp/secret/remove", "=.id=*1")
    assert listener.read() == ["!re", ".tag=10", "=.id=*1", "=name=ann"]
    assert listener.read() == ["!re", ".tag=10", "=.id=*1", "=.dead=true"]
    listener.send(["/cancel", "=tag=10", ".tag=20"])
    assert [listener.read() for _ in range(3)] == [
        ["!trap", ".tag=10", "=category=2", "=message=interrupted"],
        ["!done", ".tag=20"],
        ["!done", ".tag=10"],
    ]
    writer.talk("/ppp/secret/add", "=name=bob")
    assert listener.talk("/quit")[0][0] == "!fatal"


def test_a_session_shows_in_user_active_and_goes_with_its_connection(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    assert [row["via"] for row in live.rows("/user/active")] == ["api"]
    client.talk("/quit")
    with pytest.raises(EOFError):
        client.read()
    assert live.rows("/user/active") == []


def test_more_sessions_than_the_service_takes_are_cut(live: RunningRouter, connect: Connect) -> None:
    live.script("/ip service set api max-sessions=2")
    for _ in range(2):
        connect(live).log_in()
    with pytest.raises((ConnectionError, EOFError)):
        connect(live).log_in()


def test_a_service_closed_to_an_address_takes_nobody_from_there(live: RunningRouter, connect: Connect) -> None:
    live.script("/ip service set api address=192.168.77.2/32")
    with pytest.raises((ConnectionError, EOFError)):
        connect(live).log_in()


def test_api_ssl_is_trusted_by_its_certificate() -> None:
    identity = tls.self_made(SystemClock())
    with running_router(Setup(password=PASSWORD), tls=identity.context) as running:
        trusting = ssl.create_default_context(cadata=identity.certificate_pem)
        api = librouteros.connect(
            running.host, "admin", PASSWORD, port=running.tls_port,
            ssl_wrapper=lambda sock: trusting.wrap_socket(sock, server_hostname="127.0.0.1"),
        )  # fmt: skip
        assert next(iter(api.path("system", "identity")))["name"] == "MikroTik"
        api.close()
        assert [record.tls for record in running.connections()] == [True]


def test_api_ssl_without_a_certificate_is_anonymous() -> None:
    with running_router(Setup(password=PASSWORD), tls=tls.anonymous().context) as running:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ADH:@SECLEVEL=0")
        api = librouteros.connect(
            running.host, "admin", PASSWORD, port=running.tls_port, ssl_wrapper=context.wrap_socket
        )
        assert list(api.path("system", "identity"))
        api.close()


def test_a_reboot_cuts_everybody_and_comes_back_on_the_same_port(live: RunningRouter, connect: Connect) -> None:
    client = connect(live).log_in()
    client.talk("/system/reboot")
    with pytest.raises((ConnectionError, EOFError)):
        client.read()
    for _ in range(200):
        try:
            connect(live).log_in()
            break
        except (ConnectionError, EOFError):
            time.sleep(0.01)
    assert live.on_router(lambda router: router.boots) == 2


def test_two_thousand_secrets_print_fast_and_one_is_found_at_once(live: RunningRouter, connect: Connect) -> None:
    fill(live, 10_000)
    client = connect(live).log_in()
    started = time.perf_counter()
    for _ in range(200):
        client.talk("/ppp/secret/print", "?name=c9999", "=.proplist=.id,name,profile,disabled,comment")
    per_query_s = (time.perf_counter() - started) / 200
    assert per_query_s < 0.005  # 0.2 ms on an idle machine; the bound leaves room for a busy one
