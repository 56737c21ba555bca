"""Drawing by temperature, top-k, top-p and seed; text as it streams; what a terminal must not see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.faults import BadInput
from trainer.generate.sampling import Sampling, distribution, draw, generate, generate_many, nats_of
from trainer.generate.text import Text, harmless

LOGITS = np.log(np.array([0.1, 0.4, 0.2, 0.3], np.float32))
STOPS = frozenset({99})


class Counting:
    """A model that is sure of the token after the last one, and remembers what it read."""

    def __init__(self, context: int = 8) -> None:
        self.context, self.most = context, 0
        self.held: list[int] = []
        self.reads: list[list[list[int]]] = []

    def begin(self, prompts: Sequence[Sequence[int]], room: int = 0) -> np.ndarray:
        self.held = [0] * len(prompts)
        return self.read([list(prompt) for prompt in prompts])

    def append(self, tokens: Sequence[int]) -> np.ndarray:
        return self.read([[token] for token in tokens])

    def read(self, texts: list[list[int]]) -> np.ndarray:
        self.held = [held + len(text) for held, text in zip(self.held, texts, strict=True)]
        self.most = max(self.most, *self.held)
        self.reads.append(texts)
        return np.stack([self.logits(text)[-1] for text in texts])

    def score(self, texts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        raise NotImplementedError

    def logits(self, tokens: list[int]) -> np.ndarray:
        return 50 * np.eye(100, dtype=np.float32)[(np.array(tokens) + 1) % 100]


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
    rows = np.tile(LOGITS, (4000, 1))
    one, same, other = (draw(rows, sampling, generator.random(4000)).tolist() for generator in generators)
    assert one == same != other
    assert np.bincount(one) / 4000 == pytest.approx([0.1, 0.4, 0.2, 0.3], abs=0.03)


@pytest.mark.parametrize("top_p", [1.0, 0.7])
@pytest.mark.parametrize("top_k", [0, 1, 7, 90])
def test_draws_are_by_the_definition(top_k: int, top_p: float) -> None:
    """A token's is the first share to exceed the number, in the tokens' order; equal logits are taken by that too."""
    generator = np.random.Generator(np.random.PCG64(2))
    sampling = Sampling(temperature=0.8, top_k=top_k, top_p=top_p)
    for decimals in (5, 0):  # without decimals many are equal
        logits_BxV = generator.normal(0, 3, (40, 60)).round(decimals).astype(np.float32)
        numbers_B = np.array([0.0, 1 - 2**-53, *generator.random(38)])
        drawn = draw(logits_BxV, sampling, numbers_B).tolist()
        for logits_V, number, found in zip(logits_BxV, numbers_B, drawn, strict=True):
            order = sorted(range(60), key=lambda token: (-logits_V[token], token))[: top_k or 60]
            powers = np.exp(logits_V[order].astype(np.float64) / 0.8)
            share = powers / powers.sum()
            share[share.cumsum() - share >= top_p - 1e-12] = 0
            expected_V = np.zeros(60)
            expected_V[order] = share / share.sum()
            np.testing.assert_allclose(distribution(logits_V, sampling), expected_V, atol=1e-12)
            cumulated_V = expected_V.cumsum()
            assert expected_V[found] > 0
            assert cumulated_V[found] - expected_V[found] - 1e-12 <= number <= cumulated_V[found] + 1e-12


def test_what_a_token_costs_is_its_probability() -> None:
    logits_BxV = np.random.default_rng(3).normal(0, 5, (20, 300)).astype(np.float32)
    wide_BxV = logits_BxV.astype(np.float64)
    tokens = np.random.default_rng(4).integers(0, 300, 20)
    expected_B = np.log(np.exp(wide_BxV).sum(-1)) - wide_BxV[np.arange(20), tokens]
    np.testing.assert_allclose(nats_of(logits_BxV, tokens.tolist()), expected_B, atol=2e-6)


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
    assert len(model.reads) == 20  # each token is read once, some again with others


def test_a_long_prompt_keeps_its_end() -> None:
    model = Counting(context=4)
    assert list(generate(model, [1, 2, 3, 4, 5, 6], Sampling(2, temperature=0), STOPS)) == [7, 8]
    assert model.reads[0] == [[3, 4, 5, 6]]


def test_a_text_ends_where_a_document_does() -> None:
    assert list(generate(Counting(), [95], Sampling(20, temperature=0), STOPS)) == [96, 97, 98]
    with pytest.raises(BadInput):
        list(generate(Counting(), [], Sampling(1), STOPS))


def test_logits_that_are_not_finite_are_the_weights() -> None:
    with pytest.raises(BadInput, match="not finite"):
        distribution(np.array([0.0, np.nan], np.float32), Sampling())


def test_many_texts_are_the_single_ones() -> None:
    """Of any lengths, beyond the context too, whichever lie beside them; what is kept stays in front."""
    prompts, sampling = [[1, 2, 3], [95], [40, 41, 42, 43, 44, 45, 46, 47, 48, 49]], Sampling(20, temperature=0)
    alone = [list(generate(Counting(), prompt, sampling, STOPS)) for prompt in prompts]
    model = Counting()
    together = generate_many(model, prompts, sampling, STOPS, [1, 2, 3])
    assert [[token for token in text.tokens if token not in STOPS] for text in together] == alone
    assert [text.ended for text in together] == [False, True, False] and together[1].tokens[-1] == 99
    assert all(all(text.sampled) and len(text.nats) == len(text.tokens) for text in together)
    model = Counting()
    generate_many(model, [[1, 60, 3]], sampling, STOPS, [1], keep=2)
    again = [texts[0] for texts in model.reads[1:] if len(texts[0]) > 1]
    assert again and all(read[:2] == [1, 60] and len(read) == 6 for read in again)


def test_what_is_forced_is_read_and_not_drawn() -> None:
    """As a tool's result, behind a stop that then ends nothing."""

    def force(row: int, tokens: list[int]) -> list[int]:
        return [50, 51] if tokens[-1] == 99 and row == 0 else []

    first, second = generate_many(Counting(20), [[97], [97]], Sampling(6, temperature=0), STOPS, [1, 2], force)
    assert first.tokens == [98, 99, 50, 51, 52, 53] and not first.ended
    assert first.sampled == [True, True, False, False, True, True] and first.nats[2] == 0
    assert second.tokens == [98, 99] and second.ended


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


@pytest.fixture
def words(tmp_path: Path) -> Text:
    """A tokenizer as SentencePiece's: words with their space, single bytes, and special tokens without a text."""
    from tokenizers import Tokenizer, decoders, models

    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁the", "▁gold", "é", "x", "▁▁"]
    model = models.BPE(vocab={name: at for at, name in enumerate(names)}, merges=[], byte_fallback=True)
    made: Any = Tokenizer(model)
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    made.decoder = decoders.Sequence(parts)
    made.add_special_tokens(names[:3])
    made.save(str(tmp_path / "tokenizer.json"))
    return Text(tmp_path)


def test_a_stream_is_the_text_of_any_tokens(text: Text, words: Text) -> None:
    generator = np.random.Generator(np.random.PCG64(3))
    for one in (text, words):
        for _ in range(300):
            kinds = generator.integers(0, one.vocabulary, 12)  # few, so that words are among the bytes
            tokens = generator.choice([*kinds, one.vocabulary - 4, one.vocabulary - 5, 1], 30).tolist()
            assert "".join(one.stream(tokens)) == one.decode(tokens)


def test_a_long_stream_decodes_each_token_a_few_times(words: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [words.vocabulary - 5, words.vocabulary - 4, 1] * 300
    decoded, decode = [], words.decode
    monkeypatch.setattr(words, "decode", lambda some: decoded.append(len(some)) or decode(some))
    assert "".join(words.stream(tokens)) == "the gold" + " the gold" * 299
    assert sum(decoded) <= 5 * len(tokens)


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
