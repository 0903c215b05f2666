"""The simulated Safaricom as a program: it says where it listens, is asked at both doors, and ends when told."""

import asyncio
import json
import random
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from lab.clock import SystemClock
from lab.door import Door, address_of
from lab.main import app
from lab.safaricom.face.app import Daraja
from lab.safaricom.rail import Rail
from lab.safaricom.server import serve

ROOT = Path(__file__).parents[3]


async def test_it_starts_says_where_serves_and_ends_in_peace() -> None:
    command = [sys.executable, "-m", "lab.main", "safaricom", "--port", "0", "--control", "127.0.0.1:0",
               "--consumer-key", "k", "--consumer-secret", "s", "--shortcode", "4000001"]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        said = json.loads(await process.stdout.readline())
        async with httpx.AsyncClient(base_url=said["safaricom"], trust_env=False) as client:
            answer = await client.get("/oauth/v1/generate?grant_type=client_credentials", auth=("k", "s"))
        assert "access_token" in answer.json()
        async with Door(*address_of(said["control"])) as door:
            paid = await door.ask("pay", msisdn="254711222126", shortcode="4000001", amount_kes=5)
            assert (await door.ask("truth"))["payments"][0]["receipt"] == paid["payment"]["receipt"]
    finally:
        process.terminate()
    _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")


async def test_it_speaks_https_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.fromtimestamp(SystemClock().now_us() / 1e6, UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(hours=1))
        .add_extension(names, critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "public.pem", tmp_path / "private.pem"
    public.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    rail = Rail(clock=SystemClock(), chance=random.Random(1))
    trusted = ssl.create_default_context(cafile=str(public))
    client = httpx.AsyncClient(verify=trusted, trust_env=False)
    async with client, serve(Daraja(rail), tls=(public, private)) as port:
        answer = await client.get(f"https://127.0.0.1:{port}/oauth/v1/generate")
    assert answer.json()["errorCode"] == "400.008.01"
    await rail.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--clock", "fast"], "only the real clock"),
        (["--environment", "moon"], "sandbox or production"),
        (["--phones", "sing=1"], "no phone does"),
        (["--manner", '{"copys": 1}'], "no switch 'copys'"),
        (["--manner", "{"], "Invalid value"),
        (["--resolve", "x"], "NAME=HOST:PORT"),
    ],
)
def test_what_makes_no_sense_is_said_before_it_starts(options: list[str], words: str) -> None:
    ended = CliRunner().invoke(app, ["safaricom", *options])
    assert ended.exit_code == 2
    assert words in ended.output


def test_help_teaches_with_examples() -> None:
    said = CliRunner().invoke(app, ["safaricom", "--help"]).output
    for words in ("curl -u lab-key:lab-secret", "/mpesa/stkpush/v1/processrequest", "ask phone msisdn=", "ask truth"):
        assert words in said
