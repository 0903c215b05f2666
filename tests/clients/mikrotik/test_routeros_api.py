"""routeros-api as it comes: a tag on every command, `=key` words for nothing, queries, both logins, its exceptions."""

import ssl
from collections.abc import Iterator

import pytest
from mikrotik.routers import PASSWORD, USER, Router
from routeros_api import RouterOsApiPool, query
from routeros_api.api import RouterOsApi
from routeros_api.api_structure import BooleanField, StringField, default_structure
from routeros_api.exceptions import (
    RouterOsApiCommunicationError,
    RouterOsApiConnectionError,
    RouterOsApiError,
)


@pytest.fixture
def api(router: Router) -> Iterator[RouterOsApi]:
    pool = RouterOsApiPool(router.host, USER, PASSWORD, port=router.port, plaintext_login=True)
    yield pool.get_api()
    pool.disconnect()


def test_login_by_challenge_before_6_43(very_old: Router) -> None:
    for plaintext in (False, True):  # a plain login meets a challenge, and the client falls back
        pool = RouterOsApiPool(very_old.host, USER, PASSWORD, port=very_old.port, plaintext_login=plaintext)
        assert pool.get_api().get_resource("/system/identity").get() == [{"name": "MikroTik"}]
        pool.disconnect()


def test_tls_with_a_certificate_that_is_checked(router: Router) -> None:
    pool = RouterOsApiPool(
        router.host, USER, PASSWORD, port=router.tls_port, plaintext_login=True,
        ssl_context=ssl.create_default_context(cafile=str(router.certificate)),
    )  # fmt: skip
    assert pool.get_api().get_resource("/system/resource").get()[0]["version"].startswith(router.version)
    pool.disconnect()


def test_tls_that_checks_nothing(router: Router) -> None:
    pool = RouterOsApiPool(
        router.host, USER, PASSWORD, port=router.tls_port, plaintext_login=True, use_ssl=True, ssl_verify=False,
        ssl_verify_hostname=False,
    )  # fmt: skip
    assert pool.get_api().get_resource("/system/identity").get() == [{"name": "MikroTik"}]
    pool.disconnect()


def test_wrong_password(router: Router) -> None:
    pool = RouterOsApiPool(router.host, USER, "wrong", port=router.port, plaintext_login=True)
    with pytest.raises(RouterOsApiError, match="invalid user name or password"):
        pool.get_api()
    pool.disconnect()


def test_rows_are_added_read_set_and_removed(api: RouterOsApi, router: Router) -> None:
    secrets = api.get_resource("/ppp/secret")
    made = secrets.add(name="ra-one", password="näme=ß", service="pppoe", comment="")
    number = made.done_message["ret"]
    (row,) = secrets.get(name="ra-one")
    assert (row["id"], row["service"], row["password"]) == (number, "pppoe", "näme=ß")
    assert "comment" not in row
    secrets.set(id=number, comment="a b", disabled="yes")
    assert [(one["comment"], one["disabled"]) for one in secrets.get(id=number)] == [("a b", "true")]
    secrets.remove(id=number)
    assert secrets.get(name="ra-one") == []
    assert "ra-one" not in {one["name"] for one in router.rows("/ppp/secret")}


def test_typed_fields_and_a_comparison_of_truth(api: RouterOsApi) -> None:
    typed = api.get_resource("/ppp/secret", default_structure | {"disabled": BooleanField(), "name": StringField()})
    made = typed.add(name="ra-typed", disabled=True).done_message["ret"]
    assert [row["name"] for row in typed.get(disabled=True)] == ["ra-typed"]
    typed.remove(id=made)


def test_further_queries(api: RouterOsApi) -> None:
    pools = api.get_resource("/ip/pool")
    made = [pools.add(name=f"ra-{n}", ranges=f"192.0.2.{n}").done_message["ret"] for n in (1, 2, 3)]

    def found(*words: object) -> list[str]:
        return [row["name"] for row in pools.call("print", additional_queries=words)]

    one, two = query.IsEqualQuery("name", "ra-1"), query.IsEqualQuery("name", "ra-2")
    assert found(query.OrQuery(one, two)) == ["ra-1", "ra-2"]
    assert found(query.AndQuery(query.HasValueQuery("ranges"), two)) == ["ra-2"]
    assert found(query.IsGreaterQuery("name", "ra-1"), query.IsLessQuery("name", "ra-3")) == ["ra-2"]
    assert "ra-1" not in found(query.NandQuery(one, query.HasValueQuery("ranges")))
    for number in made:
        pools.remove(id=number)


def test_an_empty_value_is_sent_without_its_second_equals_sign(api: RouterOsApi) -> None:
    secrets = api.get_binary_resource("/ppp/secret")
    made = secrets.add(name=b"ra-empty", comment=b"there").done_message["ret"]
    secrets.set(id=made, comment=None)
    (row,) = secrets.get(name=b"ra-empty")
    assert "comment" not in row
    secrets.remove(id=made)


def test_switches_without_a_value(api: RouterOsApi) -> None:
    assert api.get_resource("/ppp/profile").detailed_get(name="default")[0]["name"] == "default"
    counted = api.get_binary_resource("/ppp/profile").call("print", {"count-only": None})
    assert counted.done_message["ret"] == b"2"


def test_errors_are_raised_and_the_connection_goes_on(api: RouterOsApi) -> None:
    secrets = api.get_resource("/ppp/secret")
    with pytest.raises(RouterOsApiCommunicationError) as refused:
        secrets.add(name="ra-x", profile="no such")
    assert refused.value.original_message == b"input does not match any value of profile"
    with pytest.raises(RouterOsApiCommunicationError, match="no such item"):
        secrets.remove(id="*FFFF")
    assert api.get_resource("/system/identity").get() == [{"name": "MikroTik"}]


def test_several_commands_are_under_way_at_once(api: RouterOsApi) -> None:
    identity = api.get_resource("/system/identity").get_async()
    nothing = api.get_resource("/ppp/secret").get_async(name="nobody")
    profiles = api.get_resource("/ppp/profile").get_async()
    assert {row["name"] for row in profiles} == {"default", "default-encryption"}
    assert nothing.get() == []
    assert identity.get() == [{"name": "MikroTik"}]


def test_quit_ends_the_connection(router: Router) -> None:
    pool = RouterOsApiPool(router.host, USER, PASSWORD, port=router.port, plaintext_login=True)
    with pytest.raises(RouterOsApiError):
        pool.get_api().get_binary_resource("/").call("quit")
    with pytest.raises((RouterOsApiConnectionError, OSError)):
        pool.get_api().get_binary_resource("/system/identity").get()
    pool.disconnect()
