"""Reading C2B callbacks: every body seen in the wild, and everything a stranger can type."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.payments.mpesa.c2b import (
    UNKNOWN_ACCOUNT,
    VALID,
    WRONG_AMOUNT,
    WRONG_SHORTCODE,
    MpesaC2B,
    bill_reference_of,
    find_doubt,
    find_objection,
)
from cloud.payments.mpesa.fields import AMOUNT_CENTS_MAX, find_amount_cents, find_paid_at, find_phone, find_receipt
from cloud.payments.mpesa.sources import PUBLISHED_SOURCES, parse_sources
from cloud.ports import Confirmation, Refused

NOW = datetime(2026, 8, 17, 12, 0, tzinfo=UTC)
RAIL = MpesaC2B()


def _body(**changes: Any) -> dict[str, Any]:
    body = {
        "TransactionType": "Pay Bill",
        "TransID": "TKL4X9Q2ZA",
        "TransTime": "20260817143512",
        "TransAmount": "1500.00",
        "BusinessShortCode": "600638",
        "BillRefNumber": "acc 1001",
        "InvoiceNumber": "",
        "OrgAccountBalance": "49197.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 126",
        "FirstName": "JOHN",
        "MiddleName": "",
        "LastName": "",
    }
    body.update(changes)
    return {key: value for key, value in body.items() if value is not ...}


def _parse(**changes: Any) -> Confirmation | Refused:
    return RAIL.parse_confirmation(json.dumps(_body(**changes)).encode(), NOW)


def _parsed(**changes: Any) -> Confirmation:
    found = _parse(**changes)
    assert isinstance(found, Confirmation), found
    return found


def test_a_masked_v2_body_is_read_whole() -> None:
    assert _parsed() == Confirmation(
        receipt="TKL4X9Q2ZA",
        amount_cents=150_000,
        shortcode="600638",
        bill_reference="acc 1001",
        payer_key="",
        payer_name="JOHN",
        paid_at=datetime(2026, 8, 17, 11, 35, 12, tzinfo=UTC),
    )


def test_a_hashed_v1_body_gives_the_hash_in_lower_case() -> None:
    digest = hashlib.sha256(b"254712345678").hexdigest()
    assert _parsed(MSISDN=digest.upper()).payer_key == digest


def test_a_plain_number_is_normalised() -> None:
    assert _parsed(MSISDN="0712 345-678").payer_key == "254712345678"
    assert _parsed(MSISDN=254712345678).payer_key == "254712345678"


def test_a_body_without_middle_and_last_name_is_read() -> None:
    assert _parsed(MiddleName=..., LastName=...).payer_name == "JOHN"
    assert _parsed(FirstName=..., MiddleName=None, LastName=7).payer_name == "7"


def test_a_till_payment_has_no_reference() -> None:
    assert _parsed(BillRefNumber=..., TransactionType="Buy Goods").bill_reference == ""


def test_the_receipt_is_trimmed_and_upper_cased() -> None:
    assert _parsed(TransID=" tkl4x9q2za ").receipt == "TKL4X9Q2ZA"


@pytest.mark.parametrize("receipt", [..., "", None, "SHORT", "A" * 21, "TKL4X9-2ZA", ["TKL4X9Q2ZA"], {}, True])
def test_a_body_without_a_receipt_is_refused(receipt: object) -> None:
    assert isinstance(_parse(TransID=receipt), Refused)


@pytest.mark.parametrize(
    ("said", "cents"),
    [("10", 1000), ("10.00", 1000), (10, 1000), (10.5, 1050), ("0.01", 1), ("10.500", 1050), (" 7 ", 700)],
)
def test_amounts_are_read_in_every_form_seen(said: object, cents: int) -> None:
    assert _parsed(TransAmount=said).amount_cents == cents


@pytest.mark.parametrize(
    "said",
    [
        *("0", "0.00", "-5", "+5", "1e3", "NaN", "Infinity", "1.005", "", "ten", "1,500", "٣", "9" * 12, "9" * 400),
        *(None, ..., True, [], float("nan"), float("inf"), 1e300, AMOUNT_CENTS_MAX // 100 + 1),
    ],
)
def test_an_amount_that_is_none_is_refused(said: object) -> None:
    assert isinstance(_parse(TransAmount=said), Refused)


@pytest.mark.parametrize(
    "said", ["", "20261332256199", "2026-08-17", "99991231235959", "00010101000000", 5, None, "²" * 14]
)
def test_an_unreadable_time_becomes_the_time_of_receipt(said: object) -> None:
    assert _parsed(TransTime=said).paid_at == NOW


def test_hostile_text_becomes_one_clean_line() -> None:
    raw = json.dumps(_body(BillRefNumber="a\x00b\n\ud800=cmd|\u202e x" + "y" * 500)).encode()
    found = RAIL.parse_confirmation(raw, NOW)
    assert isinstance(found, Confirmation)
    assert found.bill_reference.startswith("a b =cmd| xy")
    assert len(found.bill_reference) == 64
    found.bill_reference.encode()


def test_bytes_that_are_not_utf8_cost_only_the_name() -> None:
    raw = json.dumps(_body()).encode().replace(b"JOHN", b"J\xd6HN")
    found = RAIL.parse_confirmation(raw, NOW)
    assert isinstance(found, Confirmation)
    assert found.amount_cents == 150_000


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 60_000, b'{"TransID":' * 9000, b"7" * 9000]
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    assert isinstance(RAIL.parse_confirmation(raw, NOW), Refused)
    assert find_doubt(raw, "600638", None, ()) is None
    assert bill_reference_of(raw) == ""


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    RAIL.parse_confirmation(raw, NOW)
    find_doubt(raw, "600638", raw.decode("latin-1"), parse_sources(PUBLISHED_SOURCES))
    find_objection(raw, "600638")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(_body())), _JSON | st.text(alphabet="0123456789.- ", max_size=16)))
def test_no_values_make_it_raise_and_what_is_read_is_sound(changes: dict[str, Any]) -> None:
    raw = json.dumps(_body(**changes)).encode()
    found = RAIL.parse_confirmation(raw, NOW)
    find_objection(raw, "600638")
    if isinstance(found, Confirmation):
        assert 0 < found.amount_cents <= AMOUNT_CENTS_MAX
        assert find_receipt(found.receipt) == found.receipt
        for text in (found.bill_reference, found.payer_name, found.payer_key, found.shortcode):
            assert "\x00" not in text.encode().decode()
        assert found.paid_at.tzinfo is not None


@given(st.integers(1, AMOUNT_CENTS_MAX))
def test_every_amount_of_whole_cents_is_read_exactly(cents: int) -> None:
    assert find_amount_cents(f"{cents // 100}.{cents % 100:02d}") == cents


@given(st.datetimes(min_value=datetime(2007, 3, 6), max_value=datetime(2026, 8, 17)))  # noqa: DTZ001 - hypothesis wants naive
def test_every_nairobi_time_is_read_as_utc(local: datetime) -> None:
    found = find_paid_at(local.strftime("%Y%m%d%H%M%S"), NOW)
    assert found == local.replace(microsecond=0, tzinfo=UTC) - timedelta(hours=3)


@pytest.mark.parametrize("said", ["0812345678", "25471234567", "2547 ***** 126", "25470****149", "", None, "x" * 64])
def test_what_is_no_mobile_number_names_nobody(said: object) -> None:
    assert find_phone(said) is None


def test_a_foreign_shortcode_is_doubtful() -> None:
    raw = json.dumps(_body()).encode()
    assert find_doubt(raw, "600638", None, ()) is None
    assert "600638" in str(find_doubt(raw, "600999", None, ()))
    assert find_doubt(json.dumps(_body(BusinessShortCode=600638)).encode(), "600638", None, ()) is None


def test_a_source_off_the_list_is_doubtful() -> None:
    raw, sources = json.dumps(_body()).encode(), parse_sources(PUBLISHED_SOURCES)
    assert find_doubt(raw, "600638", "196.201.214.200", sources) is None
    for source in ("203.0.113.7", "::1", None, "not an address"):
        assert find_doubt(raw, "600638", source, sources) is not None


def test_a_validation_is_refused_for_its_shape_by_the_codes_of_the_rail() -> None:
    assert find_objection(json.dumps(_body()).encode(), "600638") is None
    assert find_objection(json.dumps(_body(TransAmount="0")).encode(), "600638") == WRONG_AMOUNT
    assert find_objection(json.dumps(_body()).encode(), "1") == WRONG_SHORTCODE
    for answer in (VALID, WRONG_AMOUNT, WRONG_SHORTCODE, UNKNOWN_ACCOUNT):
        assert set(json.loads(answer)) == {"ResultCode", "ResultDesc"}
