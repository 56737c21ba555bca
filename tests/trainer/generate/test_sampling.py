"""Drawing by temperature, top-k, top-p and seed; text as it streams; what a terminal must not see."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from schemas.faults import BadInput
from trainer.generate.sampling import Sampling, distribution, draw, generate
from trainer.generate.text import Text, harmless

LOGITS = np.log(np.array([0.1, 0.4, 0.2, 0.3], np.float32))
STOPS = frozenset({99})


class Counting:
    """A model that is sure of the token after the last one, and remembers what it read."""

    def __init__(self, context: int = 8) -> None:
        self.context, self.held, self.most = context, 0, 0
        self.reads: list[list[int]] = []

    def reset(self) -> None:
        self.held = 0

    def read(self, tokens: list[int]) -> np.ndarray:
        self.held += len(tokens)
        self.most = max(self.most, self.held)
        self.reads.append(tokens)
        return self.logits(tokens)[-1]

    def logits(self, tokens: list[int]) -> np.ndarray:
        return 50 * np.eye(100, dtype=np.float32)[np.array(tokens) + 1]


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(temperature=1, top_k=0, top_p=1), [0.1, 0.4, 0.2, 0.3]),
        (Sampling(temperature=0), [0, 1, 0, 0]),
        (Sampling(temperature=1, top_k=2, top_p=1), [0, 4 / 7, 0, 3 / 7]),
        (Sampling(temperature=1, top_k=0, top_p=0.69), [0, 4 / 7, 0, 3 / 7]),
        (Sampling(temperature=1, top_k=0, top_p=0.71), [0, 4 / 9, 2 / 9, 3 / 9]),
        (Sampling(temperature=1, top_k=0, top_p=0.01), [0, 1, 0, 0]),
        (Sampling(temperature=0.5, top_k=0, top_p=1), [1 / 30, 16 / 30, 4 / 30, 9 / 30]),
    ],
)
def test_distributions(sampling: Sampling, expected: list[float]) -> None:
    assert distribution(LOGITS, sampling) == pytest.approx(expected, abs=1e-6)


def test_draws_follow_the_distribution_and_the_seed() -> None:
    sampling = Sampling(temperature=1, top_k=0, top_p=1)
    generators = [np.random.Generator(np.random.PCG64(seed)) for seed in (5, 5, 6)]
    one, same, other = ([draw(LOGITS, sampling, generator) for _ in range(4000)] for generator in generators)
    assert one == same != other
    assert np.bincount(one) / 4000 == pytest.approx([0.1, 0.4, 0.2, 0.3], abs=0.03)


@pytest.mark.parametrize(
    "wrong",
    [{"tokens": 0}, {"temperature": -1}, {"temperature": math.nan}, {"top_k": -1}, {"top_p": 0}, {"top_p": 1.1}],
)
def test_settings_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        Sampling(**wrong)  # pyright: ignore[reportArgumentType]


def test_a_text_goes_on_when_the_context_is_full() -> None:
    model = Counting(context=8)
    found = list(generate(model, [1, 2, 3], Sampling(20, temperature=0), STOPS))
    assert found == list(range(4, 24))
    assert model.most <= 8
    assert len(model.reads) == 21  # each token is read once, some again with others


def test_a_long_prompt_keeps_its_end() -> None:
    model = Counting(context=4)
    assert list(generate(model, [1, 2, 3, 4, 5, 6], Sampling(2, temperature=0), STOPS)) == [7, 8]
    assert model.reads[0] == [3, 4, 5, 6]


def test_a_text_ends_where_a_document_does() -> None:
    assert list(generate(Counting(), [95], Sampling(20, temperature=0), STOPS)) == [96, 97, 98]
    with pytest.raises(BadInput):
        list(generate(Counting(), [], Sampling(1), STOPS))


@pytest.fixture
def text(shards: Path) -> Text:
    return Text(shards / "tokenizer")


def test_streams_are_whole_characters_and_the_same_text(text: Text) -> None:
    for whole in ("Olá, 🌍! A bateia é", "", "é" * 40, "\ufffd"):
        tokens = text.encode(whole)
        pieces = list(text.stream(tokens))
        assert "".join(pieces) == whole == text.decode(tokens)
    broken = [*text.encode("ab"), *text.encode("é")[:1], *text.encode("c")]
    assert "".join(text.stream(broken)) == text.decode(broken)


def test_special_tokens_are_not_read_from_a_prompt(text: Text) -> None:
    assert min(text.encode("<s></s><pad>")) > 3
    assert text.decode(text.encode("<s>")) == "<s>"
    with pytest.raises(BadInput, match="UTF-8"):
        text.encode("\udcff")


def test_nothing_steers_a_terminal() -> None:
    assert harmless("a\x1b[31mb\n\tc\u202e\x9b") == "a<U+001B>[31mb\n\tc<U+202E><U+009B>"


def test_a_missing_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"tokenizer\.json can't be read"):
        Text(tmp_path)
