"""How many messages a text really is: 7-bit by GSM 03.38 where every sign is in its table, UCS-2 otherwise.

The tables and lengths are those of 3GPP TS 23.038 and 23.040: 160 septets in one message or 153 in each of several;
70 UTF-16 units, or 67. A sign of two septets or two units is never cut in half.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # each behind an escape: two septets

Encoding = Literal["GSM-7", "UCS-2"]
_LENGTHS: Final[dict[Encoding, tuple[int, int]]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


@dataclass(frozen=True, slots=True)
class Cut:
    """A text as it travels: how it is coded, how long it is in septets or units, and in how many segments."""

    encoding: Encoding
    units: int
    segments: int


def cut(text: str) -> Cut:
    """Count a text's segments; the empty text is one."""
    if all(sign in GSM_BASIC or sign in GSM_EXTENDED for sign in text):
        return _cut("GSM-7", [2 if sign in GSM_EXTENDED else 1 for sign in text])
    return _cut("UCS-2", [2 if ord(sign) > 0xFFFF else 1 for sign in text])


def _cut(encoding: Encoding, widths: Iterable[int]) -> Cut:
    widths = list(widths)
    alone, each = _LENGTHS[encoding]
    units = sum(widths)
    if units <= alone:
        return Cut(encoding, units, 1)
    segments, room = 1, each
    for width in widths:
        if width > room:
            segments, room = segments + 1, each
        room -= width
    return Cut(encoding, units, segments)
