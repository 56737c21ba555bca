"""Which documents a sample takes."""

from __future__ import annotations

import pytest

from transforms.steps.tokens.sample import sample_key, shares


def test_a_place_depends_on_id_and_seed() -> None:
    keys = [sample_key(f"{number}", 1) for number in range(10_000)]
    assert keys == [sample_key(f"{number}", 1) for number in range(10_000)]
    assert keys != [sample_key(f"{number}", 2) for number in range(10_000)]
    assert 0 <= min(keys) < max(keys) < 1
    for share in (0.1, 0.5, 0.9):
        assert sum(at < share for at in keys) / 10_000 == pytest.approx(share, abs=0.02)


SIZES = {"en": 8000, "pt": 2000}


@pytest.mark.parametrize(
    "weights, budget, expected",
    [
        (None, 1000, {"en": 0.1, "pt": 0.1}),  # as they are
        (None, 20_000, {"en": 1.0, "pt": 1.0}),
        ({"en": 1, "pt": 1}, 1000, {"en": 0.0625, "pt": 0.25}),
        ({"en": 3, "pt": 1}, 1000, {"en": 0.09375, "pt": 0.125}),
        ({"pt": 1}, 1000, {"pt": 0.5}),
        ({"en": 1, "pt": 9}, 5000, {"en": 0.0625, "pt": 1.0}),  # there is no more Portuguese
    ],
)
def test_shares(weights: dict[str, float] | None, budget: int, expected: dict[str, float]) -> None:
    assert shares(SIZES, weights, budget) == pytest.approx(expected)


@pytest.mark.parametrize(
    "weights, said", [({"fr": 1}, "there are no documents in fr; there are en, pt"), ({"en": 0}, "above 0")]
)
def test_weights_that_mean_nothing_are_refused(weights: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        shares(SIZES, weights, 100)
