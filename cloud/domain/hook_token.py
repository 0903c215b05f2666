"""The unguessable part of a webhook's path: it names its tenant, and proves that whoever posts was told the URL.

Only hex digits: they can spell none of the words that Daraja forbids anywhere in a registered URL
(mpesa, safaricom, exe, cmd, sql, query).
"""

import hashlib
import re
from typing import NamedTuple
from uuid import UUID

SECRET_HEX_CHARS = 48
_TOKEN = re.compile(f"[0-9a-f]{{{32 + SECRET_HEX_CHARS}}}")


class HookToken(NamedTuple):
    """A token's two halves; the secret is known to us by its SHA-256 alone."""

    tenant_id: UUID
    sha256: bytes


def render_hook_token(tenant_id: UUID, secret_hex: str) -> str:
    """Join tenant and secret into the token of the URL."""
    token = tenant_id.hex + secret_hex
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"a hook's secret is {SECRET_HEX_CHARS} hex digits")
    return token


def hook_sha256(secret_hex: str) -> bytes:
    """Return what the database keeps of a hook's secret."""
    return hashlib.sha256(secret_hex.encode("ascii")).digest()


def find_hook_token(token: str) -> HookToken | None:
    """Read a token out of a path; None when it cannot be one of ours."""
    if not _TOKEN.fullmatch(token):
        return None
    return HookToken(UUID(hex=token[:32]), hook_sha256(token[32:]))
