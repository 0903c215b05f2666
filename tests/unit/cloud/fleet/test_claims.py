"""Claim codes survive bad handwriting and catch single mistakes."""

import random

import pytest

from cloud.fleet.claims import ClaimMistyped, code_hash, new_code, normalise

CODES = [new_code(random.Random(seed).randrange) for seed in range(200)]


@pytest.mark.parametrize("code", CODES[:5])
def test_a_code_is_grouped_for_reading_aloud(code: str) -> None:
    assert [len(part) for part in code.split("-")] == [4, 4, 3]


def test_case_spaces_and_lookalikes_do_not_matter() -> None:
    for code in CODES:
        body, check = code[:-1], code[-1]
        typed = body.lower().replace("0", "o").replace("1", "l").replace("-", " ") + check.lower()
        assert code_hash(f" {typed} ") == code_hash(code)


def test_one_wrong_letter_is_noticed() -> None:
    for code in CODES:
        wrong = ("A" if code[2] != "A" else "B").join([code[:2], code[3:]])
        with pytest.raises(ClaimMistyped):
            normalise(wrong)


@pytest.mark.parametrize("typed", ["", "ABC", "é" * 11, "0" * 64, "ABCD-EFGH-I!!"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(ClaimMistyped):
        normalise(typed)
