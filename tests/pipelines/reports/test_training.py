"""The page of a training: what it says, and what it leaves out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipelines.reports.render import decode
from pipelines.reports.training import SHOWN_SAMPLES, TextSample, TrainingReport, render_page, shown_samples
from support.pages import Strict
from support.reports import TRAINING


def page(report: dict[str, Any]) -> str:
    return render_page(decode(report, TrainingReport, "the example"))


def shown(**parts: Any) -> str:
    """What a reader of the example's page sees, with some parts of the report replaced."""
    return Strict(page(copy.deepcopy(TRAINING) | parts)).text.replace("\u00a0", " ")


def test_says_what_happened() -> None:
    text = shown()
    for said in (
        "After 45.2 s on 1 device (cpu) the loss is 5.91 nats per token.",
        "Parameters976,0004 layers, 128 wide",
        "Tokens seen122,88040 steps",
        "Bits per byte2.65of held-out text",
        "Tokens per second4,178MFU 41.0 %",
        "Step 3: not finite, loss none; https://fault.example/, id3",
        "Step 4: not finite, loss 9.5; https://fault.example/, id4",
        "2 more steps in faults.jsonl",
        "Share of the device's peak in bfloat16 (MFU)",
        "language-en2.4806.0005,632",
        "06.17022",
        "2 to 35.80044",
        "step 40",
        "The history ofGold in\nthe pan.",
        "dim128",
        "tiedTrue",
        "FLOPs per token7,428,864",
        "code_hash0123456789abcdef",
        "waited for data1.0 %",
        "bateia 0.1.0 · jax 0.10",
    ):
        assert said in text, said
    assert page(TRAINING).count("<polyline") == 6 + 3


@pytest.mark.parametrize(
    ("parts", "said", "unsaid"),
    [
        ({"evals": []}, "There is none in these shards.", "Loss by position"),
        ({"samples": []}, "Settings", "Texts that the model wrote"),
        ({"faults": []}, "Loss", "Please note"),
        ({"curve": []}, "Nothing was measured.", "step 30"),
        ({"totals": TRAINING["totals"] | {"mfu": None}}, "1 device (cpu)", "MFU"),
        ({"totals": dict.fromkeys(TRAINING["totals"], None) | {"steps": 0, "tokens": 0, "seconds": 0}}, "–", "MFU"),
    ],
)
def test_says_what_did_not_happen(parts: dict[str, Any], said: str, unsaid: str) -> None:
    text = shown(**parts)
    assert said in text
    assert unsaid not in text


def test_a_loss_that_is_not_finite_has_no_point() -> None:
    curve = [point | {"loss": None} for point in TRAINING["curve"]]
    assert page(TRAINING | {"curve": curve}).count("<polyline") == 5 + 3


def test_of_many_samples_some_steps_are_shown_the_last_first() -> None:
    samples = tuple(TextSample(step, prompt, "x") for step in range(100) for prompt in ("", "a"))
    chosen = shown_samples(samples)
    assert len(chosen) <= SHOWN_SAMPLES and [sample.step for sample in chosen[:2]] == [99, 99]
    assert shown_samples(()) == []
