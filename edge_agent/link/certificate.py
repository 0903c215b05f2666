"""The agent's own certificate: whether it still holds."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from edge_agent.errors import NotEnrolled


def check_certificate(path: Path, now_us: int) -> datetime:
    """Return when the agent's certificate ends; raises NotEnrolled when it is over, or the clock is before it."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    if now < certificate.not_valid_before_utc:
        raise NotEnrolled(
            f"the clock says {now:%Y-%m-%d %H:%M}, which is before this agent was enrolled",
            "set the clock (timedatectl)",
        )
    if now >= certificate.not_valid_after_utc:
        raise NotEnrolled(
            f"the agent's certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}",
            "enrol again with a new claim code of this site",
        )
    return certificate.not_valid_after_utc
