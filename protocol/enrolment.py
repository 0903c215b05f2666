"""How a new agent becomes known: it proves a claim and its keys, and gets a certificate and what to trust.

Over HTTPS: `GET /ca.pem`, checked against the pin the installer carried, then `POST /enrol`.
"""

from pydantic import Field

from protocol.entitlement import Micros, Wire
from protocol.signing import Signer, Verifier, from_text, to_text

PROOF_KIND = "application/vnd.mnara1.enrolment"


class EnrolRequest(Wire):
    """What an agent sends. `proof` is the signing key's signature over the claim, the CSR and the sealing key."""

    claim: str = Field(min_length=8, max_length=64)
    csr_pem: str = Field(max_length=4096)
    signing_key: str = Field(max_length=64)
    sealing_key: str = Field(max_length=64)
    proof: str = Field(max_length=128)
    hardware: dict[str, str] = Field(default_factory=dict)


class BrokerAddress(Wire):
    """Where the agent connects by MQTT over TLS."""

    host: str
    port: int = Field(ge=1, le=65535)


class EnrolAnswer(Wire):
    """Who the agent now is, and what it pins."""

    agent: str
    installation: str
    tenant: str
    site: str
    site_name: str
    shard: int
    certificate_pem: str
    ca_pem: str
    root_key: str
    key_list: str
    """The root-signed key list's frame, base64."""
    broker: BrokerAddress
    now: Micros


def _proven(claim: str, csr_pem: str, sealing_key: str) -> bytes:
    return "\n".join([claim, sealing_key, csr_pem]).encode()


def prove(signer: Signer, *, claim: str, csr_pem: str, sealing_key: str) -> str:
    """Sign an enrolment, showing that the agent holds the signing key."""
    return to_text(signer.sign(PROOF_KIND, _proven(claim, csr_pem, sealing_key)))


def check_proof(request: EnrolRequest) -> None:
    """Raise Forged or Malformed unless the request was made by the holder of its signing key."""
    verifier = Verifier(from_text(request.signing_key, 32))
    body = _proven(request.claim, request.csr_pem, request.sealing_key)
    verifier.verify(PROOF_KIND, body, from_text(request.proof, 64))
