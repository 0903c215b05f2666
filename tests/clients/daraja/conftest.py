"""Starts the simulated Safaricom as a stranger would, and receives its callbacks over TLS."""

import base64
import datetime as dt
import json
import os
import shlex
import socket
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

ROOT = Path(__file__).parents[3]
MNARA_LAB = shlex.split(os.environ.get("MNARA_LAB", str(ROOT / ".venv/bin/mnara-lab")))
WAIT_S = 15
# As many queries as wanted, and results soon, though not before the acknowledgement has been stored.
MANNER = {"queries_per_minute": 0, "organisation": {"results": {"delay_s": 0.1}}}
# Names no DNS knows: other people's clients refuse to give loopback addresses to Safaricom.
HOOKS_HOST, MCP_HOST = HOSTS = ("hooks.isp.example", "mcp.isp.example")

# In the project's own environment there are no strange clients: `make test-clients` has them.
if find_spec("mpesakit") is None:
    collect_ignore_glob = ["test_*.py"]


@dataclass(frozen=True)
class App:
    """Consumer key and secret of one app: tokens of one do not end another's."""

    key: str
    secret: str


@dataclass(frozen=True)
class Safaricom:
    """Where it listens, and the way to ask its control door."""

    url: str
    control: str
    certificate: Path

    def ask(self, do: str, **facts: Any) -> dict[str, Any]:
        """One request at the control door; its answer."""
        host, _, port = self.control.rpartition(":")
        with closing(socket.create_connection((host, int(port)), timeout=WAIT_S)) as door:
            door.sendall(json.dumps({"do": do, **facts}).encode() + b"\n")
            with door.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        assert "error" not in answer, answer
        return answer

    def app(self) -> App:
        """A new app with every product."""
        made = App(f"key-{uuid.uuid4().hex}", "secret")
        self.ask("app", key=made.key, secret=made.secret)
        return made

    def credential(self, password: str) -> str:
        """An initiator's password under the environment's certificate, as the portal would encrypt it."""
        key = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()


@dataclass
class Hooks:
    """Where callbacks arrive."""

    url: str
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def wait(self, path: str, fits: Callable[[dict[str, Any]], bool] = lambda _body: True) -> dict[str, Any]:
        """The first body at a path that fits."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for where, body in list(self.got):
                if where == path and fits(body):
                    return body
            time.sleep(0.02)
        raise AssertionError(f"nothing came to {path}; there came {self.got}")


@pytest.fixture(scope="session")
def pems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-made certificate for the names of the receivers, and its key."""

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = dt.datetime.now(dt.UTC)  # a certificate for today, for real programs
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("daraja")
    public, private = folder / "receiver.pem", folder / "receiver.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


@pytest.fixture(scope="session")
def ports() -> dict[str, int]:
    """Where each name's receiver listens."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return {HOOKS_HOST: one.getsockname()[1], MCP_HOST: other.getsockname()[1]}


@pytest.fixture(scope="session")
def safaricom(pems: tuple[Path, Path], ports: dict[str, int]) -> Iterator[Safaricom]:
    certificate = pems[0].with_name("environment.pem")
    command = [
        *MNARA_LAB, "safaricom", "--port", "0", "--control", "127.0.0.1:0", "--after", "0.3", "--trust", str(pems[0]),
        "--certificate-out", str(certificate), "--manner", json.dumps(MANNER),
        *(f"--resolve={host}=127.0.0.1:{port}" for host, port in ports.items()),
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline() or "{}")
            assert said, f"{shlex.join(command)} did not start; see above, and `make env`"
            yield Safaricom(said["safaricom"], said["control"], certificate)
        finally:
            process.terminate()


@pytest.fixture(autouse=True)
def good_day(safaricom: Safaricom) -> Iterator[None]:
    """What one test made bad is not another's."""
    yield
    safaricom.ask("outage", on=False)
    safaricom.ask("manner", reset=True, set=MANNER)


@pytest.fixture(scope="session")
def hooks(pems: tuple[Path, Path], ports: dict[str, int]) -> Iterator[Hooks]:
    made = Hooks(f"https://{HOOKS_HOST}")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.got.append((self.path, body))
            answer = b'{"ResultCode": 0, "ResultDesc": "Accepted"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", ports[HOOKS_HOST]), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pems)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        with suppress(OSError):
            server.shutdown()


@pytest.fixture
def phone(request: pytest.FixtureRequest) -> str:
    """A number of one's own: what it did in one test does not lock it in another."""
    return "2547" + str(uuid.uuid5(uuid.NAMESPACE_OID, request.node.nodeid).int)[:8]
