"""A right: one entitlement as the agent keeps it in memory, small because there are thousands."""

from dataclasses import dataclass
from sys import intern

from protocol.digest import row_hash
from protocol.entitlement import Entitlement, parse_row

PPPOE = "pppoe"


@dataclass(frozen=True, slots=True)
class Right:
    """What a subscription may use here, and until when. Instants in microseconds, rates in bit/s."""

    id: str
    kind: str
    username: str
    address: str
    prefix: str | None
    service_on: bool
    up_bps: int
    down_bps: int
    valid_until: int | None
    outage_grace_us: int
    revision: int
    sealed: str
    row_hash: int
    """Of the exact text that the cloud wrote; the site's digest is the sum of these."""


def right_of(row: str) -> Right:
    """Read a row's text, or raise Malformed."""
    return _condense(parse_row(row), row)


def _condense(told: Entitlement, row: str) -> Right:
    # Interned: the router's rows and the tables by id then share these texts instead of holding thousands of copies.
    return Right(
        id=intern(told.id),
        kind=intern(told.access),
        username=intern(told.username),
        address=intern(str(told.address)),
        prefix=str(told.prefix) if told.prefix else None,
        service_on=told.service == "on",
        up_bps=told.rate.up_bps,
        down_bps=told.rate.down_bps,
        valid_until=told.valid_until,
        outage_grace_us=told.outage_grace_s * 1_000_000,
        revision=told.credential.revision,
        sealed=told.credential.sealed,
        row_hash=row_hash(row),
    )
