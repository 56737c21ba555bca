"""Texts packed into rows: each token sees what is before it in its text, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.model.scoring import LEAST_PLACES, MOST_ROWS, SCORED_LOGITS, Packed, batches, pack, score

VOCABULARY = 50


def read_back(packed: Packed, row: int, target: int) -> list[int]:
    """What is seen where a target is predicted, and the target."""
    place = packed.before_BxT[row, target]
    seen = [at for at in range(place + 1) if place < packed.until_BxT[row, at]]
    assert packed.position_BxT[row, seen].tolist() == list(range(len(seen)))
    return [*packed.token_BxT[row, seen].tolist(), int(packed.target_BxT[row, target])]


@pytest.mark.parametrize("seed", range(30))
def test_a_target_is_predicted_by_its_own_text(seed: int) -> None:
    """Texts of few kinds of tokens: many begin alike, some are others' beginnings, some are equal."""
    generator = np.random.Generator(np.random.PCG64(seed))
    kinds = int(generator.choice([2, 3, VOCABULARY]))
    lengths = generator.integers(1, int(generator.choice([4, 30, 90])), int(generator.integers(1, 60)))
    texts = [generator.integers(1, kinds, length).tolist() for length in lengths]
    rows, asked, places = pack(texts)
    whole = [Packed(*arrays) for packed in batches(rows, places, VOCABULARY) for arrays in zip(*packed, strict=True)]
    checked = 0
    for text, (row, targets) in zip(texts, asked, strict=True):
        assert len(targets) == len(text) - 1
        for end, target in enumerate(targets.tolist(), 2):
            assert read_back(Packed(*(array[None] for array in whole[row])), 0, target) == text[:end]
            checked += 1
    assert checked == sum(map(len, texts)) - len(texts)


def test_what_texts_begin_with_is_read_once() -> None:
    begun = list(range(1, 61))
    texts = [[*begun, 70 + number, 80] for number in range(8)]
    rows, _, places = pack(texts)
    assert places == 2 * LEAST_PLACES and len(rows) == 1
    assert rows[0].token == [*begun, *range(70, 78)]
    assert pack([[number, *begun] for number in range(61, 69)])[2] == LEAST_PLACES  # nothing in common: no longer rows


def test_batches_have_one_shape_and_all_rows() -> None:
    texts = [[number, *range(1, 64)] for number in range(64, 64 + 2 * MOST_ROWS + 1)]
    rows, _, places = pack(texts)
    found = list(batches(rows, places, VOCABULARY))
    assert {packed.token_BxT.shape for packed in found} == {(48, LEAST_PLACES)} and len(rows) == len(texts)
    first = [row for packed in found for row in packed.token_BxT[:, 0].tolist() if row]
    assert first == [text[0] for text in texts]
    wide = next(batches(rows, places, SCORED_LOGITS // places))
    assert len(wide.token_BxT) == 1


def test_texts_without_a_target_have_no_score() -> None:
    def compute(packed: Packed) -> tuple[np.ndarray, np.ndarray]:
        return packed.target_BxT.astype(np.float32), packed.target_BxT > 4

    found = score([[3], [3, 4, 5], [9]], VOCABULARY, compute)
    assert [nats_T.tolist() for nats_T, _ in found] == [[], [4.0, 5.0], []]
    assert [greedy_T.tolist() for _, greedy_T in found] == [[], [False, True], []]
    assert score([], VOCABULARY, compute) == [] and score([[1]], VOCABULARY, compute)[0][0].dtype == np.float32
