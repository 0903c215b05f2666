"""Enrolment against an HTTPS door, and the sentences an installer meets when something is wrong."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.errors import AgentError, EnrolmentFailed, RouterRefused, RouterUnreachable
from edge_agent.link.enrol import pin_of
from edge_agent.setup import RouterChoice, enrol_site
from edge_agent.store.identity import DataFolder
from lab.mikrotik.router import Setup
from lab.mikrotik.thread import RunningRouter, running_router
from protocol.enrolment import EnrolRequest, check_proof
from tests.integration.edge_agent.site_folder import Authority, key_pem, pem
from tests.scenarios.edge_agent.rig import AGENT, FakeCloud, ShiftedClock

CLAIM = "CLAIM-12345"


class Door:
    """Plays the cloud's enrolment door."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.cloud = FakeCloud(ShiftedClock())
        self.first: EnrolRequest | None = None
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.url = ""

    @property
    def pin(self) -> str:
        return pin_of(pem(self.authority.certificate).encode())

    def enrol(self, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.refusal is not None:
            return self.refusal
        request = EnrolRequest.model_validate_json(body)
        check_proof(request)
        if self.first is not None and self.first.signing_key != request.signing_key:
            return 409, {"code": "claim-taken"}
        self.first = request
        csr = x509.load_pem_x509_csr(request.csr_pem.encode())
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        certificate = pem(self.authority.issue(AGENT, key))
        answer = self.cloud.identity().model_copy(
            update={"certificate_pem": certificate, "ca_pem": pem(self.authority.certificate)}
        )
        return 200, answer.model_dump(mode="json")


def handler(door: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, pem(door.authority.certificate).encode())

        def do_POST(self) -> None:
            status, body = door.enrol(self.rfile.read(int(self.headers["content-length"])))
            self._answer(status, json.dumps(body).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class says so
            pass

    return Handler


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(Authority())
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "server.pem").write_text(pem(made.authority.issue("cloud", key.public_key())))
    (tmp_path / "server.key").write_bytes(key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def router() -> Iterator[RunningRouter]:
    with running_router(Setup(user="agent", password="pw")) as made:
        yield made


def choice(tmp_path: Path, router: RunningRouter, **changes: Any) -> RouterChoice:
    (tmp_path / "password").write_text(changes.pop("password", "pw") + "\n")
    values: dict[str, Any] = {
        "host": router.host, "port": router.port, "user": "agent", "password_file": tmp_path / "password", "tls": False,
        **changes,
    }  # fmt: skip
    return RouterChoice(**values)


def enrol(tmp_path: Path, door: Door, router: RouterChoice, data: str = "data", **changes: Any) -> None:
    values = {"cloud": door.url, "claim": CLAIM, "ca_pin": door.pin, **changes}
    enrol_site(tmp_path / data, router=router, **values)


def test_enrolment_keeps_keys_identity_and_router_for_the_owner_alone(
    tmp_path: Path, door: Door, router: RunningRouter
) -> None:
    enrol(tmp_path, door, choice(tmp_path, router))
    folder = DataFolder(tmp_path / "data")
    assert folder.get_identity().agent == AGENT
    assert folder.get_router().password == "pw"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "data").iterdir())


def test_a_lost_answer_is_asked_for_again_with_the_same_keys(tmp_path: Path, door: Door, router: RunningRouter) -> None:
    enrol(tmp_path, door, choice(tmp_path, router))
    first = door.first
    (tmp_path / "data" / "identity.json").unlink()
    enrol(tmp_path, door, choice(tmp_path, router))
    assert door.first is not None
    assert first is not None
    assert door.first.signing_key == first.signing_key


def test_a_claim_that_another_machine_used_is_told_in_words(tmp_path: Path, door: Door, router: RunningRouter) -> None:
    enrol(tmp_path, door, choice(tmp_path, router), data="first")
    with pytest.raises(EnrolmentFailed, match="already used by another machine"):
        enrol(tmp_path, door, choice(tmp_path, router), data="second")


@pytest.mark.parametrize(
    ("changes", "refusal", "words"),
    [
        ({"ca_pin": "sha256:" + "0" * 64}, None, "another certificate authority than the pinned one"),
        ({"claim": "x"}, None, "not a claim code"),
        ({}, (404, {"code": "claim-unknown"}), "claim code is wrong"),
        ({}, (410, {"code": "claim-expired"}), "claim code has ended"),
        ({}, (500, {}), "the cloud failed"),
        ({}, (200, {"odd": True}), "answer cannot be read"),
        ({"cloud": "https://127.0.0.1:1"}, None, "cannot be reached"),
    ],
)
def test_each_refusal_of_the_cloud_has_its_sentence(
    tmp_path: Path, door: Door, router: RunningRouter, changes: dict[str, Any], refusal: Any, words: str
) -> None:
    door.refusal = refusal
    with pytest.raises(EnrolmentFailed, match=words) as caught:
        enrol(tmp_path, door, choice(tmp_path, router), **changes)
    assert caught.value.fix
    assert not DataFolder(tmp_path / "data").enrolled


def test_a_wrong_router_password_is_told_before_the_claim_is_used(
    tmp_path: Path, door: Door, router: RunningRouter
) -> None:
    with pytest.raises(RouterRefused, match="refuses the login"):
        enrol(tmp_path, door, choice(tmp_path, router, password="wrong"))
    assert door.first is None


def test_a_router_that_is_not_there_is_told(tmp_path: Path, door: Door, router: RunningRouter) -> None:
    with pytest.raises(RouterUnreachable, match="does not answer"):
        enrol(tmp_path, door, choice(tmp_path, router, port=1))


@pytest.mark.parametrize("missing", ["write", "read"])
def test_a_router_user_that_is_too_weak_is_told_which_policy_it_lacks(
    tmp_path: Path, door: Door, router: RunningRouter, missing: str
) -> None:
    policy = ",".join({"api", "read", "write"} - {missing})
    router.script(f"/user group add name=weak policy={policy}\n/user add name=weak group=weak password=weakweakweak")
    with pytest.raises(RouterRefused, match=f"lacks the policy {missing}"):
        enrol(tmp_path, door, choice(tmp_path, router, user="weak", password="weakweakweak"))


def test_a_router_that_is_too_old_is_told_to_be_upgraded(tmp_path: Path, door: Door) -> None:
    with running_router(Setup(version="6.44.6", user="agent", password="pw")) as old:
        with pytest.raises(RouterRefused, match="too old") as caught:
            enrol(tmp_path, door, choice(tmp_path, old))
        assert "upgrade" in caught.value.fix


def test_enrolling_twice_into_one_folder_is_refused(tmp_path: Path, door: Door, router: RunningRouter) -> None:
    enrol(tmp_path, door, choice(tmp_path, router))
    with pytest.raises(AgentError, match="already enrolled"):
        enrol(tmp_path, door, choice(tmp_path, router))
