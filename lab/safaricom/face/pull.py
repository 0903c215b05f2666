"""Pull Transactions: what customers paid in the last two days, for whoever missed a confirmation."""

from datetime import UTC, datetime
from typing import Any

from lab.safaricom.bodies import EAST_AFRICA
from lab.safaricom.face.errors import Refusal
from lab.safaricom.face.families import PULL, Answer, Endpoint, Endpoints, Handler
from lab.safaricom.face.queued import known_shortcode, url
from lab.safaricom.face.request import Request
from lab.safaricom.rail import Rail
from lab.safaricom.switches import PullSwitches
from lab.safaricom.transactions import C2B, Kind, State, Transaction

_HOUR_US = 3_600_000_000
# A payment is finalised after its validation was asked, up to eight seconds; the window is about when it was made.
_SLACK_US = 60_000_000
_REGISTERED = "Shortcode Registered Successfully"


def endpoints(rail: Rail) -> Endpoints:
    """Register, and the query with both methods that its documents name."""
    registered: set[str] = set()
    querying = Endpoint(PULL, _querying(rail, registered))
    return {
        ("POST", "/pulltransactions/v1/register"): Endpoint(PULL, _registering(rail, registered)),
        ("POST", "/pulltransactions/v1/query"): querying,
        ("GET", "/pulltransactions/v1/query"): querying,
    }


def _registering(rail: Rail, registered: set[str]) -> Handler:
    async def register(request: Request) -> Answer:
        shortcode, switches = known_shortcode(rail, request, "ShortCode"), rail.manner.organisation.pull
        request.one_of("RequestType", "Pull")
        nominated = request.msisdn("NominatedNumber")
        url(request, "CallBackURL")
        if switches.check_nominated and nominated != rail.directory.get(shortcode).nominated_number:
            raise request.bad("NominatedNumber")
        again = shortcode in registered
        registered.add(shortcode)
        space = " " if switches.spaced_keys else ""
        return 200, {
            f"Response{space}RefID": _reference(rail),
            f"Response{space}Status": "1001" if again else "1000",
            "ShortCode": shortcode,
            f"Response{space}Description": "Shortcode already Registered" if again else _REGISTERED,
        }

    return register


def _querying(rail: Rail, registered: set[str]) -> Handler:
    async def query(request: Request) -> Answer:
        switches = rail.manner.organisation.pull
        if request.method not in switches.methods:
            raise Refusal(405, "405.001", "Method Not Allowed")
        shortcode = known_shortcode(rail, request, "ShortCode")
        if shortcode not in registered:
            raise request.bad("ShortCode")
        from_us, to_us = _instant(request, "StartDate"), _instant(request, "EndDate")
        if to_us < from_us:
            raise request.bad("EndDate")
        offset = int(request.digits("OffSetValue", most=9))
        rows = _rows(rail, shortcode, from_us, to_us, switches)[offset : offset + switches.page]
        if not rows and switches.empty == "500":
            raise Refusal(500, "500.003.1001", "No transactions found")
        return 200, _answer(rail, shortcode, rows, switches)

    return query


def _rows(rail: Rail, shortcode: str, from_us: int, to_us: int, switches: PullSwitches) -> list[Transaction]:
    """What is to be seen now: paid by customers, in range, younger than 48 hours, older than the lag."""
    now_us = rail.clock.now_us()
    oldest_us = max(from_us, now_us - switches.window_h * _HOUR_US)
    newest_us = min(to_us, now_us - int(switches.lag_s * 1_000_000))
    found = [
        each
        for each in rail.core.journal.of(shortcode, oldest_us - _SLACK_US)
        if each.kind in C2B
        and each.state is State.COMPLETED
        # The end is a whole second: what was paid within it belongs to it.
        and oldest_us <= each.at_us < newest_us + (1_000_000 if newest_us == to_us else 1)
        and not (switches.reversed_rows == "vanish" and each.reversed_in_full)
    ]
    return found[::-1] if switches.newest_first else found


def _answer(rail: Rail, shortcode: str, rows: list[Transaction], switches: PullSwitches) -> dict[str, Any]:
    name = rail.directory.get(shortcode).name
    told = [_row(each, name, switches) for each in rows]
    return {
        "ResponseRefID": _reference(rail),
        "ResponseCode": "1000" if rows else "1001",
        "ResponseMessage": "Success" if rows else "No transactions found",
        "Response": [told] if switches.nested else told,
    }


def _row(payment: Transaction, name: str, switches: PullSwitches) -> dict[str, Any]:
    number = payment.msisdn.removeprefix("254") if switches.msisdn == "no-254" else payment.msisdn
    whole, rest = divmod(payment.amount_cents, 100)
    return {
        "transactionId": payment.receipt,
        "trxDate": _trx_date(payment.at_us, switches),
        "msisdn": int(number) if number.isdecimal() else number,
        "sender": "MPESA",
        "transactiontype": "c2b-buy-goods-debit" if payment.kind is Kind.BUY_GOODS else "c2b-pay-bill-debit",
        "billreference": payment.reference,
        "amount": f"{whole}.{rest:02d}" if switches.amount == "string" else payment.amount_cents / 100,
        "organizationname": name,
    }


def _trx_date(at_us: int, switches: PullSwitches) -> str:
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    if switches.dates == "utc-z":
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    local = at.astimezone(EAST_AFRICA).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{local}Z" if switches.dates == "eat-z" else f"{local}+03:00"


def _instant(request: Request, name: str) -> int:
    """`2026-08-17 08:00:00`, East Africa Time, as microseconds."""
    try:
        at = datetime.strptime(request.text(name, most=19), "%Y-%m-%d %H:%M:%S").replace(tzinfo=EAST_AFRICA)
    except ValueError:
        raise request.bad(name) from None
    return int(at.timestamp()) * 1_000_000


def _reference(rail: Rail) -> str:
    return f"{rail.chance.randint(1_000, 99_999)}-{rail.chance.randint(1_000_000, 99_999_999)}-1"
