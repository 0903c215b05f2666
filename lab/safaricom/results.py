"""What M-Pesa ends a push with: result codes, their plain words, and other words that were seen for the same."""

import random

RESULTS: dict[str, tuple[str, ...]] = {
    "0": ("The service request is processed successfully.",),
    "1": ("The balance is insufficient for the transaction.", "The balance is insufficient for the transaction"),
    "2": ("The amount is less than the minimum transaction value.", "Declined due to limit rule: less than minimum"),
    "3": ("The amount is greater than the maximum transaction value.", "Declined due to limit rule: above maximum"),
    "4": ("Declined due to limit rule: greater than the daily transfer limit.",),
    "8": ("Declined due to limit rule: would exceed the maximum balance.",),
    "17": ("Rule limited.", "System internal error."),
    "26": ("System busy. Try again in a short while.", "Traffic blocking condition in place"),
    "1001": (
        "Unable to lock subscriber, a transaction is already in process for the current subscriber",
        "[STK_CB - ]Unable to lock subscriber, a transaction is already in process for the current subscriber",
    ),
    "1019": ("Transaction has expired", "Transaction expired. MO transaction has expired"),
    "1025": ("An error occurred while sending a push request",),
    "1031": ("Request cancelled by user",),
    "1032": ("Request cancelled by user", "[STK_CB - ]Request cancelled by user", "Request Cancelled by user."),
    "1037": (
        "DS timeout user cannot be reached",
        "No response from user.",
        "[STK DS timeout]DS timeout user cannot be reached",
    ),
    "2001": ("The initiator information is invalid.", "[MpesaCB - ]The initiator information is invalid."),
    "2028": ("The request is not permitted according to product assignment.",),
    "4999": ("The transaction is still under processing",),
    "8006": ("The security credential is locked.",),
    "9999": ("An error occurred while sending a push request",),
    "E3008": ("The operation failed because of a bad debt contract",),
    "SFC_IC0003": ("The operator does not exist.",),
}


def words_of(code: str, chance: random.Random | None = None) -> str:
    """The ResultDesc of a code; any of those seen when there is chance."""
    known = RESULTS.get(code, (f"Request failed with code {code}",))
    return chance.choice(known) if chance else known[0]


def typed(code: str, *, as_text: bool) -> int | str:
    """A code as it is sent: a number, unless it is none or the day sends strings."""
    return int(code) if code.isdecimal() and not as_text else code
