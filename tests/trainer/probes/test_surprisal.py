"""Bits of tokens: windows over long texts, and what the terminal and the page make of them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from pipelines.analysis.surprisal import score_text
from pipelines.reports.model.surprisal import Part, SurprisalReport, TokenSurprisal, render_page
from pipelines.reports.terminal import surprisal_view
from support.decoders import LogitsAlone
from trainer.generate.generator import TextGenerator
from trainer.generate.text import Text
from trainer.probes.surprisal import surprisals, windows

VOCABULARY, BOS = 260, 1
HOSTILE = '<script>alert("x")</script> \x1b[31m \u202e </span> & 👩‍👩‍👧 end'


class Chain(LogitsAlone):
    """Knows the last token alone, so that windows can't matter."""

    context = 8

    def __init__(self) -> None:
        self.table = np.random.default_rng(3).normal(size=(VOCABULARY, VOCABULARY)).astype(np.float32)
        self.asked: list[int] = []

    def logits(self, tokens: list[int]) -> np.ndarray:
        self.asked.append(len(tokens))
        return self.table[tokens]


@pytest.mark.parametrize(("length", "context"), [(1, 8), (8, 8), (9, 8), (50, 8), (50, 7), (5, 1), (0, 8)])
def test_windows_ask_for_each_token_once_with_half_a_context(length: int, context: int) -> None:
    found = list(windows(length, context))
    assert [at for _, first, end in found for at in range(first, end)] == list(range(length))
    for start, first, end in found:
        assert 0 <= start <= first < end <= length and end - start <= context
        assert first - start + 1 >= min(first + 1, context - context // 2)


def test_bits_ranks_and_rivals_are_those_of_the_logits() -> None:
    decoder, tokens = Chain(), np.random.default_rng(5).integers(4, VOCABULARY, 30).tolist()
    found = list(surprisals(decoder, BOS, tokens))
    assert max(decoder.asked) == 8 and [one.token for one in found] == tokens
    for before, one in zip([BOS, *tokens], found, strict=False):
        powers = np.exp(decoder.table[before].astype(float))
        likely = powers / powers.sum()
        assert one.bits == pytest.approx(-math.log2(likely[one.token]))
        assert one.rank == 1 + (likely > likely[one.token]).sum()
        assert [rival for rival, _ in one.likeliest] == np.argsort(-likely)[:5].tolist()
        assert [share for _, share in one.likeliest] == pytest.approx(sorted(likely, reverse=True)[:5])


@pytest.fixture
def generator(shards: Path) -> TextGenerator:
    return TextGenerator(Chain(), Text(shards / "tokenizer"), BOS, frozenset({BOS}), 7)


@pytest.fixture
def reading(generator: TextGenerator, shards: Path) -> SurprisalReport:
    return score_text(generator, str(shards), HOSTILE)


def test_parts_are_the_text_in_whole_characters(reading: SurprisalReport) -> None:
    assert "".join(part.text for part in reading.parts) == HOSTILE
    assert "👩‍👩‍👧" in [part.text for part in reading.parts]
    assert reading.bytes == reading.tokens == len(HOSTILE.encode())
    assert reading.bits == pytest.approx(reading.bits_per_byte * reading.bytes)
    assert "at least 4 tokens" in reading.note


def test_bands_begin_where_they_say() -> None:
    def band(*bits: float) -> int:
        return Part("x", tuple(TokenSurprisal("x", one, 1, ()) for one in bits)).band

    assert [band(bits) for bits in (0, 0.99, 1, 2, 4, 8, 12, 99)] == [0, 0, 1, 2, 3, 4, 5, 5]
    assert band(0.6, 0.6) == 1


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_is_not_steered_by_the_text(reading: SurprisalReport, colour: bool) -> None:
    told = surprisal_view(reading, colour)
    ours = re.compile(r"\x1b\[(0|38;5;16|48;5;\d+)m")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", ours.sub("", told))
    assert bool(ours.search(told)) == colour
    assert f"{reading.bits_per_byte:.3f} bits per byte" in told


def test_the_page_escapes_and_tells_all(reading: SurprisalReport) -> None:
    page = render_page(replace(reading, run="<run>"), {"jax": "<1>"})
    assert "<script" not in page and "&lt;script" not in re.sub(r"<[^>]*>", "", page)  # a token is a letter here
    assert "\x1b" not in page and "\u202e" not in page and "<run>" not in page and "<1>" not in page
    assert page.count('<input type="radio"') == page.count('class="tip"') == len(reading.parts)
    assert page.count("likeliest:") == reading.tokens
    assert f"<b>{reading.bits_per_byte:.3f}</b>" in page


@pytest.mark.slow
def test_a_long_text_is_counted_whole_and_drawn_in_part(generator: TextGenerator, shards: Path) -> None:
    whole = score_text(generator, str(shards), "a" * 5100)
    page = render_page(whole, {})
    assert page.count('<input type="radio"') == 5000 and "100 tokens more are counted" in page
    assert whole.tokens == 5100
