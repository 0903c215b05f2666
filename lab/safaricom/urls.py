"""What Daraja accepts as a callback address; the rule that catches people is the list of words."""

from urllib.parse import urlsplit

FORBIDDEN = ("m-pesa", "mpesa", "safaricom", "exec", "exe", "cmd", "sql", "query")


def refusal(field: str, url: str) -> str | None:
    """Return Daraja's complaint about an address, or None. Loopback is let pass: this rail lives there."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return f"Bad Request - Invalid {field}"
    for word in FORBIDDEN:
        if word in url.lower():
            return f"Bad Request - Invalid {field} - URL has the word {word.upper()}"
    return None
