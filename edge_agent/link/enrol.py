"""Enrolment: keys made here, a claim proven, and what to trust brought home."""

import base64
import hashlib
import platform
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.errors import EnrolmentFailed
from edge_agent.store.identity import DataFolder
from protocol.enrolment import EnrolAnswer, EnrolRequest, prove
from protocol.sealing import new_sealing_key, sealing_public
from protocol.signing import Signer, to_text

TIMEOUT_S: Final = 20.0
PIN_PREFIX: Final = "sha256:"
_CA_BYTES_MAX: Final = 64 * 1024

_NEW_CLAIM: Final = "ask for a new claim code of this site"
_REFUSALS: Final = {
    "claim-unknown": ("the claim code is wrong", _NEW_CLAIM),
    "claim-expired": ("the claim code has ended", _NEW_CLAIM),
    "claim-taken": ("the claim code was already used by another machine", _NEW_CLAIM),
}
_STATUSES: Final = {
    403: ("the claim code is wrong or has ended", _NEW_CLAIM),
    404: ("the claim code is wrong or has ended", _NEW_CLAIM),
    409: _REFUSALS["claim-taken"],
    410: _REFUSALS["claim-expired"],
    422: ("the cloud does not understand the request", "install the agent version that fits the cloud"),
    429: ("too many tries with wrong claim codes", "wait an hour, then try with the right code"),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The three keys of an agent; they never leave the machine."""

    certificate: ec.EllipticCurvePrivateKey
    signer: Signer
    sealing: bytes


def make_or_load_keys(folder: DataFolder) -> Keys:
    """Return this machine's keys. They are kept before they are used: a lost answer is asked for again with them."""
    stored = {name: folder.find_secret(name) for name in ("certificate", "signing", "sealing")}
    if stored["certificate"] is None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        folder.save_secret("certificate", pem)
    if stored["signing"] is None:
        folder.save_secret("signing", base64.b64encode(Signer.generate().to_bytes()))
    if stored["sealing"] is None:
        folder.save_secret("sealing", base64.b64encode(new_sealing_key()))
    pem_now = folder.find_secret("certificate") or b""
    loaded = serialization.load_pem_private_key(pem_now, password=None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return Keys(loaded, Signer.from_bytes(folder.get_raw_key("signing")), folder.get_raw_key("sealing"))


def make_request(claim: str, keys: Keys) -> EnrolRequest:
    """Write the request. The cloud chooses the certificate's name, so the CSR's says nothing."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mnara-agent")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(keys.certificate, hashes.SHA256())
    csr_pem = csr.public_bytes(serialization.Encoding.PEM).decode()
    sealing = to_text(sealing_public(keys.sealing))
    return EnrolRequest(
        claim=claim,
        csr_pem=csr_pem,
        signing_key=to_text(keys.signer.public),
        sealing_key=sealing,
        proof=prove(keys.signer, claim=claim, csr_pem=csr_pem, sealing_key=sealing),
        hardware={"machine": platform.machine(), "system": platform.system(), "node": platform.node()},
    )


def enrol(folder: DataFolder, *, cloud: str, claim: str, ca_pin: str) -> EnrolAnswer:
    """Prove the claim and keep what comes back; raises EnrolmentFailed."""
    if not claim.strip() or not 8 <= len(claim.strip()) <= 64:
        raise EnrolmentFailed("this is not a claim code", "enter the code as the console shows it")
    keys = make_or_load_keys(folder)
    ca_pem = _fetch_ca(cloud, ca_pin)
    answer = _ask(cloud, ca_pem, make_request(claim.strip(), keys))
    folder.save_identity(answer)
    return answer


def _fetch_ca(cloud: str, ca_pin: str) -> bytes:
    """Fetch the certificate authority over TLS that proves nothing, and believe it only by its pin."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    response = _talk(lambda client: client.get(f"{cloud.rstrip('/')}/ca.pem"), context)
    if response.status_code != httpx.codes.OK or len(response.content) > _CA_BYTES_MAX:
        raise EnrolmentFailed(
            f"{cloud} gives no certificate authority (status {response.status_code})",
            "check the address given as --cloud",
        )
    if pin_of(response.content) != ca_pin.strip().lower():
        raise EnrolmentFailed(
            "the cloud shows another certificate authority than the pinned one",
            "check --ca-pin and --cloud; if both are right, somebody is in between: do not go on",
        )
    return response.content


def pin_of(ca_pem: bytes) -> str:
    """Return the pin: SHA-256 of the certificate (DER)."""
    try:
        certificate = x509.load_pem_x509_certificate(ca_pem)
    except ValueError as error:
        raise EnrolmentFailed("what the cloud sent is no certificate", "check the address given as --cloud") from error
    return PIN_PREFIX + hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _ask(cloud: str, ca_pem: bytes, request: EnrolRequest) -> EnrolAnswer:
    context = ssl.create_default_context(cadata=ca_pem.decode("ascii"))
    body = request.model_dump(mode="json")
    response = _talk(lambda client: client.post(f"{cloud.rstrip('/')}/enrol", json=body), context)
    if response.is_client_error:
        raise EnrolmentFailed(*_refusal(response))
    if not response.is_success:
        raise EnrolmentFailed(f"the cloud failed (status {response.status_code})", "try again in a minute")
    try:
        return EnrolAnswer.model_validate_json(response.content)
    except ValueError as error:
        raise EnrolmentFailed(
            "the cloud's answer cannot be read", "install the agent version that fits the cloud"
        ) from error


def _refusal(response: httpx.Response) -> tuple[str, str]:
    """Translate the cloud's stable code, or else its status."""
    try:
        code = str(response.json().get("code"))
    except (ValueError, AttributeError):
        code = ""
    other = (f"the cloud refuses (status {response.status_code})", "check --cloud and the claim code")
    return _REFUSALS.get(code) or _STATUSES.get(response.status_code, other)


def _talk(act: Callable[[httpx.Client], httpx.Response], context: ssl.SSLContext) -> httpx.Response:
    try:
        with httpx.Client(verify=context, timeout=TIMEOUT_S, trust_env=False) as client:
            return act(client)
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        _explain(error)


def _explain(error: Exception) -> NoReturn:
    text = str(error)
    if "not yet valid" in text or "has expired" in text:
        raise EnrolmentFailed(
            "the cloud's certificate does not fit this machine's clock", "set the clock (timedatectl), then try again"
        ) from error
    raise EnrolmentFailed(
        f"the cloud cannot be reached ({text or type(error).__name__})", "check --cloud and the uplink"
    ) from error
