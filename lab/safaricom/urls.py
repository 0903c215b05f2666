"""What Daraja accepts as a callback address; the rule that catches people is the list of words."""

import ipaddress
from urllib.parse import urlsplit

FORBIDDEN = ("m-pesa", "mpesa", "safaricom", "exec", "exe", "cmd", "sql", "query")
TUNNELS = ("ngrok", "requestbin", "localtunnel", "loca.lt", "webhook.site", "pipedream")


def refusal(field: str, url: str, *, secure: bool = False) -> str | None:
    """Return Daraja's complaint about a C2B address, or None. `secure`: production, so https and no tunnels."""
    if not is_reachable(url, secure=secure):
        return f"Bad Request - Invalid {field}"
    for word in FORBIDDEN:
        if word in url.lower():
            return f"Bad Request - Invalid {field} - URL has the word {word.upper()}"
    if secure and any(tunnel in url.lower() for tunnel in TUNNELS):
        return f"Bad Request - Invalid {field}"
    return None


def is_reachable(url: str, *, secure: bool = False) -> bool:
    """Whether it is a public address. Loopback is let pass, also without TLS: this rail lives there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or not host or any(letter.isspace() for letter in url):
        return False
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." in host.strip(".") and (parts.scheme == "https" or not secure)
    return address.is_loopback or (address.is_global and (parts.scheme == "https" or not secure))
