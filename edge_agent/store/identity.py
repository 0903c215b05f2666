"""Who this agent is and whom it trusts: small files, readable by their owner alone."""

import base64
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge_agent.errors import NotEnrolled
from edge_agent.store.files import write_file
from protocol.enrolment import EnrolAnswer

_ANSWER: Final = "identity.json"
_ROUTER: Final = "router.json"
_START: Final = "start"


@dataclass(frozen=True, slots=True)
class RouterFile:
    """How to reach the router; the password never leaves this machine."""

    host: str
    port: int
    user: str
    password: str
    tls: bool = False
    certificate_sha256: str = ""


class DataFolder:
    """The agent's folder. Everything in it is whole after a power cut."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def store_path(self) -> Path:
        """Where the store's database is."""
        return self.path / "store"

    @property
    def certificate_path(self) -> Path:
        """The agent's TLS certificate."""
        return self.path / "certificate.pem"

    @property
    def key_path(self) -> Path:
        """The key of that certificate."""
        return self.path / "certificate.key"

    @property
    def ca_path(self) -> Path:
        """The certificate authority that signs agents and broker."""
        return self.path / "ca.pem"

    def find_secret(self, name: str) -> bytes | None:
        """Return a private key kept here (`signing`, `sealing`, `certificate`)."""
        path = self.path / f"{name}.key"
        return path.read_bytes() if path.exists() else None

    def save_secret(self, name: str, content: bytes) -> None:
        """Keep a private key."""
        write_file(self.path / f"{name}.key", content)

    def get_raw_key(self, name: str) -> bytes:
        """Return a raw 32-byte key; raises NotEnrolled."""
        text = self.find_secret(name)
        if text is None:
            raise not_enrolled(self.path)
        return base64.b64decode(text)

    @property
    def enrolled(self) -> bool:
        """Whether an identity was given."""
        return (self.path / _ANSWER).exists()

    def save_identity(self, answer: EnrolAnswer) -> None:
        """Keep what enrolment gave; the identity itself last, because it says that all is there."""
        write_file(self.certificate_path, answer.certificate_pem.encode())
        write_file(self.ca_path, answer.ca_pem.encode())
        write_file(self.path / _ANSWER, answer.model_dump_json().encode())

    def get_identity(self) -> EnrolAnswer:
        """Return who this agent is; raises NotEnrolled."""
        try:
            return EnrolAnswer.model_validate_json((self.path / _ANSWER).read_bytes())
        except FileNotFoundError as error:
            raise not_enrolled(self.path) from error
        except ValueError as error:
            raise NotEnrolled(f"{self.path / _ANSWER} is damaged", "enrol again with a new claim code") from error

    def save_router(self, router: RouterFile) -> None:
        """Keep how to reach the router."""
        write_file(self.path / _ROUTER, json.dumps(asdict(router)).encode())

    def get_router(self) -> RouterFile:
        """Return how to reach the router; raises NotEnrolled."""
        try:
            return RouterFile(**json.loads((self.path / _ROUTER).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError) as error:
            raise NotEnrolled(
                f"{self.path / _ROUTER} is missing or damaged", "run `mnara-agent enrol` again"
            ) from error

    def next_start(self) -> int:
        """Count this start of the agent, durably: numbers built on it never come again."""
        path = self.path / _START
        try:
            last = int(path.read_bytes())
        except (FileNotFoundError, ValueError):
            last = 0
        write_file(path, str(last + 1).encode())
        return last + 1


def not_enrolled(path: Path) -> NotEnrolled:
    """Say that there is no identity."""
    return NotEnrolled(f"no agent is enrolled in {path}", "run `mnara-agent enrol` with a claim code of this site")
