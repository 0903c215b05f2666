"""librouteros as it comes: its connections, its paths and queries, its helper for whole configurations."""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from librouteros import async_connect, connect
from librouteros.api import Api
from librouteros.exceptions import FatalError, TrapError
from librouteros.login import plain, token
from librouteros.query import And, Key, Or
from mikrotik.routers import PASSWORD, USER, Router


def dial(router: Router, **options: Any) -> Api:
    return connect(router.host, USER, PASSWORD, port=router.port, timeout=10, encoding="latin-1", **options)


@pytest.fixture
def api(router: Router) -> Iterator[Api]:
    api = dial(router)
    yield api
    api.close()


def test_plain_connection(router: Router) -> None:
    api = dial(router)
    assert tuple(api("/system/identity/print")) == ({"name": "MikroTik"},)
    api.close()


def test_tls_with_a_certificate_that_is_checked(router: Router) -> None:
    context = ssl.create_default_context(cafile=str(router.certificate))
    api = connect(
        router.host, USER, PASSWORD, port=router.tls_port,
        ssl_wrapper=lambda sock: context.wrap_socket(sock, server_hostname=router.host),
    )  # fmt: skip
    (resource,) = api.path("system", "resource")
    assert str(resource["version"]).startswith(router.version)
    api.close()


def test_tls_without_any_certificate(anonymous: Router) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError):
        connect(anonymous.host, USER, PASSWORD, port=anonymous.tls_port, ssl_wrapper=context.wrap_socket)
    context.set_ciphers("ADH:@SECLEVEL=0")
    api = connect(anonymous.host, USER, PASSWORD, port=anonymous.tls_port, ssl_wrapper=context.wrap_socket)
    assert tuple(api("/system/identity/print")) == ({"name": "MikroTik"},)
    api.close()


def test_login_by_challenge_before_6_43(very_old: Router) -> None:
    api = connect(very_old.host, USER, PASSWORD, port=very_old.port, login_method=token)
    assert tuple(api("/system/identity/print")) == ({"name": "MikroTik"},)
    api.close()


def test_wrong_password_by_either_login(router: Router, very_old: Router) -> None:
    with pytest.raises(TrapError, match=r"invalid user name or password \(6\)"):
        connect(router.host, USER, "wrong", port=router.port, login_method=plain)
    with pytest.raises(TrapError, match="cannot log in"):
        connect(very_old.host, USER, "wrong", port=very_old.port, login_method=token)


def test_rows_are_added_updated_selected_and_removed(api: Api, router: Router) -> None:
    secrets = api.path("ppp", "secret")
    first = secrets.add(name="lr-one", password="a=b", service="pppoe", comment="")
    second = secrets.add(name="lr-two", password="p\x00\r\n\xff", disabled=True)
    assert router.row("/ppp/secret", "lr-one")["password"] == "a=b"
    secrets.update(**{".id": first, "profile": "default-encryption", "disabled": True})
    name, profile, disabled = Key("name"), Key("profile"), Key("disabled")
    assert tuple(secrets.select(name, disabled).where(profile == "default-encryption", name == "lr-one")) == (
        {"name": "lr-one", "disabled": True},
    )
    assert {row["name"] for row in secrets.select(name).where(Or(name == "lr-one", name == "lr-two"))} == {
        "lr-one",
        "lr-two",
    }
    assert [row["name"] for row in secrets.select(name).where(name.In("lr-two", "nobody"))] == ["lr-two"]
    assert [row["name"] for row in secrets.select(name).where(And(disabled == True, name != "lr-one"))] == ["lr-two"]  # noqa: E712  # Key builds a question
    secrets.remove(first, second)
    assert tuple(secrets.select(name).where(name.In("lr-one", "lr-two"))) == ()


def test_numbers_compare_as_numbers(api: Api) -> None:
    pools = api.path("queue", "simple")
    made = [pools.add(name=f"lr-{n}", target=f"192.0.2.{n}/32", comment=n) for n in (9, 10, 100)]
    name, comment = Key("name"), Key("comment")
    assert [row["name"] for row in pools.select(name).where(comment > 9)] == ["lr-10", "lr-100"]
    assert [row["name"] for row in pools.select(name).where(comment < 10)] == ["lr-9"]
    pools.remove(*made)


def test_a_trap_leaves_the_connection_usable(api: Api) -> None:
    with pytest.raises(TrapError) as trapped:
        api.path("ppp", "secret").add(name="lr-x", profile="no such")
    assert (trapped.value.category, trapped.value.message) == (1, "input does not match any value of profile")
    with pytest.raises(TrapError, match="no such command prefix"):
        tuple(api("/no/such/print"))
    assert tuple(api("/system/identity/print")) == ({"name": "MikroTik"},)


def test_quit_is_fatal_with_its_word(api: Api) -> None:
    with pytest.raises(FatalError, match="session terminated on request"):
        tuple(api("/quit"))


def test_asynchronous_connection(router: Router) -> None:
    async def talk() -> list[Any]:
        api = await async_connect(router.host, USER, PASSWORD, port=router.port)
        made = await api.path("ip", "pool").add(name="lr-async", ranges="192.0.2.1-192.0.2.9")
        found = [row async for row in api.path("ip", "pool").select("name", "ranges").where(Key(".id") == made)]
        await api.path("ip", "pool").remove(made)
        await api.close()
        return found

    assert asyncio.run(talk()) == [{"name": "lr-async", "ranges": "192.0.2.1-192.0.2.9"}]


def test_asynchronous_connection_over_tls(router: Router) -> None:
    async def talk() -> list[Any]:
        context = ssl.create_default_context(cafile=str(router.certificate))
        api = await async_connect(router.host, USER, PASSWORD, port=router.tls_port, ssl_wrapper=context)
        found = [row async for row in api("/system/identity/print")]
        await api.close()
        return found

    assert asyncio.run(talk()) == [{"name": "MikroTik"}]


def test_ten_thousand_rows_arrive_whole(now: Router) -> None:
    now.ask("script", text="/ppp secret\n" + "".join(f"add name=many-{n} password=x\n" for n in range(3_000)))
    api = dial(now)
    names = [row["name"] for row in api.path("ppp", "secret").select("name") if str(row["name"]).startswith("many-")]
    assert len(names) == 3_000
    secrets = api.path("ppp", "secret")
    ids = [row[".id"] for row in secrets.select(".id", "name") if str(row["name"]).startswith("many-")]
    for at in range(0, len(ids), 100):
        secrets.remove(*ids[at : at + 100])
    api.close()
