"""One entitlement: what a subscription may use at a site, and until when.

A row travels, is stored and is hashed as the exact text that the cloud wrote; `parse_row` reads it. An agent that
is older than the cloud keeps the fields it does not know, because it keeps the text.
"""

from ipaddress import IPv4Address, IPv6Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocol import limits
from protocol.errors import Malformed

Micros = int
"""An instant: microseconds since 1970-01-01 UTC."""

EntitlementId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
RateBps = Annotated[int, Field(ge=1_000, le=100_000_000_000)]


class Wire(BaseModel):
    """What every model on the wire has in common: frozen, and newer fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Rate(Wire):
    """A speed limit, named from the subscriber's side."""

    up_bps: RateBps
    down_bps: RateBps


class Credential(Wire):
    """A password only the agent can read; `revision` is compared, never the password."""

    revision: int = Field(ge=1)
    sealed: str = Field(max_length=600)


class Entitlement(Wire):
    """A subscription's right at one site. `service` is off when suspended by staff, paused or terminated."""

    id: EntitlementId
    access: str = "pppoe"
    """An access kind that the agent does not know is kept, reported as unsupported and not applied."""
    username: str = Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")
    credential: Credential
    address: IPv4Address
    prefix: IPv6Network | None = None
    service: Literal["on", "off"] = "on"
    rate: Rate
    valid_until: Micros | None
    """None: no end (a never-cut subscription). At this very instant the right is over."""
    outage_grace_s: int = Field(default=0, ge=0, le=30 * 86_400)
    """How long it is still served when its time ran out while the cloud could not be heard."""


def render_row(entitlement: Entitlement) -> str:
    """Write the text that will travel, be stored and be hashed."""
    return entitlement.model_dump_json(exclude_defaults=True)


def parse_row(row: str) -> Entitlement:
    """Read a row's text, or raise Malformed."""
    if len(row) > limits.ROW_BYTES_MAX:
        raise Malformed("row is too large")
    try:
        return Entitlement.model_validate_json(row)
    except ValidationError as error:
        raise Malformed(f"row does not parse: {error.errors()[0]['msg']}") from error
