"""MinHash against a computation in whole numbers, and against the probabilities that it promises."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b

import numpy as np
import pytest

from transforms.steps.dedup import minhash as module
from transforms.steps.dedup.minhash import MinHash

BANDS, ROWS = 14, 8
PAIRS = 500
UNION = 120  # members of both sets of a pair together

BLOCK = module.BLOCK_SHINGLES


def drawn(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


def constants(seed: int, count: int) -> list[tuple[int, int]]:
    """(a, b) of each hash function, as the seed draws them."""
    numbers = [
        int.from_bytes(blake2b(f"{seed}/{at}".encode(), digest_size=8).digest(), "little") for at in range(2 * count)
    ]
    return [(a | 1, b) for a, b in zip(numbers[:count], numbers[count:], strict=True)]


@cache
def planted(shared: int) -> tuple[np.ndarray, np.ndarray]:
    """Minima of PAIRS pairs of sets whose Jaccard similarity is shared / UNION: two of shape (PAIRS, hashes)."""
    minhash = MinHash(BANDS, ROWS, seed=1)
    both = drawn(PAIRS * UNION, shared).reshape(PAIRS, UNION)
    own = (UNION - shared) // 2
    one = [minhash.minima(items[: shared + own]) for items in both]
    other = [minhash.minima(np.concatenate([items[:shared], items[shared + own :]])) for items in both]
    return np.array(one), np.array(other)


@pytest.mark.parametrize("size", [1, 2, 7, 300])
@pytest.mark.parametrize(("bands", "rows", "seed"), [(14, 8, 1), (2, 3, 99)])
def test_minima_are_the_smallest_values_of_the_hash_functions(bands: int, rows: int, seed: int, size: int) -> None:
    shingles = drawn(size, size)
    expected = [min((a * int(x) + b) % 2**64 for x in shingles) for a, b in constants(seed, bands * rows)]
    assert MinHash(bands, rows, seed).minima(shingles).tolist() == expected


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    shingles = drawn(size, size)
    shingles[-1] = shingles[0]
    blocks = MinHash(BANDS, ROWS, 1).minima(shingles)
    monkeypatch.setattr(module, "BLOCK_SHINGLES", 10_000)
    assert MinHash(BANDS, ROWS, 1).minima(shingles).tolist() == blocks.tolist()


def test_one_object_signs_many_sets() -> None:
    minhash = MinHash(BANDS, ROWS, 1)
    for size in (600, 3, 512, 1, 600):
        shingles = drawn(size, size)
        before = shingles.copy()
        assert minhash.band_hashes(shingles).tolist() == MinHash(BANDS, ROWS, 1).band_hashes(shingles).tolist()
        assert (shingles == before).all()


@pytest.mark.parametrize("size", [1, 40, 700])
def test_sets_are_compared_whatever_their_order_and_repetitions(size: int) -> None:
    shingles, minhash = drawn(size, 5), MinHash(BANDS, ROWS, 1)
    expected = minhash.band_hashes(shingles).tolist()
    assert minhash.band_hashes(np.concatenate([shingles[::-1], shingles])).tolist() == expected
    assert minhash.band_hashes(drawn(size, 6)).tolist() != expected


def test_a_band_is_all_of_its_rows_in_their_places() -> None:
    minhash = MinHash(3, 2, 1)
    shingles = drawn(50, 7)
    least = minhash.minima(shingles)
    expected = minhash.band_hashes(shingles)
    for changed in range(6):
        other = least.copy()
        other[changed] += np.uint64(1)
        minhash.minima = lambda _, other=other: other  # type: ignore[method-assign]
        assert (minhash.band_hashes(shingles) == expected).tolist() == [band != changed // 2 for band in range(3)]
    swapped = least.reshape(3, 2)[:, ::-1].ravel()
    minhash.minima = lambda _: swapped  # type: ignore[method-assign]
    assert not (minhash.band_hashes(shingles) == expected).any()


def test_bands_of_equal_minima_differ() -> None:
    minhash = MinHash(BANDS, ROWS, 1)
    minhash.minima = lambda _: np.zeros(BANDS * ROWS, np.uint64) + np.uint64(5)  # type: ignore[method-assign]
    assert len(np.unique(minhash.band_hashes(drawn(1, 1)))) == BANDS


@pytest.mark.parametrize("other", [MinHash(BANDS, ROWS, 2), MinHash(BANDS, ROWS, 11)])
def test_the_seed_draws_other_functions(other: MinHash) -> None:
    shingles = drawn(50, 8)
    assert not set(MinHash(BANDS, ROWS, 1).band_hashes(shingles)) & set(other.band_hashes(shingles))


@pytest.mark.parametrize("shared", [0, 24, 72, 90, 108, 120])
def test_equal_minima_estimate_jaccard_similarity(shared: int) -> None:
    one, other = planted(shared)
    similarity = shared / UNION
    sigma = (similarity * (1 - similarity) / one.size) ** 0.5
    assert abs((one == other).mean() - similarity) <= 3 * sigma


@pytest.mark.parametrize("shared", [0, 72, 90, 108])
def test_pairs_are_linked_as_often_as_promised(shared: int) -> None:
    one, other = planted(shared)
    bands = (one == other).reshape(PAIRS, BANDS, ROWS).all(axis=2)
    promised = 1 - (1 - (shared / UNION) ** ROWS) ** BANDS
    sigma = (promised * (1 - promised) / PAIRS) ** 0.5
    assert abs(bands.any(axis=1).mean() - promised) <= 3 * sigma + 1e-9


def test_pairs_of_seventy_five_per_cent_share_a_band_hash_as_often_as_promised() -> None:
    minhash, linked = MinHash(BANDS, ROWS, 1), 0
    for number in range(PAIRS):
        items = drawn(120, 1_000 + number)
        one, other = (minhash.band_hashes(part) for part in (items[:105], items[15:]))  # 90 of 120 are shared
        linked += bool((one == other).any())
    promised = 1 - (1 - 0.75**ROWS) ** BANDS
    assert abs(linked / PAIRS - promised) <= 3 * (promised * (1 - promised) / PAIRS) ** 0.5


def test_signatures_are_the_same_everywhere() -> None:
    """Corpora are compared across machines and years: a change here must change Deduplicate's signature version."""
    found = MinHash(BANDS, ROWS, 1).band_hashes(np.arange(1, 1_001, dtype=np.uint64))
    assert found.dtype == np.uint64
    assert found[:3].tolist() == [9967233129549859114, 1810738329183215542, 1025162571472950673]
    assert blake2b(found.astype("<u8").tobytes(), digest_size=8).hexdigest() == "d33838056be8b060"
