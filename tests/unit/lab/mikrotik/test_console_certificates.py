"""Certificates: made, signed, carried away as files, brought in, and shown by api-ssl from then on."""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from cryptography import x509

from lab.mikrotik import tls
from lab.mikrotik.router import Setup
from lab.mikrotik.script import run_script
from lab.mikrotik.thread import RunningRouter, running_router
from lab.mikrotik.wire import SentenceReader, encode_sentence
from tests.unit.lab.mikrotik.conftest import Console

MADE = """
/system ntp client set enabled=yes servers=192.0.2.1
/certificate add name=ca common-name=ca key-size=prime256v1 key-usage=key-cert-sign,crl-sign days-valid=3650
/certificate sign ca
/certificate add name=srv common-name=127.0.0.1 subject-alt-name=IP:127.0.0.1 key-size=prime256v1 \\
    key-usage=digital-signature,key-encipherment,tls-server days-valid=365
/certificate sign srv ca=ca
/certificate export-certificate ca file-name=ca
"""


def asked(running: RunningRouter, context: ssl.SSLContext) -> str:
    """The cipher that a login over TLS used."""
    with (
        socket.create_connection((running.host, running.tls_port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        secure.sendall(encode_sentence(["/login", "=name=admin", "=password="]))
        assert SentenceReader().feed(secure.recv(4096)) == [["!done"]]
        cipher = secure.cipher()
        return cipher[0] if cipher else ""


def wait_until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Until it is so; while the router is down nobody answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError):
            if true():
                return
        time.sleep(0.02)
    pytest.fail("waited in vain")


def do(running: RunningRouter, script: str) -> None:
    """Run a script and let the listener follow what it changed."""
    running.script(script)
    for _ in range(10):
        running.on_router(lambda _router: None)


def trusting(pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=pem)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # routers write no key identifiers
    return context


def anonymous() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ADH:@SECLEVEL=0")
    return context


def test_api_ssl_shows_the_certificate_it_is_given_and_none_when_it_is_taken_away() -> None:
    with running_router(Setup(), tls=tls.anonymous().context) as running:
        assert "ADH" in asked(running, anonymous())
        do(running, MADE + "/ip service set api-ssl certificate=srv")
        pem = running.on_router(lambda router: router.desk.files.read("ca.crt"))
        assert pem is not None
        port = running.tls_port
        assert "ADH" not in asked(running, trusting(pem))
        with pytest.raises(ssl.SSLError):
            asked(running, anonymous())
        do(running, "/ip service set api-ssl certificate=none")
        assert "ADH" in asked(running, anonymous())
        assert running.tls_port == port


def test_a_backup_brings_the_keys_back_too() -> None:
    with running_router(Setup(), tls=tls.anonymous().context) as running:
        do(running, MADE + "/ip service set api-ssl certificate=srv\n/system backup save name=all")
        pem = running.on_router(lambda router: router.desk.files.read("ca.crt"))
        assert pem is not None
        do(running, "/ip service set api-ssl certificate=none\n/certificate remove [find]")
        running.script("/system backup load name=all")
        wait_until(lambda: running.on_router(lambda router: router.boots) == 2)
        wait_until(lambda: asked(running, trusting(pem)))
        assert asked(running, trusting(pem))


def test_signed_certificates_are_real_and_tell_what_they_are(console: Console) -> None:
    run_script(console.router, MADE)
    ca, srv = console.rows("/certificate/print")
    assert (ca["authority"], srv["authority"], srv["ca"]) == ("true", "false", "ca")
    assert srv["private-key"] == "true"
    assert srv["invalid-before"].startswith("2026-05-28")
    pem = console.rows("/file/print", "?name=ca.crt")[0]["contents"]
    made = x509.load_pem_x509_certificate(pem.encode())
    assert made.fingerprint(made.signature_hash_algorithm or pytest.fail("no hash")).hex() == ca["fingerprint"]


def test_what_was_carried_away_can_be_brought_to_another_router(console: Console) -> None:
    run_script(console.router, MADE + "/certificate export-certificate srv file-name=srv export-passphrase=secret12")
    kept = {row["name"]: row["contents"] for row in console.rows("/file/print")}
    assert set(kept) == {"ca.crt", "srv.crt", "srv.key"}
    run_script(console.router, "/certificate remove [find]")
    assert console.trap("/certificate/import", "=file-name=srv.key", "=passphrase=wrong")[0] == (
        "failure: wrong passphrase or key"
    )
    console.say("/certificate/import", "=file-name=srv.crt", "=passphrase=", "=name=back")
    console.say("/certificate/import", "=file-name=srv.key", "=passphrase=secret12")
    (row,) = console.rows("/certificate/print")
    assert (row["name"], row["private-key"], row["common-name"]) == ("back", "true", "127.0.0.1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["/certificate/sign", "=.id=nobody"], "no such item"),
        (["/certificate/sign", "=.id=a", "=ca=nobody"], "input does not match any value of ca"),
        (["/certificate/export-certificate", "=.id=a"], "failure: certificate is not signed"),
        (["/certificate/import", "=file-name=none"], "failure: file not found"),
        (["/certificate/sign", "=.id=bad"], "invalid value for argument subject-alt-name"),
    ],
)
def test_what_cannot_be_signed_is_refused(console: Console, words: list[str], message: str) -> None:
    console.add("/certificate", name="a", common_name="a")
    console.add("/certificate", name="bad", common_name="b", subject_alt_name="IP:300.1.1.1", key_size="prime256v1")
    assert console.trap(*words)[0] == message
