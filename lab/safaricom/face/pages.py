"""What no real Daraja serves: the portal's downloads, at addresses of the lab's own."""

from collections.abc import Mapping
from datetime import datetime

from lab.safaricom.accounts import Account
from lab.safaricom.bodies import EAST_AFRICA
from lab.safaricom.face.families import Answer
from lab.safaricom.rail import Rail
from lab.safaricom.statement import statement_csv

CERTIFICATE = "/lab/certificate.pem"
STATEMENT = "/lab/statement/"


def find(rail: Rail, path: str, query: Mapping[str, str]) -> Answer | None:
    """The environment's certificate, or a statement as CSV; None for other paths."""
    if path == CERTIFICATE:
        return 200, rail.initiators.key.certificate_pem
    if not path.startswith(STATEMENT) or not path.endswith(".csv"):
        return None
    shortcode = path.removeprefix(STATEMENT).removesuffix(".csv")
    try:
        text = statement(rail, shortcode, query.get("account", "utility"), query.get("from", ""), query.get("to", ""))
    except ValueError as error:
        return 400, {"error": f"{error}; account is one of {', '.join(Account)}, from and to are dates like 2026-08-17"}
    return 200, text.encode()


def statement(rail: Rail, shortcode: str, account: str, first: str, last: str) -> str:
    """One account's lines from an instant up to another; by default everything until now. ValueError for bad words."""
    from_us = _instant(first) if first else 0
    to_us = _instant(last) if last else rail.clock.now_us() + 1
    try:
        organisation = rail.directory.get(shortcode)
    except KeyError:
        raise ValueError(f"no such shortcode: {shortcode}") from None
    accounts, switches = rail.accounts.of(organisation.shortcode), rail.manner.organisation.statement
    if not from_us:  # not 1970: the period begins with the first line there is
        from_us = min((line.at_us for line in accounts.movements), default=rail.clock.now_us())
    return statement_csv(accounts, organisation.name, Account(account), from_us, to_us, switches)


def _instant(said: str) -> int:
    """A date, or a date and time, of East Africa where no offset is said."""
    at = datetime.fromisoformat(said)
    return int((at if at.tzinfo else at.replace(tzinfo=EAST_AFRICA)).timestamp() * 1_000_000)
