"""Tasks in the context: what they are made of, and what models that are known do with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from schemas.faults import BadInput
from support.decoders import LogitsAlone
from trainer.probes.fewshot import FewShotCurves, FewShotPoint, FewShotSettings, measure, measure_tasks
from trainer.probes.fewshot_tasks import ABOUT, PAIRS, Item, Material, known_pairs

VOCABULARY, BOS, FIRST = 260, 1, 4  # a token is a byte, after four special ones
BYTES = np.array([0] * FIRST + [1] * 256)
WORDS = ("gold", "sand", "river", "stone", "pan", "miner", "water", "rain", "bank", "gravel")
PAIRS_GIVEN = (("gold", "ouro"), ("sand", "areia"), ("river", "rio"), ("stone", "pedra"), ("rain", "chuva"))


def encode(text: str) -> list[int]:
    return [byte + FIRST for byte in text.encode()]


def material(**options: Any) -> Material:
    given = {"shots": 2, "items": 8, "candidates": 4, "seed": 1, "context": 200, "words": WORDS, "pairs": PAIRS_GIVEN}
    return Material(encode=encode, tokens=np.arange(50, 200), **{**given, **options})


class Fake(LogitsAlone):
    """A model that is sure of one token after each position, or of none."""

    context = 200

    def logits(self, tokens: list[int]) -> np.ndarray:
        found = np.zeros((len(tokens), VOCABULARY), np.float32)
        for at in range(len(tokens)):
            if (sure := self.next(tokens[: at + 1])) is not None:
                found[at, sure] = 60
        return found

    def next(self, tokens: list[int]) -> int | None: ...


class Copier(Fake):
    """Copies the word of a line, once it has seen a line in which that is done."""

    def next(self, tokens: list[int]) -> int | None:
        *before, line = bytes(token - FIRST for token in tokens[1:]).decode("latin-1").split("\n")
        left, arrow, right = line.partition(" =>")
        answer = f" {left}"
        if not before or not arrow or not answer.startswith(right) or right == answer:
            return None
        return answer.encode()[len(right)] + FIRST


class Inductor(Fake):
    """Goes on as it went on after the longest stretch that it has seen before: an induction head."""

    def next(self, tokens: list[int]) -> int | None:
        for length in range(len(tokens) // 2, 0, -1):
            for start in range(len(tokens) - length - 1, 0, -1):
                if tokens[start : start + length] == tokens[-length:]:
                    return tokens[start + length]
        return None


class Parrot(Fake):
    """Always says the same."""

    def next(self, tokens: list[int]) -> int | None:
        return 9


def points(fake: Fake, name: str, asked: Sequence[int] = (0, 1, 2), **options: Any) -> list[FewShotPoint]:
    items = material(**options).tasks()[name]
    return list(measure(fake, BOS, items, asked, BYTES))


def test_curves_have_the_points_of_each_task() -> None:
    settings = FewShotSettings((2, 0, 2), items=8)
    tasks = measure_tasks(Parrot(), BOS, material(pairs=PAIRS_GIVEN[:3]), settings.shots, BYTES)
    curves = FewShotCurves("run", 7, "shards", settings, tasks)
    assert curves.left_out == ["translate"] and curves.chance == 0.25
    assert [point.shots for point in tasks["cycle"].points] == [0, 2]
    assert list(tasks["copy"].points) == points(Parrot(), "copy", (0, 2))
    told = curves.to_json()
    assert json.loads(json.dumps(told)) == told
    asked = ["run", "step", "shards", "shots", "items", "candidates", "seed"]
    assert list(told) == [*asked, "chance", "tasks", "left_out"] and told["shots"] == [0, 2]
    assert list(told["tasks"]["cycle"]) == ["about", "items", "points"]
    means = ["bits_per_byte", "accuracy", "exact"]
    assert list(told["tasks"]["cycle"]["points"][0]) == ["shots", *means, *(f"{name}_se" for name in means)]


def test_a_copier_copies_as_soon_as_it_is_shown() -> None:
    none, one, two = points(Copier(), "copy")
    assert none.bits_per_byte == pytest.approx(np.log2(VOCABULARY))
    assert none.accuracy == pytest.approx(0.25) and none.exact == 0  # all candidates are equal
    for point in (one, two):
        assert point.accuracy == point.exact == 1
        assert point.accuracy_se == 0 and point.bits_per_byte < 1e-6


def test_an_induction_head_repeats_what_it_has_read() -> None:
    none, one, two = points(Inductor(), "repeat")
    assert none.exact == 0 and none.bits_per_byte > 8
    # Its first token follows nothing in particular when it has been read once, and the sequence's end when twice.
    assert one.accuracy == two.exact == 1 and two.bits_per_byte < 1e-6
    for name in ("alternate", "cycle"):
        *_, last = points(Inductor(), name)
        assert last.accuracy == last.exact == 1, name


def test_means_and_errors_are_over_the_items() -> None:
    items = [Item((), (), (answer,), ((9,) if answer != 9 else (8,),)) for answer in (9, 9, 9, 8)]
    (found,) = measure(Parrot(), BOS, items, (0,), BYTES)
    assert found.accuracy == found.exact == 0.75
    assert found.accuracy_se == pytest.approx(np.std([1, 1, 1, 0], ddof=1) / 2)


def test_tasks_are_the_seeds() -> None:
    assert material().tasks() == material().tasks()
    for name, items in material().tasks().items():
        assert items != material(seed=2).tasks()[name], name
    assert set(material().tasks()) == set(ABOUT)


@pytest.mark.parametrize("name", ["copy", "translate"])
def test_what_is_asked_is_not_shown(name: str) -> None:
    for item in material().tasks()[name]:
        shown = bytes(token - FIRST for shot in item.shots for token in shot).decode().splitlines()
        asked = bytes(token - FIRST for token in item.query).decode()
        assert len(set(shown)) == 2 and not any(line.startswith(asked) for line in shown)
        assert item.answer not in item.wrong and len(set(item.wrong)) == 3


def test_a_cycles_wrong_answers_are_its_other_words() -> None:
    for item in material().tasks()["cycle"]:
        assert item.query == tuple(token for wrong in item.wrong for token in wrong)
        assert item.prompt(1) == (*item.query, *item.answer, *item.query)


def test_shots_that_do_not_fit_are_left_out() -> None:
    class Short(Copier):
        context = 34

    assert [point.shots for point in points(Short(), "copy", (0, 1, 2, 8), shots=8)] == [0, 1]


def test_too_little_material_makes_no_task() -> None:
    assert "translate" not in material(pairs=PAIRS_GIVEN[:3]).tasks()
    assert "copy" not in material(words=WORDS[:3]).tasks()
    assert "repeat" not in material(context=8, shots=2).tasks()


def test_pairs_are_of_words_that_the_corpus_has() -> None:
    lines = [line.split("\t") for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    assert len(lines) >= 60 and all(len(line) == 2 for line in lines)
    for column in zip(*lines, strict=True):
        assert len(set(column)) == len(lines)
    assert known_pairs({"water", "água", "fire", "ouro"}) == [("water", "água")]


@pytest.mark.parametrize("wrong", [([-1], 8, 4, 1), ([0], 1, 4, 1), ([0], 8, 1, 1), ([0], 3, 4, 1), ([0], 8, 4, -1)])
def test_counts_that_make_no_task(wrong: Any) -> None:
    with pytest.raises(BadInput):
        FewShotSettings(*wrong)
