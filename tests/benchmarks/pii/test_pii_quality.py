"""Made sentences: equal for equal seeds, labels where they say, values that exist; and how finds are scored."""

from __future__ import annotations

import ipaddress
import random

import pytest

from benchmarks.generated.sentences import TYPES, Label, Sentence, between, sentences
from benchmarks.generated.values import VALUES, card, cnpj, cpf, iban, luhn
from benchmarks.pii.pii_quality import Score, false_finds, missed_labels, mistakes, score
from transforms.steps.pii.brazil import is_cnpj, is_cpf
from transforms.steps.pii.entities import TYPES as KNOWN

MADE = list(sentences(1))


def test_equal_seeds_give_equal_sentences() -> None:
    assert list(sentences(1)) == MADE
    assert list(sentences(2)) != MADE


def test_enough_of_everything() -> None:
    assert len(MADE) >= 3000
    assert {row.language for row in MADE} == {"en", "pt"}
    english = sum(row.language == "en" for row in MADE)
    assert abs(english - len(MADE) / 2) < 0.02 * len(MADE)
    for language in ("en", "pt"):
        labels = [label.type for row in MADE if row.language == language for label in row.labels]
        assert set(labels) == set(TYPES) == set(KNOWN)
        assert min(map(labels.count, TYPES)) >= 100
    assert sum(not row.labels for row in MADE) >= 1000


def test_labels_lie_where_they_say() -> None:
    marks = {"EMAIL_ADDRESS": "@", "BR_PIX_KEY": "-"}
    for row in MADE:
        assert "{" not in row.text or row.kind == "identifier"  # GUIDs stand in brackets
        for label in row.labels:
            value = row.text[label.start : label.end]
            assert value == value.strip() and marks.get(label.type, "") in value
            assert (label.type == "EMAIL_ADDRESS") == ("@" in value)
            assert label.type != "BR_CPF" or is_cpf(value)
            assert label.type != "BR_CNPJ" or is_cnpj(value)
            assert label.type != "IP_ADDRESS" or ipaddress.ip_address(value).is_global


@pytest.mark.parametrize("seed", range(20))
def test_check_digits_are_right(seed: int) -> None:
    dice = random.Random(seed)
    assert is_cpf(cpf(dice)) and is_cnpj(cnpj(dice)) and is_cnpj(cnpj(dice, letters=True))
    number, account = card(dice), iban(dice)
    assert luhn(number[:-1]) == number[-1]
    assert int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1


def test_known_check_digits() -> None:
    assert luhn("411111111111111") == "1" and luhn("37828224631000") == "5"


def test_telephone_numbers_exist() -> None:
    import phonenumbers

    dice = random.Random(1)
    for language, region in (("en", "US"), ("pt", "BR")):
        for _ in range(30):
            number = VALUES["PHONE_NUMBER"](dice, language, False)
            if number.startswith("+"):
                assert phonenumbers.is_valid_number(phonenumbers.parse(number, region))


def test_labels_move_with_the_sentence() -> None:
    row = between(Sentence("to b@c.org", "en", "x", (Label(3, 10, "EMAIL_ADDRESS"),)), "Hi. ", "\nBye")
    assert row.text == "Hi. to b@c.org\nBye" and row.labels == (Label(7, 14, "EMAIL_ADDRESS"),)


@pytest.mark.parametrize(
    ("find", "counts"),
    [
        (Label(10, 20, "A"), True),
        (Label(15, 20, "A"), True),  # half of it
        (Label(16, 20, "A"), False),
        (Label(0, 40, "A"), True),
        (Label(10, 20, "B"), False),
        (Label(20, 30, "A"), False),
    ],
)
def test_a_find_counts_by_type_and_half_of_the_label(find: Label, counts: bool) -> None:
    labels = [Label(10, 20, "A")]
    assert false_finds(labels, [find]) == ([] if counts else [find])
    assert missed_labels(labels, [find]) == ([] if counts else labels)


def test_score() -> None:
    rows = [
        ([Label(0, 4, "A"), Label(5, 9, "A")], [Label(0, 4, "A"), Label(20, 24, "A")]),
        ([Label(0, 4, "B")], [Label(0, 4, "A")]),
        ([], [Label(0, 4, "A"), Label(0, 4, "B")]),
        ([Label(0, 4, "A")], [Label(0, 4, "A")]),
    ]
    found = score(rows, "A")
    assert found == Score(true=2, false=3, missed=1)
    assert (found.precision, found.recall) == (2 / 5, 2 / 3)
    assert found.f1 == pytest.approx(1 / 2)
    assert score(rows, "C") == Score() and Score().f1 == 0


def test_mistakes_are_told_in_words() -> None:
    row = Sentence("at b@c.org", "en", "x", (Label(3, 10, "EMAIL_ADDRESS"),))
    assert list(mistakes([row], [[Label(0, 2, "IP_ADDRESS")]])) == [
        "missed EMAIL_ADDRESS 'b@c.org' in 'at b@c.org'",
        "false IP_ADDRESS 'at' in 'at b@c.org'",
    ]
