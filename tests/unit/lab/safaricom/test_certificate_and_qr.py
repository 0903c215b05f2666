"""The environment's certificate fits its own key alone; a QR is a square PNG that says what was asked for."""

import base64
import struct
import zlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.safaricom.certificate import CredentialKey
from tests.support.organisation import BALANCE, NOON_US, QR, SHORTCODE, Office

SALE = {"MerchantName": "MNARA NET", "RefNo": "ACC 1001", "Amount": 1500, "TrxCode": "PB", "CPI": SHORTCODE,
        "Size": "300"}  # fmt: skip


async def test_a_credential_made_with_the_downloaded_certificate_is_let_in(office: Office) -> None:
    pem = (await office._client.get("/lab/certificate.pem")).content
    assert pem.decode() == (await office.door("certificate"))["certificate"]
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    sealed = base64.b64encode(key.encrypt(b"Safaricom999!*!", padding.PKCS1v15())).decode()
    assert len(sealed) == 344
    assert (await office.result(BALANCE, office.balance(SecurityCredential=sealed)))["ResultCode"] == 0


async def test_the_certificate_of_the_other_environment_makes_a_wrong_password(office: Office) -> None:
    other = CredentialKey("production", NOON_US)
    assert other.certificate_pem != office.rail.initiators.key.certificate_pem
    sealed = other.encrypt("Safaricom999!*!")
    assert (await office.result(BALANCE, office.balance(SecurityCredential=sealed)))["ResultCode"] == 2001


def test_a_credential_is_different_each_time_and_decrypts_to_the_same() -> None:
    key = CredentialKey("sandbox", NOON_US)
    first, second = key.encrypt("pass#word"), key.encrypt("pass#word")
    assert first != second
    assert key.decrypt(first) == key.decrypt(second) == b"pass#word"
    assert key.decrypt("A" * 5_000) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"TrxCode": "XX"}, "TrxCode"),
        ({"TrxCode": "SM"}, "CPI"),
        ({"CPI": "254722000000"}, "CPI"),
        ({"Amount": "1.5"}, "Amount"),
        ({"RefNo": ""}, "RefNo"),
        ({"MerchantName": None}, "MerchantName"),
        ({"Size": "2001"}, "Size"),
    ],
)
async def test_a_bad_field_of_a_qr_is_named(office: Office, change: dict[str, Any], field: str) -> None:
    answer = await office.ask(QR, SALE | change)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.002.02")
    assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field}"


def pixels(png: bytes) -> list[list[bool]]:
    """The rows of a one-bit greyscale or palette PNG without interlacing; true is dark."""
    width, height, depth = struct.unpack(">IIB", png[16:25])
    assert depth == 1
    data, at = b"", 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    raw, stride = zlib.decompress(data), (width + 7) // 8 + 1
    rows: list[bytes] = [bytes(stride - 1)]
    for start in range(0, len(raw), stride):
        kind_of_row, row = raw[start], raw[start + 1 : start + stride]
        assert kind_of_row in (0, 2)  # as it is, or what is different from the row above
        rows.append(bytes((up + here) % 256 for up, here in zip(rows[-1], row, strict=True)) if kind_of_row else row)
    return [[not row[x // 8] >> (7 - x % 8) & 1 for x in range(width)] for row in rows[1 : height + 1]]


@pytest.mark.parametrize("size", [40, 300, 1_000])
async def test_a_qr_is_square_no_larger_than_asked_and_has_its_three_eyes(office: Office, size: int) -> None:
    answer = (await office.ask(QR, SALE | {"Size": str(size)})).json()
    assert (answer["ResponseCode"], answer["ResponseDescription"]) == ("00", "QR Code Successfully Generated.")
    dark = pixels(base64.b64decode(answer["QRCode"], validate=True))
    assert len(dark) == len(dark[0])
    assert len(dark) <= size or size < 100
    module = next(x for x in range(len(dark)) if dark[x][x]) // 4  # a quiet zone of four modules
    grid = [[row[x] for x in range(4 * module, len(dark) - 4 * module, module)] for row in dark[4 * module :: module]]
    count = len(grid[0])
    for x, y in ((0, 0), (count - 7, 0), (0, count - 7)):
        eye = ["".join("#" if grid[y + dy][x + dx] else "." for dx in range(7)) for dy in range(7)]
        assert eye == ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"]


async def test_a_phone_is_paid_by_its_number_and_the_code_may_be_a_conversation(office: Office) -> None:
    office.switch(qr_code="AG_")
    answer = (await office.ask(QR, SALE | {"TrxCode": "SM", "CPI": "254722000000"})).json()
    assert answer["ResponseCode"].startswith("AG_20251121_")
    assert answer["QRCode"]
