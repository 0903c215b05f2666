"""What operators do in the organisation's portal, and Safaricom at its care line: verbs of the control door."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from lab.control import Answer, ControlError, Handler, Request
from lab.safaricom.accounts import Account, OrganisationAccounts
from lab.safaricom.core import Told
from lab.safaricom.face import pages
from lab.safaricom.initiator import ROLES, Initiator
from lab.safaricom.rail import Rail
from lab.safaricom.result_codes import Declined
from lab.safaricom.transactions import Transaction

DECLINES_MAX = 1_000
_DAY_US = 86_400_000_000
CARE_LINE = Told(reason="Reversal by M-PESA customer care")


class Portal:
    """Handlers by name; each first sentence is what `help` says."""

    def __init__(self, rail: Rail) -> None:
        self._rail = rail

    def handlers(self) -> Mapping[str, Handler]:
        """By the name in `do`."""
        return {
            "accounts": self.accounts,
            "transfer": self.transfer,
            "withdraw": self.withdraw,
            "deposit": self.deposit,
            "initiator": self.initiator,
            "certificate": self.certificate,
            "statement": self.statement,
            "reverse": self.reverse,
            "customer": self.customer,
            "decline": self.decline,
        }

    def accounts(self, request: Request) -> Answer:
        """Show a shortcode's accounts in cents, with Safaricom's fees and what went to banks."""
        accounts = self._rail.accounts
        shown = _balances(accounts.of(self._shortcode(request)))
        return {"accounts": shown, "fees_cents": accounts.fees_cents, "banked_cents": accounts.banked_cents}

    def transfer(self, request: Request) -> Answer:
        """Move amount_kes of a shortcode between accounts, `from` utility `to` working unless said otherwise."""
        source, target = Account(request.get("from", "utility")), Account(request.get("to", "working"))
        shortcode, now_us = self._shortcode(request), self._rail.clock.now_us()
        return _done(self._rail.core.transfer(shortcode, source, target, _cents(request["amount_kes"]), now_us))

    def withdraw(self, request: Request) -> Answer:
        """Send amount_kes of a shortcode to its bank, `from` the working account unless said otherwise."""
        source, cents = Account(request.get("from", "working")), _cents(request["amount_kes"])
        now_us = self._rail.clock.now_us()
        return _done(self._rail.core.withdraw(self._shortcode(request), source, cents, now_us))

    def deposit(self, request: Request) -> Answer:
        """Bring amount_kes from a shortcode's bank, `to` the utility account unless said otherwise."""
        target, cents = Account(request.get("to", "utility")), _cents(request["amount_kes"])
        return _done(self._rail.core.deposit(self._shortcode(request), target, cents, self._rail.clock.now_us()))

    def initiator(self, request: Request) -> Answer:
        """Show or add an initiator: shortcode, name, password, roles, locked, age_days.

        A password that is set is new, and ends a lock.
        """
        shortcode, name = self._shortcode(request), str(request["name"])
        initiators, now_us = self._rail.initiators, self._rail.clock.now_us()
        known = initiators.find(shortcode, name)
        if "password" in request:
            roles = known.roles if known else ROLES
            known = Initiator(name, str(request["password"]), shortcode, now_us, roles)
        if known is None:
            raise ControlError(f"no initiator {name!r} of {shortcode}; give a password to add it")
        locked = bool(request.get("locked", known.locked))
        roles = frozenset(str(role) for role in request.get("roles", known.roles))
        since_us = known.set_at_us
        if "age_days" in request:
            since_us = now_us - round(float(request["age_days"]) * _DAY_US)
        wrong = known.wrong if locked else 0
        made = initiators.add(replace(known, roles=roles, locked=locked, wrong=wrong, set_at_us=since_us))
        return {"initiator": asdict(made) | {"roles": sorted(roles), "age_days": (now_us - since_us) / _DAY_US}}

    def certificate(self, _request: Request) -> Answer:
        """Give the environment's certificate as PEM: initiators' passwords are encrypted with it."""
        return {"certificate": self._rail.initiators.key.certificate_pem.decode()}

    def statement(self, request: Request) -> Answer:
        """Export a statement as the portal's CSV: shortcode, account, from, to (dates, or dates with times)."""
        text = pages.statement(
            self._rail, self._shortcode(request), str(request.get("account", "utility")),
            str(request.get("from", "")), str(request.get("to", "")),
        )  # fmt: skip
        return {"csv": text}

    def reverse(self, request: Request) -> Answer:
        """Reverse a receipt as Safaricom's care line does for a customer, whole or amount_kes: nobody is told."""
        receipt = str(request["receipt"])
        original = self._rail.core.journal.find(receipt)
        if original is None:
            raise ControlError(f"no such receipt: {receipt}")
        cents = _cents(request["amount_kes"]) if "amount_kes" in request else original.left_cents
        now_us = self._rail.clock.now_us()
        try:
            return _done(self._rail.core.reverse(original.shortcode, receipt, cents, now_us, CARE_LINE))
        except Declined as refusal:
            return {"declined": refusal.code, "words": refusal.words}

    def customer(self, request: Request) -> Answer:
        """Say whether M-Pesa knows a msisdn: `is` registered, unregistered or none; it matters to B2C."""
        phone = self._rail.phones.get(str(request["msisdn"]))
        match request.get("is", phone.customer):
            case "registered" | "unregistered" | "none" as said:
                phone.customer = said
            case other:
                raise ControlError(f"a number is registered, unregistered or none, not {other!r}")
        return {"msisdn": phone.msisdn, "is": phone.customer}

    def decline(self, request: Request) -> Answer:
        """Decline the next requests of a role (status, balance, reversal, b2c) with a code, `times` (0: none)."""
        role, times = str(request["role"]), int(request.get("times", 1))
        if role not in ROLES or not 0 <= times <= DECLINES_MAX:
            raise ControlError(f"a role is one of {', '.join(sorted(ROLES))}, and times is 0 to {DECLINES_MAX}")
        code = str(request["code"]) if times else ""
        self._rail.core.to_decline[role] = deque([code] * times)
        return {"role": role, "code": code, "times": times}

    def _shortcode(self, request: Request) -> str:
        said = str(request["shortcode"])
        try:
            return self._rail.directory.get(said).shortcode
        except KeyError:
            raise ControlError(f"no such shortcode: {said}") from None


def _cents(shillings: Any) -> int:
    return round(float(shillings) * 100)


def _balances(accounts: OrganisationAccounts) -> dict[str, int]:
    return {str(account): cents for account, cents in accounts.balances.items()}


def _done(transaction: Transaction) -> Answer:
    shown = {"receipt": transaction.receipt, "amount_cents": transaction.amount_cents, "linked": transaction.linked}
    return {"done": shown | {"kind": str(transaction.kind), "at_us": transaction.finalised_at_us}}
