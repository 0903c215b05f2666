"""M-Pesa as the webhooks know it: what is doubtful, and what each callback is answered."""

from dataclasses import dataclass

from cloud.payments.mpesa import c2b
from cloud.payments.mpesa.sources import Networks


@dataclass(frozen=True, slots=True)
class MpesaWebhooks:
    """`sources`: where callbacks may come from; empty asks nothing. `reject_unknown`: refuse, before he pays, a payer
    whose account number nobody has; by default his money is taken and waits in suspense."""

    sources: Networks = ()
    reject_unknown: bool = False

    def find_doubt(self, raw: bytes, shortcode: str, source: str | None) -> str | None:
        """Say why a body must wait for a human, or None."""
        return c2b.find_doubt(raw, shortcode, source, self.sources)

    def confirmed(self) -> bytes:
        """Return the answer to a confirmation that is stored."""
        return c2b.CONFIRMED

    def asks_account(self) -> bool:
        """Say whether the answer to a validation depends on the account number."""
        return self.reject_unknown

    def answer_validation(self, raw: bytes, shortcode: str, *, account_known: bool) -> bytes:
        """Return yes or the code for no. By default everything is accepted: M-Pesa turned away is money lost."""
        if not self.reject_unknown:
            return c2b.VALID
        return c2b.find_objection(raw, shortcode) or (c2b.VALID if account_known else c2b.UNKNOWN_ACCOUNT)

    def bill_reference(self, raw: bytes) -> str:
        """Return what the payer typed as the account."""
        return c2b.bill_reference_of(raw)
