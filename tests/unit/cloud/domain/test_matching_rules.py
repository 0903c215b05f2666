"""Account numbers, phones and whose a payment is."""

from uuid import UUID

import pytest

from cloud.domain import account_number, phone
from cloud.domain.guessing import near_phones
from cloud.domain.matching import Found, Method, choose, clues

ONE, TWO, SUB = UUID(int=1), UUID(int=2), UUID(int=3)


def test_account_numbers_are_short_and_begin_with_no_zero() -> None:
    numbers = [account_number.make(n) for n in range(1, 2_000)]
    assert {len(number) for number in numbers} == {6}
    assert all(number[0] != "0" and account_number.is_proved(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("form", ["{}", " {} ", "ACC-{}", "acc {}", "A/C {}", "Account No {}", "{}.", "#{}"])
def test_what_people_add_to_an_account_number_is_dropped(form: str) -> None:
    number = account_number.make(77)
    assert number in account_number.candidates(form.format(number))


def test_letters_that_look_like_digits_are_read_as_digits_when_the_check_digit_proves_it() -> None:
    number = next(n for n in map(account_number.make, range(1, 500)) if "0" in n[1:] and "1" in n[1:])
    typed = number[0] + number[1:].replace("0", "o").replace("1", "I")
    assert number in account_number.candidates(typed)
    wrong = typed[:-1] + str((int(number[-1]) + 1) % 10) if number[-1] in "23456789" else "1OOOO1"
    assert [one for one in account_number.candidates(wrong) if one.isdecimal()] == []


@pytest.mark.parametrize("typed", ["", "   ", "JOHN", "0712345678", "٣٤٥٦٧٨", "'; drop table--", "1" * 500])
def test_what_is_no_account_number_proves_none(typed: str) -> None:
    assert not any(account_number.is_proved(one) for one in account_number.candidates(typed)[1:])


def test_a_slip_leads_near_the_number_that_was_meant() -> None:
    number = account_number.make(4_321)
    slips = [number[:2] + number[3:], number[:3] + "9" + number[3:], number[1] + number[0] + number[2:]]
    assert all(number in account_number.near(slip) for slip in slips)
    assert account_number.near("JOHN") == frozenset()


@pytest.mark.parametrize(
    "typed", ["0712345678", "712345678", "+254712345678", "254 712 345 678", "(0712)345-678", "0712.345.678"]
)
def test_a_phone_has_one_form(typed: str) -> None:
    assert phone.find_phone(typed) == "254712345678"


@pytest.mark.parametrize("typed", ["", "0812345678", "07123456789", "2547 ***** 126", "٠٧١٢٣٤٥٦٧٨", "phone"])
def test_what_is_no_mobile_number_is_none(typed: str) -> None:
    assert phone.find_phone(typed) is None


def test_a_hash_is_that_of_the_full_number() -> None:
    assert phone.is_hash(phone.hash_of("254712345678"))
    assert phone.masked("254712345678") == "25471****678"


def test_one_wrong_digit_of_a_phone_is_guessed() -> None:
    assert "254712345678" in near_phones("0712345679")
    assert near_phones("1234") == frozenset()


def test_clues_never_hold_the_payers_name() -> None:
    found = clues("JOHN KAMAU", "")
    assert {clue.method for clue in found} == {Method.ACCOUNT_NUMBER, Method.USERNAME}


def test_a_masked_payer_is_no_clue() -> None:
    assert clues("", "") == ()


def test_a_payer_is_remembered_by_one_key_in_clear_or_hashed() -> None:
    def remembered(key: str) -> set[str]:
        return {clue.value for clue in clues("", key) if clue.method is Method.REMEMBERED_PAYER}

    assert remembered("0712345678") == remembered(phone.hash_of("254712345678"))


def test_the_account_number_is_trusted_more_than_the_payers_phone() -> None:
    found = [Found(Method.PAYER_PHONE, TWO), Found(Method.ACCOUNT_NUMBER, ONE)]
    assert choose(found) == Found(Method.ACCOUNT_NUMBER, ONE)


def test_two_answers_are_no_answer_and_the_next_way_is_asked() -> None:
    twice = [Found(Method.USERNAME, ONE, SUB), Found(Method.USERNAME, TWO, SUB)]
    assert choose(twice) is None
    assert choose([*twice, Found(Method.REMEMBERED_PAYER, TWO)]) == Found(Method.REMEMBERED_PAYER, TWO)


def test_a_user_name_also_names_the_subscription() -> None:
    assert choose([Found(Method.USERNAME, ONE, SUB)]) == Found(Method.USERNAME, ONE, SUB)
