"""Settings from documents to rows: what can't be is refused as they are made, and manifests record all of them."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

import pytest

from schemas.faults import BadInput
from schemas.shards.layout import TRAIN, VAL
from transforms.steps.tokens.settings import PlanSettings, Split, TrainTokenizer

TRAINED = {
    "tokens": 1000,
    "languages": {"en": {"tokens": 750}, "pt": {"tokens": 250}},
    "dumps": {"x": {"tokens": 1000}},
}


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (
            TrainTokenizer,
            {"algorithm": "wordpiece"},
            "no algorithm is called 'wordpiece'; known: sentencepiece, bpe-gpt4",
        ),
        (TrainTokenizer, {"vocab_size": 0}, "vocab_size is a number above 0, not 0"),
        (TrainTokenizer, {"sample_mb": -1}, "sample_mb is a number above 0, not -1"),
        (Split, {"fraction": 1.0}, "1.0 of the documents can't validate; give a share from 0 to below 1"),
        (Split, {"fraction": -0.1}, "-0.1 of the documents"),
        (Split, {"fraction": math.nan}, "nan of the documents"),
        (PlanSettings, {"context": 0}, "context is a number above 0, not 0"),
        (PlanSettings, {"packing": "tight"}, "a plan has no packing 'tight'; known: concat, bos_bestfit"),
        (PlanSettings, {"by": "host"}, "a plan has no by 'host'; known: language, dump"),
        (PlanSettings, {"epochs": math.inf}, "epochs is a number above 0, not inf"),
        (PlanSettings, {"epochs": 0.0}, "epochs is a number above 0, not 0.0"),
        (PlanSettings, {"tokens": 0}, "tokens is a number above 0, not 0"),
        (PlanSettings, {"epochs": 1.0, "tokens": 5}, "a plan takes epochs or tokens, not both; leave one out"),
        (PlanSettings, {"mixture": (("en", 1.0), ("pt", math.nan))}, "mixture of pt is a number above 0, not nan"),
    ],
)
def test_what_cannot_be_is_refused(kind: Any, values: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput) as raised:
        kind(**values)
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize(
    ("settings", "recorded"),
    [
        (
            TrainTokenizer(),
            {"algorithm": "sentencepiece", "vocab_size": None, "seed": 1, "sample_mb": 100, "weights": None},
        ),
        (
            TrainTokenizer("bpe-gpt4", 512, 3, 7, (("pt", 3.0), ("en", 1.0))),
            {
                "algorithm": "bpe-gpt4",
                "vocab_size": 512,
                "seed": 7,
                "sample_mb": 3,
                "weights": {"pt": 3.0, "en": 1.0},
            },
        ),
        (Split(0.25, 9), {"val_fraction": 0.25, "seed": 9}),
        (
            PlanSettings("x", 256, 2, "bos_bestfit", None, 77, (("en", 1.0),), "dump"),
            {
                "name": "x",
                "context": 256,
                "seed": 2,
                "packing": "bos_bestfit",
                "epochs": None,
                "tokens": 77,
                "mixture": [["en", 1.0]],
                "by": "dump",
            },
        ),
    ],
)
def test_a_manifest_records_every_setting(settings: Any, recorded: dict[str, Any]) -> None:
    assert json.loads(json.dumps(settings.settings)) == recorded
    unset = {field.name for field in fields(settings)} & {"max_vocab_size"}  # recorded where it is given
    assert len(recorded) == len(fields(settings)) - len(unset)


@pytest.mark.parametrize(
    ("settings", "copies"),
    [
        (PlanSettings(), 1.0),
        (PlanSettings(epochs=2.5), 2.5),
        (PlanSettings(tokens=500), 0.5),
        (PlanSettings(mixture=(("en", 1.0),)), {"en": 1000 / 750}),
        (PlanSettings(mixture=(("en", 1.0), ("pt", 1.0)), tokens=100), {"en": 50 / 750, "pt": 50 / 250}),
        (PlanSettings(mixture=(("x", 5.0),), by="dump", epochs=3), {"x": 3.0}),
    ],
)
def test_how_often_documents_are_seen(settings: PlanSettings, copies: float | dict[str, float]) -> None:
    assert settings.copies(TRAINED) == pytest.approx(copies)


def test_a_mixture_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="--mixture: no language de to train on; there are en, pt"):
        PlanSettings(mixture=(("de", 1.0),)).copies(TRAINED)


def test_a_split_is_a_share_by_the_text_alone() -> None:
    texts = [str(number).encode() for number in range(4000)]
    for fraction in (0.0, 0.1, 0.5):
        split = Split(fraction, 3)
        taken = [split.of(text) for text in texts]
        assert set(taken) <= {TRAIN, VAL}
        assert taken.count(VAL) / len(texts) == pytest.approx(fraction, abs=0.02)
        assert taken == [Split(fraction, 3).of(text) for text in texts]
    assert [Split(0.5, 3).of(text) for text in texts] != [Split(0.5, 4).of(text) for text in texts]
