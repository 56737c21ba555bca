"""Brazil's recognisers find without Presidio's bookkeeping what they find with it."""

from __future__ import annotations

import random

import pytest

from transforms.steps.pii_brazil import CepRecogniser, CnpjRecogniser, CpfRecogniser, PixKeyRecogniser, Recogniser

NUMBERS = (
    *("529.982.247-25", "52998224725", "529982247-25", "529.982.247-26", "111.111.111-11", "5299822472"),
    *("11.222.333/0001-81", "11222333000181", "12.ABC.345/01DE-35", "12abc34501de35", "11.222.333/0001-82"),
    *("01310-100", "01310100", "01.310-100", "00000-000", "0131-0100"),
    *("123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000", "123e4567-e89b-12d3-a456"),
)
BETWEEN = (" ", "\n", ", ", ". ", "-", "/", "(", ") ", "é", " cpf ", ":", "", "–")


@pytest.mark.parametrize("make", [CepRecogniser, CnpjRecogniser, CpfRecogniser, PixKeyRecogniser])
def test_places_are_what_presidio_finds(make: type[Recogniser]) -> None:
    recogniser: Recogniser = make()  # pyright: ignore[reportCallIssue]  each names its own patterns
    draw, met = random.Random(1), 0
    for _ in range(400):
        text = "".join(draw.choice(NUMBERS) + draw.choice(BETWEEN) for _ in range(draw.randint(1, 12)))
        theirs = {(item.start, item.end, item.score) for item in recogniser.analyze(text, [recogniser.kind])}
        assert set(recogniser.places(text)) == theirs, text
        met += len(theirs)
    assert met > 50
