"""What a text costs: septets, escapes, pairs, and the lengths at which it becomes one more."""

import pytest

from lab.sms.numbers import AIRTEL, SAFARICOM, TELKOM, normal, telco_of
from lab.sms.segments import cut


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" + "€" * 152, "GSM-7", 2),  # 305 septets, and the escape falls where no pair is cut
        ("€" * 153, "GSM-7", 3),  # 306 septets would fit two, but 153 is odd: a pair does not straddle
        ("ș", "UCS-2", 1),
        ("ș" * 70, "UCS-2", 1),
        ("ș" * 71, "UCS-2", 2),
        ("ș" * 134, "UCS-2", 2),
        ("ș" * 135, "UCS-2", 3),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("😀" * 67, "UCS-2", 3),
    ],
)
def test_segments_are_counted_as_the_network_counts(text: str, encoding: str, segments: int) -> None:
    found = cut(text)
    assert (found.encoding, found.segments) == (encoding, segments)


def test_numbers_take_their_normal_form() -> None:
    for form in ("0711000001", "254711000001", "+254711000001", " 711000001 "):
        assert normal(form) == "+254711000001"
    assert normal("0711000001", plus_needed=True) is None
    assert normal("+14155550100") == "+14155550100"
    for wrong in ("", "+2547110", "+254811000001", "07110000011", "abc"):
        assert normal(wrong) is None
    assert [telco_of(number) for number in ("+254711000001", "+254733000001", "+254770000001", "+254110000001")] == [
        SAFARICOM, AIRTEL, TELKOM, SAFARICOM,
    ]  # fmt: skip
