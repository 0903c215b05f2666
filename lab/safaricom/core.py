"""M-Pesa's core: the verbs that move money between phones and organisations, and what it charges for them."""

from collections import deque
from dataclasses import dataclass

from lab.safaricom import result_codes as codes
from lab.safaricom.accounts import TITLES, Account, Accounts, OrganisationAccounts
from lab.safaricom.organisations import Directory
from lab.safaricom.phones import Phones
from lab.safaricom.receipts import Receipts
from lab.safaricom.record import PhonePayment
from lab.safaricom.result_codes import Declined
from lab.safaricom.switches import MoneySwitches
from lab.safaricom.transactions import B2C, C2B, Journal, Kind, Party, State, Transaction


@dataclass(frozen=True, slots=True)
class Told:
    """What a request says beside the money: its conversation and its words."""

    conversation_id: str = ""
    originator_id: str = ""
    remarks: str = ""
    reason: str = ""


class Core:
    """Accounts, journal and receipts under one hand. It never waits: what it does is done when it returns."""

    def __init__(self, receipts: Receipts, phones: Phones, directory: Directory) -> None:
        self.accounts = Accounts()
        self.journal = Journal()
        self.to_decline: dict[str, deque[str]] = {}
        """By role, the codes with which the next requests are declined, whatever they ask."""
        self._receipts = receipts
        self._phones = phones
        self._directory = directory

    def receive(self, payment: PhonePayment, at_us: int, money: MoneySwitches) -> int:
        """Credit what a phone has paid (and was debited for); returns the receiving account's new balance in cents."""
        accounts, transaction = self.accounts.of(payment.shortcode), self._of_payment(payment, at_us)
        account = Account.MERCHANT if payment.till else Account.UTILITY
        self.journal.add(transaction)
        accounts.move(transaction, account, payment.amount_cents)
        charged = Account.CHARGES if money.charge_from == "charges" else account
        self._charge(accounts, transaction, payment.amount_cents * money.c2b_charge_ppm // 1_000_000, charged)
        return accounts.balances[account]

    def refuse(self, payment: PhonePayment, at_us: int) -> None:
        """Note a payment that the organisation's validation turned away: it has a receipt, and no money moved."""
        transaction = self._of_payment(payment, at_us)
        transaction.state = State.CANCELLED
        self.journal.add(transaction)

    def pay_out(
        self, shortcode: str, msisdn: str, cents: int, kind: Kind, at_us: int, told: Told, money: MoneySwitches
    ) -> Transaction:
        """Pay a customer from the organisation's account (B2C), or raise Declined."""
        if kind not in B2C:
            raise ValueError(f"{kind} pays nobody")
        if cents < money.b2c_min_cents:
            raise Declined(codes.TOO_LITTLE)
        if cents > money.transaction_max_cents:
            raise Declined(codes.TOO_MUCH)
        phone = self._phones.get(msisdn)
        # Only a salary may be paid to somebody who is not registered; to nobody at all, nothing.
        if phone.customer == "none" or (phone.customer == "unregistered" and kind is not Kind.SALARY_PAYMENT):
            raise Declined(codes.UNREGISTERED)
        account, charge_cents = Account(money.b2c_from), b2c_charge_cents(cents, money)
        charged = Account.CHARGES if money.charge_from == "charges" else account
        accounts = self.accounts.of(shortcode)
        _need(accounts, account, cents + (charge_cents if charged is account else 0))
        if not self._phones.receive(phone, cents):
            raise Declined(codes.OVER_WALLET)
        debit, credit = self._own(shortcode), Party(msisdn, phone.name)
        transaction = self._make(kind, shortcode, cents, at_us, account, told, debit, credit)
        accounts.move(transaction, account, -cents)
        self._charge(accounts, transaction, charge_cents, charged)
        return transaction

    def decline_if_told(self, role: str) -> None:
        """Raise Declined when somebody asked for it beforehand."""
        codes_told = self.to_decline.get(role)
        if codes_told:
            raise Declined(codes_told.popleft())

    def note_declined(
        self, shortcode: str, msisdn: str, cents: int, kind: Kind, at_us: int, told: Told, money: MoneySwitches
    ) -> Transaction:
        """Note a payment to a customer that was declined: a status query finds it by its conversation."""
        credit = Party(msisdn, self._phones.get(msisdn).name)
        account = Account(money.b2c_from)
        failed = self._make(kind, shortcode, cents, at_us, account, told, self._own(shortcode), credit)
        failed.state = State.DECLINED
        return failed

    def reverse(self, shortcode: str, receipt: str, cents: int, at_us: int, told: Told) -> Transaction:
        """Give a payment, or a part of it, back to the phone that made it, or raise Declined."""
        original = self.journal.find(receipt)
        # Of its own receipts, what customers paid it: a reversal or a payment to a customer is not to be reversed.
        known = original and original.shortcode == shortcode and original.kind in C2B
        if original is None or not known or original.state is not State.COMPLETED:
            raise Declined(codes.UNKNOWN_ORIGINAL)
        if original.left_cents == 0:
            raise Declined(codes.ALREADY_REVERSED)
        if not 0 < cents <= original.left_cents:
            raise Declined(codes.TOO_MUCH if cents > 0 else codes.TOO_LITTLE)
        accounts = self.accounts.of(shortcode)
        account = Account.MERCHANT if original.kind is Kind.BUY_GOODS else Account.UTILITY
        _need(accounts, account, cents)
        if not self._phones.receive(self._phones.get(original.msisdn), cents):
            raise Declined(codes.OVER_WALLET)
        transaction = self._make(
            Kind.REVERSAL, shortcode, cents, at_us, account, told, original.credit, original.debit, receipt
        )
        original.reversed_cents += cents
        original.reversals.append(transaction.receipt)
        accounts.move(transaction, account, -cents)
        return transaction

    def transfer(self, shortcode: str, source: Account, target: Account, cents: int, at_us: int) -> Transaction:
        """Move money between two accounts of one organisation, as its operators do in the portal, or raise Declined."""
        if cents <= 0 or source is target or Account.CHARGES in (source, target):
            raise ValueError("a transfer moves some cents between two different accounts, not the charges")
        accounts, own = self.accounts.of(shortcode), self._own(shortcode)
        _need(accounts, source, cents)
        told = Told(reason=f"{TITLES[source]} to {TITLES[target]}")
        transaction = self._make(Kind.TRANSFER, shortcode, cents, at_us, source, told, own, own)
        accounts.move(transaction, source, -cents)
        accounts.move(transaction, target, cents)
        return transaction

    def deposit(self, shortcode: str, target: Account, cents: int, at_us: int) -> Transaction:
        """Bring money from the organisation's bank into one of its accounts."""
        if cents <= 0 or target in (Account.SETTLEMENT, Account.CHARGES):
            raise ValueError("a deposit puts some cents into the utility, working or merchant account")
        accounts, own = self.accounts.of(shortcode), self._own(shortcode)
        told, bank = Told(reason="Organization Deposit of Funds"), Party("BANK", own.name)
        transaction = self._make(Kind.DEPOSIT, shortcode, cents, at_us, target, told, bank, own)
        accounts.move(transaction, target, cents)
        self._phones.brought_in_cents += cents
        return transaction

    def withdraw(self, shortcode: str, source: Account, cents: int, at_us: int) -> Transaction:
        """Send money to the organisation's bank, through its settlement account, or raise Declined."""
        if cents <= 0 or source in (Account.SETTLEMENT, Account.CHARGES):
            raise ValueError("a withdrawal takes some cents from the utility, working or merchant account")
        accounts, own = self.accounts.of(shortcode), self._own(shortcode)
        _need(accounts, source, cents)
        told, bank = Told(reason="Organization Withdrawal to Bank"), Party("BANK", own.name)
        transaction = self._make(Kind.WITHDRAWAL, shortcode, cents, at_us, source, told, own, bank)
        for account, moved_cents in ((source, -cents), (Account.SETTLEMENT, cents), (Account.SETTLEMENT, -cents)):
            accounts.move(transaction, account, moved_cents)
        self.accounts.banked_cents += cents
        return transaction

    def _own(self, shortcode: str) -> Party:
        return Party(shortcode, self._directory.get(shortcode).name)

    def _of_payment(self, payment: PhonePayment, at_us: int) -> Transaction:
        return Transaction(
            payment.receipt,
            Kind.BUY_GOODS if payment.till else Kind.PAY_BILL,
            payment.shortcode,
            payment.amount_cents,
            payment.paid_at_us,
            at_us,
            Party(payment.msisdn, payment.name),
            Party(payment.till or payment.shortcode, self._own(payment.shortcode).name),
            TITLES[Account.MERCHANT if payment.till else Account.UTILITY],
            reference=payment.bill_reference,
            reason="Buy Goods Online" if payment.till else "Pay Bill Online",
        )

    def _make(
        self, kind: Kind, shortcode: str, cents: int, at_us: int, account: Account, told: Told,
        debit: Party, credit: Party, linked: str = "",
    ) -> Transaction:  # fmt: skip
        transaction = Transaction(
            self._receipts.deal(at_us),
            kind,
            shortcode,
            cents,
            at_us,
            at_us,
            debit,
            credit,
            TITLES[account],
            reason=told.reason or str(kind),
            remarks=told.remarks,
            conversation_id=told.conversation_id,
            originator_id=told.originator_id,
            linked=linked,
        )
        self.journal.add(transaction)
        return transaction

    def _charge(self, accounts: OrganisationAccounts, transaction: Transaction, cents: int, account: Account) -> None:
        if cents:
            transaction.charge_cents = cents
            accounts.move(transaction, account, -cents, charge=True)
            self.accounts.fees_cents += cents


def b2c_charge_cents(cents: int, money: MoneySwitches) -> int:
    """What Safaricom takes from the organisation for paying a customer."""
    for up_to_cents, charge_cents in money.b2c_charges:
        if cents <= up_to_cents:
            return charge_cents
    return money.b2c_charge_above_cents


def _need(accounts: OrganisationAccounts, account: Account, cents: int) -> None:
    if accounts.balances[account] < cents:
        raise Declined(codes.INSUFFICIENT)
