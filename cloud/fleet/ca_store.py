"""Where the certificate authority lives: sealed in the data folder, its public half beside it."""

import os
import ssl
import tempfile
from datetime import datetime
from pathlib import Path

from cloud.db.secrets import SecretBox
from cloud.fleet.ca import Authority, Issued

_CONTEXT = "certificate-authority"


def open_authority(folder: Path, box: SecretBox, now: datetime) -> Authority:
    """Load the cloud's authority, or make it once; two processes that start together get the same one."""
    sealed = folder / "authority.sealed"
    if not sealed.exists():
        _create_once(sealed, box.seal(Authority.create(now).dump(), _CONTEXT))
    authority = Authority.load(box.open(sealed.read_bytes(), _CONTEXT))
    (folder / "ca.pem").write_text(authority.agents.pem)
    return authority


def open_secret_key(folder: Path) -> bytes:
    """Load the key of secrets at rest, or make it once: 32 bytes, readable by us alone."""
    path = folder / "secret.key"
    if not path.exists():
        _create_once(path, os.urandom(32).hex().encode())
    return bytes.fromhex(path.read_text().strip())


def tls_context(issued: Issued, *, server: bool, trusted_pem: str = "") -> ssl.SSLContext:
    """Return a context with our certificate; a client trusts `trusted_pem` alone. OpenSSL wants files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trusted_pem:
        context.load_verify_locations(cadata=trusted_pem)
    with tempfile.NamedTemporaryFile("w", prefix="mnara-", suffix=".pem") as file:  # made with mode 0600
        file.write(issued.certificate_pem + issued.key_pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _create_once(path: Path, content: bytes) -> None:
    """Put a whole file in its place unless somebody else was first."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
