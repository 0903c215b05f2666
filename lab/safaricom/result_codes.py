"""What M-Pesa's core answers when it declines, in its own words; the codes with letters are strings on the wire."""

from lab.errors import LabError

DONE = "0"
DONE_WORDS = "The service request is processed successfully."
INSUFFICIENT, TOO_LITTLE, TOO_MUCH, OVER_DAY, OVER_WALLET = "1", "2", "3", "4", "8"
INVALID_STATE, NOT_ALLOWED = "11", "21"
WRONG_INITIATOR, RULE, NOT_ASSIGNED, UNKNOWN_RECEIPT, UNREGISTERED = "2001", "2006", "2028", "2032", "2040"
LOCKED, NO_OPERATOR, ALREADY_REVERSED, UNKNOWN_ORIGINAL = "8006", "SFC_IC0003", "R000001", "R000002"

WORDS = {
    INSUFFICIENT: "The balance is insufficient for the transaction.",
    TOO_LITTLE: "Declined due to limit rule: less than the minimum transaction amount.",
    TOO_MUCH: "Declined due to limit rule: greater than the maximum transaction amount.",
    OVER_DAY: "Declined due to limit rule: would exceed daily transfer limit.",
    OVER_WALLET: "Declined due to limit rule: would exceed the maximum balance.",
    INVALID_STATE: "The DebitParty is in an invalid state.",
    NOT_ALLOWED: "The initiator is not allowed to initiate this request.",
    WRONG_INITIATOR: "The initiator information is invalid.",
    RULE: "Declined due to account rule: The account status does not allow this transaction.",
    NOT_ASSIGNED: "The request is not permitted according to product assignment.",
    UNKNOWN_RECEIPT: "The transaction receipt number does not exist.",
    UNREGISTERED: "Credit Party customer type (Unregistered or Registered Customer) can't be supported by the service.",
    LOCKED: "The security credential is locked.",
    NO_OPERATOR: "The operator does not exist.",
    ALREADY_REVERSED: "The transaction has already been reversed.",
    UNKNOWN_ORIGINAL: "The OriginalTransactionID is invalid.",
}


class Declined(LabError):
    """The core will not do it; `code` is the ResultCode."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.words = WORDS.get(code, f"Request failed with code {code}")
        super().__init__(f"{code}: {self.words}")
