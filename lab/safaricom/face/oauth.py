"""OAuth: key and secret for a bearer that lasts an hour, and the odd refusals of that door."""

import base64
import binascii
import secrets

from lab.safaricom.face.errors import Refusal
from lab.safaricom.face.families import Answer
from lab.safaricom.organisations import App
from lab.safaricom.rail import Rail

PATH = "/oauth/v1/generate"
TOKENS_MAX = 1_000


def generate(rail: Rail, authorization: str, grant_type: str) -> Answer:
    """Give a token, or refuse. A wrong key or secret, or a key of the other environment: 400 and an empty body."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic" or not credentials:
        raise Refusal(400, "400.008.01", "Invalid Authentication passed")
    if grant_type != "client_credentials":
        raise Refusal(400, "400.008.02", "Invalid grant type passed")
    app = _app(rail, credentials.strip())
    if app is None:
        return 400, None
    manner, now_us = rail.manner, rail.clock.monotonic_us()
    if manner.one_token:
        app.tokens.clear()  # the portal: each new request puts the previous token out
    while len(app.tokens) >= TOKENS_MAX:
        app.tokens.pop(next(iter(app.tokens)))
    token = secrets.token_hex(14)
    app.tokens[token] = now_us + int(manner.token_life_s * 1_000_000)
    answer: dict[str, str | int] = {"access_token": token}
    if manner.expires_in != "missing":
        life_s = int(manner.token_life_s)
        answer["expires_in"] = str(life_s) if manner.expires_in == "string" else life_s
    return 200, answer


def app_of(rail: Rail, token: str) -> App | None:
    """Whose live bearer it is; None for nobody's."""
    now_us = rail.clock.monotonic_us()
    return next((app for app in rail.directory.apps.values() if app.tokens.get(token, -1) > now_us), None)


def _app(rail: Rail, credentials: str) -> App | None:
    try:
        key, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    app = rail.directory.apps.get(key)
    if app is None or app.environment != rail.directory.environment:
        return None
    return app if secrets.compare_digest(app.secret.encode(), secret.encode()) else None
