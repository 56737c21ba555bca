"""Cloze questions: made of held-out pages, chosen by bits per byte, which a model that knows the page gets right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from schemas.shards.layout import read_shards
from support.decoders import LogitsAlone
from support.shards import byte_tokenizer
from trainer.generate.text import Text
from trainer.probes.cloze import CHOICES, LEAST_BEFORE, Cloze, choose, cloze_questions

QUESTION = Cloze(None, "The river carries", "The river carries gold.", ("sand", "gold", "internationally", "rain"), 1)


class Fond(LogitsAlone):
    """`Decoder` that holds all tokens equally likely, but for some, and reads no more than its context."""

    context = 80

    def __init__(self, likes: Sequence[int]) -> None:
        self._likes = list(likes)

    def score(self, texts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        assert all(len(text) <= self.context + 1 for text in texts)
        return [
            (np.where(np.isin(text[1:], self._likes), 1.0, 3.0).astype(np.float32), np.zeros(len(text) - 1, bool))
            for text in texts
        ]


PAGES = [
    f"Um dia {at}. The {what} washed much gravel here before {who}. It rained."
    for at, (what, who) in enumerate(
        [("miner", "breakfast"), ("child", "school"), ("wind", "sunset"), ("man", "dinner"), ("bird", "winter")] * 4
    )
]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Text:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "tokenizer.json").write_text(byte_tokenizer())
    return Text(folder)


def test_questions_are_of_held_out_pages(write_shards: Callable[..., Path], text: Text, tmp_path: Path) -> None:
    info = read_shards(str(write_shards(tmp_path / "s", ["The river carries much gold and much gravel."], PAGES)))
    questions = cloze_questions(info, text, 20)
    assert len(questions) == 20 and questions == cloze_questions(info, text, 20)
    for one in questions:
        word = one.words[one.right]
        assert len(set(one.words)) == CHOICES and len(one.sentence.split()) > LEAST_BEFORE
        assert set(one.words) <= {"breakfast", "school", "sunset", "dinner", "winter"}  # "here" ends no sentence
        assert one.sentence.endswith(f"before {word}.") and one.before.endswith("here before")
    assert {one.right for one in questions} == set(range(CHOICES))
    assert cloze_questions(info, text, 3) == []


def test_the_likeliest_word_is_chosen_whatever_its_length(text: Text) -> None:
    for at, word in enumerate(QUESTION.words):
        [found] = choose(Fond(text.encode(f" {word}.")), text, 1, [QUESTION])
        assert found.word == word and found.right == (at == QUESTION.right)
        assert found.bits[at] == pytest.approx(len(text.encode(f" {word}.")) / np.log(2) / (len(word) + 2))


def test_of_a_long_page_the_end_is_read(text: Text) -> None:
    long = Cloze(None, "The river carries sand and stones. " * 20 + "It carries", "", QUESTION.words, 1)
    [found] = choose(Fond(text.encode(" gold.")), text, 1, [long])
    assert found.right
