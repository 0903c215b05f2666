"""Dynamic QR: a square PNG that phones can read; what is written in it is unverified."""

import base64
import io

import segno

from lab.safaricom.envelope import new_ids
from lab.safaricom.face.families import QR, Answer, Endpoint, Endpoints, Handler
from lab.safaricom.face.request import Request
from lab.safaricom.rail import Rail

SIZE_MAX_PX = 2_000
QUIET_MODULES = 4  # the quiet zone of the standard
NUMBERS = frozenset({"BG", "PB", "WA"})  # till, paybill, agent; SM and SB are phones


def endpoints(rail: Rail) -> Endpoints:
    """One endpoint."""
    return {("POST", "/mpesa/qrcode/v1/generate"): Endpoint(QR, _generating(rail))}


def _generating(rail: Rail) -> Handler:
    async def generate(request: Request) -> Answer:
        merchant, reference = request.text("MerchantName", most=100), request.text("RefNo", most=100)
        shillings, code = request.shillings(), request.one_of("TrxCode", "BG", "WA", "PB", "SM", "SB")
        party = request.digits("CPI", least=5, most=7) if code in NUMBERS else request.msisdn("CPI")
        size_px = int(request.digits("Size", most=4)) if request.body.get("Size") is not None else 300
        if not 1 <= size_px <= SIZE_MAX_PX:
            raise request.bad("Size")
        ids = new_ids(rail.chance, rail.clock.now_us(), rail.manner.organisation.results)
        png = square_png(f"{code}|{party}|{shillings}|{reference}|{merchant}", size_px)
        return 200, {
            "ResponseCode": "00" if rail.manner.organisation.qr_code == "00" else ids.conversation,
            "RequestID": ids.originator,
            "ResponseDescription": "QR Code Successfully Generated.",
            "QRCode": base64.b64encode(png).decode(),
        }

    return generate


def square_png(said: str, size_px: int) -> bytes:
    """A QR code as PNG: the largest whole number of pixels per module that fits, at least one."""
    code = segno.make_qr(said, error="m")
    modules = code.symbol_size(scale=1, border=QUIET_MODULES)[0]
    out = io.BytesIO()
    code.save(out, kind="png", scale=max(1, int(size_px // modules)), border=QUIET_MODULES)
    return out.getvalue()
