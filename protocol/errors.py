"""Why a message was refused.

ProtocolError
├── Malformed      does not parse, or breaks a limit
├── Forged         the signature does not hold, or its key is not vouched for
├── Misaddressed   signed well, but meant for another agent or installation
├── RolledBack     older than what is already held
└── SealBroken     a sealed credential that this key cannot open

Each has a stable `code`, which is what is counted and reported.
"""

from typing import ClassVar


class ProtocolError(Exception):
    """A message that must change nothing."""

    code: ClassVar[str] = "protocol"


class Malformed(ProtocolError):
    """It does not parse, or it breaks a limit."""

    code: ClassVar[str] = "malformed"


class Forged(ProtocolError):
    """Its signature does not hold, or nobody vouches for its key."""

    code: ClassVar[str] = "forged"


class Misaddressed(ProtocolError):
    """It was meant for another agent or for an earlier installation of this one."""

    code: ClassVar[str] = "misaddressed"


class RolledBack(ProtocolError):
    """It is older than what the receiver already holds."""

    code: ClassVar[str] = "rolled-back"


class SealBroken(ProtocolError):
    """A sealed credential that this key cannot open."""

    code: ClassVar[str] = "seal-broken"
