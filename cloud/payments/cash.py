"""Cash over the counter: a rail without callbacks, whose receipts are ours."""

from typing import Final
from uuid import UUID

RAIL: Final = "cash"
SHORTCODE: Final = "counter"


def cash_receipt(payment_id: UUID) -> str:
    """Make the receipt number of a cash payment: from its id, so that a repeated request makes no second one."""
    return "C" + payment_id.hex.upper()[-15:]
