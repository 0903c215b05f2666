"""Two small clients as they come: tikapy (2015, challenge only) and laiarturs-ros-api (one word per packet)."""

import pytest
from mikrotik.routers import PASSWORD, USER, Router
from ros_api import Api
from ros_api.api import LoginError, RouterOSTrapError
from tikapy import ClientError, TikapyClient


def test_tikapy_logs_in_by_challenge_and_reads(very_old: Router) -> None:
    client = TikapyClient(very_old.host, very_old.port)
    client.login(USER, PASSWORD)
    number = client.talk(["/ppp/secret/add", "=name=tika", "=password=x"])
    found = client.talk(["/ppp/secret/print", "?name=tika"])
    assert found[number[1:]]["name"] == "tika"
    client.talk(["/ppp/secret/remove", f"=.id={number}"])
    with pytest.raises(ClientError):
        client.talk(["/no/such/print"])


def test_laiarturs_client_on_either_login(router: Router, very_old: Router) -> None:
    for one in (router, very_old):
        api = Api(one.host, user=USER, password=PASSWORD, port=one.port)
        assert api.talk("/system/identity/print") == [{"name": "MikroTik"}]
        made, listed = api.talk([("/ip/pool/add", "=name=lai", "=ranges=192.0.2.1"), ("/ip/pool/print", "?name=lai")])
        assert made == []
        assert listed[0]["ranges"] == "192.0.2.1"
        with pytest.raises(RouterOSTrapError, match="pool with such name exists"):
            api.talk(("/ip/pool/add", "=name=lai", "=ranges=192.0.2.1"))
        api.talk(("/ip/pool/remove", "=numbers=lai"))
        assert api.is_alive()
        api.close()


def test_laiarturs_client_over_tls(router: Router) -> None:
    api = Api(router.host, user=USER, password=PASSWORD, port=router.tls_port, use_ssl=True)
    assert api.talk("/system/identity/print") == [{"name": "MikroTik"}]
    api.close()
    with pytest.raises(LoginError, match="invalid user name or password"):
        Api(router.host, user=USER, password="wrong", port=router.tls_port, use_ssl=True)
