"""What is told before a training: what it comes to, and what looks like a slip, on both sides of bounds."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import pytest

from schemas.shards.layout import PlanInfo, ShardsInfo
from trainer.forecast import cautions, forecast
from trainer.model.config import ModelConfig, suited_vocabulary
from trainer.run.job import TrainJob
from trainer.settings import TrainRecipe

SHARDS = cast("Any", type("Shards", (), {"folder": "out/shards"}))()
PLAN = PlanInfo("p", "main", 99, 1, "concat", 100, 10_000, (), {"all": 1}, "", "")


def job(steps: int = 10, vocabulary: int = 2048, **plan: Any) -> TrainJob:
    made = replace(PLAN, **plan)
    settings = TrainRecipe(steps=steps, batch_size=10).settings_for(vocabulary, made.context)
    return TrainJob("out", cast("ShardsInfo", SHARDS), made, settings)


def test_the_size_of_a_training() -> None:
    assert forecast(job(5)).endswith("5 steps of 10 rows learn 4,950 tokens, 50% of plan main")
    assert forecast(job(20)).endswith("learn 19,800 tokens, 2 passes over plan main")
    assert forecast(job(20, tokens=5_100)).endswith(
        "learn 10,000 tokens, 2 passes over plan main"
    )  # the rest is padding


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (job(40), None),
        (job(50), "5 passes over the same text.*about 40 --steps"),
        (job(tokens=9_000), None),
        (job(tokens=8_900), "11% of the plan's rows are padding.*--context 88`"),
        (job(vocabulary=4096), None),
        (job(vocabulary=8192), r"of the parameters .1,048,576. are the vocabulary's table.*--vocab-size 4096"),
        (job(slices={}), "no text is held out.*--val-fraction"),
    ],
)
def test_what_looks_like_a_slip_is_said(given: TrainJob, told: str | None) -> None:
    lines = list(cautions(given))
    if told is None:
        assert lines == []
        return
    [line] = lines
    assert re.search(told, line), line


@pytest.mark.parametrize(
    ("layers", "dim", "tied", "vocabulary"),
    [(4, 128, True, 4096), (4, 128, False, 2048), (1, 8, True, 512), (24, 1024, True, 32_768)],
)
def test_the_vocabulary_that_suits_a_model(layers: int, dim: int, tied: bool, vocabulary: int) -> None:
    """As many parameters as the layers have, as a power of two of tokens, within bounds."""
    model = ModelConfig(50_000, 64, dim, layers, 4, 2, dim * 336 // 128, tied)
    assert suited_vocabulary(model) == suited_vocabulary(replace(model, vocab_size=300)) == vocabulary
