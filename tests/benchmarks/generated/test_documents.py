"""Made-up documents: equal for equal seeds, as alike as they are meant to be, read like those of `bateia curate`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.generated.documents import (
    InventedText,
    all_words,
    distinct_texts,
    near_copy,
    replace_words,
    varied,
    write_documents,
)
from benchmarks.inputs import documents, texts
from schemas.manifest import read_manifest


@pytest.mark.slow
def test_equal_seeds_give_equal_texts() -> None:
    made = list(distinct_texts(20, seed=1))
    assert made == list(distinct_texts(20, seed=1)) and len(set(made)) == 20
    assert not set(made) & set(distinct_texts(20, seed=2))


@pytest.mark.slow
@pytest.mark.parametrize("similarity", [0.1, 0.5, 0.95])
def test_near_copies_have_about_their_similarity(similarity: float) -> None:
    invented = InventedText(1)
    words = invented.words(2000)
    grams = [
        {tuple(copy[start : start + 5].tolist()) for start in range(len(copy) - 4)}
        for copy in (words, near_copy(invented, words, similarity))
    ]
    assert len(grams[0] & grams[1]) / len(grams[0] | grams[1]) == pytest.approx(similarity, abs=0.01)


def test_replaced_words_are_words_of_the_same_texts() -> None:
    source = ["gold in the gravel " * 50, "sand"]
    words = all_words(source)
    assert replace_words(source[0], 0, words, random.Random(1)) == source[0]
    changed = replace_words(source[0], 0.3, words, random.Random(1)).split()
    different = sum(one != other for one, other in zip(changed, source[0].split(), strict=True))
    assert set(changed) <= set(words) and 20 < different < 70
    assert len(list(varied(source, 3))) == 6


def test_documents_are_read_as_those_of_a_run(tmp_path: Path) -> None:
    assert write_documents(tmp_path, ["one", "two", "three"]) == 3
    manifest = read_manifest(str(tmp_path))
    assert manifest is not None and manifest.counts["kept"] == 3
    assert texts(tmp_path) == texts(tmp_path, "en") == ["one", "two", "three"]
    assert documents(tmp_path)[0] == ("one", "en") and texts(tmp_path, "pt") == []
