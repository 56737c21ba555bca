"""Pages about a trained model: what they say. That they are harmless is held in test_hostile."""

from __future__ import annotations

import copy
from typing import Any

from pipelines.reports.model import fewshot, memorization, samples, surprisal
from pipelines.reports.render import decode
from support.pages import Strict
from support.reports import FEWSHOT, MEMORIZATION, SAMPLES, SURPRISAL

VERSIONS = {"bateia": "0.1.0", "jax": "0.10"}


def seen(html: str) -> str:
    """What a reader sees, and again with tooltips."""
    page = Strict(html)
    return (page.text + page.seen).replace("\u00a0", " ")


def hold(text: str, *said: str) -> None:
    for part in (*said, "Model ", "after 40 steps", "bateia 0.1.0 · jax 0.10", "/runs/small"):
        assert part in text, part


def test_in_context_learning() -> None:
    report = decode(FEWSHOT, fewshot.FewShotReport, "the example")
    html = fewshot.render_page(report, VERSIONS)
    hold(
        seen(html),
        "after 0 to 2 worked examples",
        "Questions8of a task, at most",
        "By chance25%one of 4 answers",
        "translate: not measured, the text has too little for it",
        "cycle: the context has no room for 1, 2 shots",
        "a word, then the same word; 8 questions",
        "21.650 ± 0.30025.0% ± 16.0%12.5% ± 1.0%",
        "2 shots",
    )
    assert html.count("<polyline") == 4
    missing = decode(copy.deepcopy(FEWSHOT) | {"shots": [0, 1]}, fewshot.FewShotReport, "the example")
    assert "cycle: the context has no room for 1 shot" in missing.notes


def test_memorized_text() -> None:
    report = decode(MEMORIZATION, memorization.MemorizationReport, "the example")
    hold(
        seen(memorization.render_page(report, VERSIONS)),
        "Given 32 tokens of a document, the model goes on word for word for 50 tokens in up to 40.0 % of prompts.",
        "40 of 100 prompts",
        "nothing there is long enough",
        "Longest64tokens word for word, of 64 asked for",
        "held out",
        "40 of 10020.510",
        "0 of 0––",
        "https://known.example/",
        "64 tokens250 bytesa.warc.gz, offset 383378",
        "The pan washes gold out\nof gravel.",
    )
    nothing: dict[str, Any] = MEMORIZATION | {"longest": []}
    html = memorization.render_page(decode(nothing, memorization.MemorizationReport, "the example"), VERSIONS)
    assert "No passage came word for word." in html


def test_surprisal() -> None:
    report = decode(SURPRISAL, surprisal.SurprisalReport, "the example")
    html = surprisal.render_page(report, VERSIONS)
    hold(
        seen(html),
        "The model needed 2.058 bits for each byte of this text.",
        "Bits27−log2 of the text's probability",
        "Tokens46.69 bits each",
        "Each token is predicted from all of the text before it.",
        "12 and more",
        "·gold: 3.25 bits, rank 1,234",
        "é⏎: 23.00 bits, in 2 tokens",
        "é⏎\n",
        "“·gold” 3.25 bits, rank 1,234; likeliest:“·sand” 40.0%“·gold” <0.1%",
        "“·gold”3.251,234“·sand” 40.0%",
    )
    assert [f'heat{band}" title' in html for band in range(6)] == [True, False, True, False, False, True]
    assert html.count('class="own"') == 4


def test_texts_that_the_model_wrote() -> None:
    report = decode(SAMPLES, samples.SamplesReport, "the example")
    hold(
        seen(samples.render_page(report, VERSIONS)),
        "What the model wrote after a prompt.",
        "Tokens2412 per text",
        "Ended by themselves1the others",
        "seed 1temperature 0.812 tokensended by itself",
        "seed 2temperature 0.812 tokenscut",
        "The history of gold\nand\tgravel.",
    )
    alone = decode(copy.deepcopy(SAMPLES) | {"prompt": ""}, samples.SamplesReport, "the example")
    assert "What the model wrote without a prompt." in seen(samples.render_page(alone, VERSIONS))
