"""Numbers and words beside them are found without Presidio's bookkeeping as they are with it."""

from __future__ import annotations

import random

import pytest

from transforms.steps.pii import context, words
from transforms.steps.pii.brazil import CepRecogniser, CnpjRecogniser, CpfRecogniser, PixKeyRecogniser, Recogniser
from transforms.steps.pii.phones import PhoneFinder
from transforms.steps.pii.recognisers import Recognisers

NUMBERS = (
    *("529.982.247-25", "52998224725", "529982247-25", "529.982.247-26", "111.111.111-11", "5299822472"),
    *("11.222.333/0001-81", "11222333000181", "12.ABC.345/01DE-35", "12abc34501de35", "11.222.333/0001-82"),
    *("01310-100", "01310100", "01.310-100", "00000-000", "0131-0100"),
    *("123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000", "123e4567-e89b-12d3-a456"),
)
BETWEEN = (" ", "\n", ", ", ". ", "-", "/", "(", ") ", "é", " cpf ", ":", "", "–")


@pytest.mark.parametrize("make", [CepRecogniser, CnpjRecogniser, CpfRecogniser, PixKeyRecogniser])
def test_matches_are_what_presidio_finds(make: type[Recogniser]) -> None:
    recogniser: Recogniser = make()  # pyright: ignore[reportCallIssue]  each names its own patterns
    draw, met = random.Random(1), 0
    for _ in range(400):
        text = "".join(draw.choice(NUMBERS) + draw.choice(BETWEEN) for _ in range(draw.randint(1, 12)))
        theirs = {(item.start, item.end, item.score) for item in recogniser.analyze(text, [recogniser.kind])}
        assert set(recogniser.matches(text)) == theirs, text
        met += len(theirs)
    assert met > 50


ACCOUNTS = (
    *("DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "de89 3704 0044 0532 0130 00", "DE88370400440532013000"),
    *("GB82 WEST 1234 5698 7654 32", "PT50000201231234567890154", "FR76-3000-6000-0112-3456-7890-189", "DE89370400"),
)


def test_accounts_are_what_presidio_is_sure_of() -> None:
    from presidio_analyzer.predefined_recognizers import IbanRecognizer

    ours, theirs, draw, met = Recognisers(("IBAN_CODE",), None), IbanRecognizer(), random.Random(2), 0
    for _ in range(400):
        text = "".join(draw.choice(ACCOUNTS) + draw.choice(BETWEEN) for _ in range(draw.randint(1, 6)))
        sure = [(item.start, item.end) for item in theirs.analyze(text, ["IBAN_CODE"]) if item.score == 1]
        assert list(ours._iban_ranges(text)) == sure, text
        met += len(sure)
    assert met > 50


@pytest.mark.parametrize("region", ["BR", "US", "GB", "PT", "DE"])
def test_telephones_are_valid_as_presidio_says(region: str) -> None:
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    ours, theirs, draw, met = (
        PhoneFinder(),
        PhoneRecognizer(supported_regions=(region,), leniency=1),
        random.Random(3),
        0,
    )
    forms = (
        "##########",
        "(##) 9####-####",
        "+55 11 9####-####",
        "+1 212 ### ####",
        "0## #### ####",
        "9## ### ###",
        "0## ######",
    )
    for _ in range(1000):
        number = "".join(draw.choice("0123456789") if char == "#" else char for char in draw.choice(forms))
        found = theirs.analyze(number, ["PHONE_NUMBER"])
        whole = any(item.end - item.start >= len(number.strip("() ")) - 1 for item in found)
        assert ours.is_valid(number, region) is whole, number
        met += whole
    assert met > 50


def test_the_word_beside_says_what_all_words_before_say() -> None:
    draw, met = random.Random(4), 0
    pieces = (
        "cpf",
        "CPF:",
        "cpf's",
        "x-cpf",
        "@cpf",
        "<cpf",
        "12cpf",
        "word",
        "a" * 130,
        " ",
        " ",
        " ",
        "\n",
        ":",
        ".",
        "\u00a0",
    )
    for _ in range(3000):
        lead = "".join(draw.choices(pieces, k=draw.randint(0, 12)))
        text = lead + "529.982.247-25 cpf or cpf"
        has_word = not words.CPF.isdisjoint(context.before(text, len(lead), 3))
        assert context.follows(text, len(lead), words.CPF) is has_word, text
        met += has_word
    assert 300 < met < 2700
