"""A request as the endpoints see it: fields by name, of whichever JSON type, extra ones let be."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.safaricom.face.errors import invalid

TEXT_MAX = 2_000
_WHOLE = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request to one endpoint, past the doorman: JSON object in the body, bearer good."""

    method: str
    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    bad_code: str = "400.002.02"
    """The family's code for a bad field."""
    app_key: str = ""
    """Whose bearer it was."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the answer has left."""

    def text(self, name: str, *, most: int = TEXT_MAX, least: int = 1, called: str | None = None) -> str:
        """A string or number as text. Refusal, naming the field, when missing or of a length not allowed."""
        value = self.body.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.bad(called or name)
        said = str(value)
        if not least <= len(said) <= most:
            raise self.bad(called or name)
        return said

    def optional(self, name: str, *, most: int = TEXT_MAX) -> str:
        """Like `text`, empty when missing, null or empty."""
        return self.text(name, most=most, least=0) if self.body.get(name) is not None else ""

    def digits(self, name: str, *, least: int = 1, most: int = 12) -> str:
        """Digits, sent as string or number."""
        said = self.text(name, most=most, least=least)
        if not (said.isascii() and said.isdecimal()):
            raise self.bad(name)
        return said

    def one_of(self, name: str, *choices: str) -> str:
        """One of the words, exactly as written."""
        said = self.text(name)
        if said not in choices:
            raise self.bad(name)
        return said

    def shillings(self, name: str = "Amount") -> int:
        """Whole shillings of at least one, as number or digit string; 10.0 and "10.00" count as whole."""
        value = self.body.get(name)
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e12:
            value = int(value)
        said = "" if isinstance(value, bool) or not isinstance(value, str | int) else str(value)
        whole, _, rest = said.partition(".")
        if not _WHOLE.fullmatch(whole) or rest.strip("0") or int(whole) < 1:
            raise self.bad(name)
        return int(whole)

    def msisdn(self, name: str) -> str:
        """`2547XXXXXXXX` or `2541XXXXXXXX`."""
        said = self.text(name, most=12)
        if not re.fullmatch(r"254[71][0-9]{8}", said):
            raise self.bad(name)
        return said

    def bad(self, name: str) -> Exception:
        """The refusal that names a field, with the family's code."""
        return invalid(name, code=self.bad_code)
