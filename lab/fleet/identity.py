"""Who a simulated agent is: its three keys, what enrolment gave it, and both kept in files to come back as the same."""

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from lab.errors import LabError
from protocol.enrolment import EnrolAnswer, EnrolRequest, prove
from protocol.sealing import new_sealing_key, sealing_public
from protocol.signing import Signer, from_text, to_text

IDENTITIES_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Keys:
    """What an agent makes on its own machine."""

    certificate: ec.EllipticCurvePrivateKey
    signer: Signer
    sealing: bytes

    @classmethod
    def generate(cls) -> "Keys":
        """Make new keys."""
        return cls(ec.generate_private_key(ec.SECP256R1()), Signer.generate(), new_sealing_key())

    def request(self, claim: str) -> EnrolRequest:
        """Write the enrolment request. The cloud chooses the certificate's name, so the CSR's says nothing."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mnara-agent")])
        csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.certificate, hashes.SHA256())
        csr_pem, sealing = csr.public_bytes(Encoding.PEM).decode(), to_text(sealing_public(self.sealing))
        return EnrolRequest(
            claim=claim,
            csr_pem=csr_pem,
            signing_key=to_text(self.signer.public),
            sealing_key=sealing,
            proof=prove(self.signer, claim=claim, csr_pem=csr_pem, sealing_key=sealing),
            hardware={"machine": "simulated"},
        )

    def pem(self) -> str:
        """The certificate's private key."""
        return self.certificate.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled agent. `pem` holds certificate and key: TLS reads them from a file only."""

    answer: EnrolAnswer
    signer: Signer
    pem: Path

    @property
    def name(self) -> str:
        """The certificate's name, which is the MQTT client id too."""
        return self.answer.agent

    def tls_context(self) -> ssl.SSLContext:
        """Mutual TLS: our certificate, and no authority but the one that enrolment pinned. 27 KiB each."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.answer.ca_pem)
        context.load_cert_chain(self.pem)
        return context


def keep(folder: Path, keys: Keys, answer: EnrolAnswer) -> Identity:
    """Write an identity into the folder, readable by its owner alone."""
    pem = folder / f"{answer.agent}.pem"
    _write(pem, answer.certificate_pem + keys.pem())
    kept = {"answer": answer.model_dump(mode="json"), "signing_key": to_text(keys.signer.to_bytes())}
    kept["sealing_key"] = to_text(keys.sealing)
    _write(folder / f"{answer.agent}.json", json.dumps(kept))  # last: an identity counts once its .json is there
    return Identity(answer, keys.signer, pem)


def load_all(folder: Path) -> list[Identity]:
    """Read the identities kept in a folder, in the order of their names; raises LabError for one that is damaged."""
    found = []
    for path in sorted(folder.glob("a-*.json"))[:IDENTITIES_MAX]:
        try:
            kept: dict[str, Any] = json.loads(path.read_text())
            answer = EnrolAnswer.model_validate(kept["answer"])
            found.append(
                Identity(answer, Signer.from_bytes(from_text(kept["signing_key"], 32)), path.with_suffix(".pem"))
            )
        except (ValueError, KeyError, OSError) as error:
            raise LabError(f"the identity in {path} cannot be read ({error}); delete it and enrol another") from error
    return found


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
