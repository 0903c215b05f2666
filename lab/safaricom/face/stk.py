"""STK push and its query."""

from lab.safaricom.face.families import Endpoints
from lab.safaricom.rail import Rail


def endpoints(_rail: Rail) -> Endpoints:
    """Both endpoints."""
    return {}
