"""How two sides' clusters are compared."""

from __future__ import annotations

import random
from itertools import islice, product

import pytest

from benchmarks.dedup.dedup_vs_datatrove import adjusted_rand, families, labels, split_similarities


def test_equal_partitions_agree_whatever_their_names() -> None:
    assert adjusted_rand([0, 0, 1, 1, 2], [5, 5, 3, 3, 9]) == 1
    assert adjusted_rand([0, 0, 1, 1], [0, 1, 0, 1]) < 0
    # Hubert and Arabie's index of (ab)(cd)(e) and (ab)(cde): one pair less, (2 - .8) / (3 - .8)
    assert adjusted_rand([0, 0, 1, 1, 2], [0, 0, 1, 1, 1]) == pytest.approx((2 - 0.8) / (3 - 0.8))


def test_a_document_without_duplicates_is_a_cluster_of_its_own() -> None:
    assert labels(["a", "b", "c", "d"], {"a": "x", "c": "x"}) == [0, 1, 0, 2]


def test_a_split_is_as_large_as_the_similarity_across_it() -> None:
    text = " ".join("".join(letters) for letters in islice(product("bcfgk", repeat=3), 100))
    documents = {"a": text, "b": text, "c": text + " and more words at its end", "d": "something else"}
    assert split_similarities(documents, {"a": "x", "b": "x"}, {"a": "y", "b": "y"}) == []
    [similarity] = split_similarities(documents, {"a": "x", "b": "x", "c": "x"}, {"a": "y", "b": "y"})
    assert similarity == pytest.approx(96 / 102)


def test_families_have_as_many_documents_as_asked_for() -> None:
    sources = ["gold in the gravel " * 30, "sand in the pan " * 30]
    made = list(families(sources, 40, random.Random(1)))
    assert len(made) == 80 and 20 < len(set(made)) < 80
