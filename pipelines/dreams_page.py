"""The page of `bateia sample --run --html`: texts that a model wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.report_charts import NOTHING, Html, fill, passage, plural
from pipelines.report_parts import section
from pipelines.voice_page import footer, page

TEXT_CHARS = 20_000

STYLE = ".dreams article { break-inside:auto; } .dreams blockquote { overflow-wrap:anywhere; }"


def render(run: str, step: int, prompt: str, texts: Sequence[tuple[Any, Any]]) -> str:
    """texts: pairs of trainer.sampling.Sampling and trainer.speech.Writing."""
    writings = [writing for _, writing in texts]
    ended = sum(writing.ended for writing in writings)
    tokens = sum(writing.tokens for writing in writings)
    lead = "What the model wrote from a prompt." if prompt else "What the model wrote when asked for nothing."
    warning = " None of it is a page, and nothing in it need be true."
    cards = [
        ("Texts", len(texts), f"temperature {texts[0][0].temperature:g}"),
        ("Tokens", tokens, f"{tokens / len(texts):,.0f} a text"),
        ("Ended by themselves", ended, "the others were cut at their length"),
    ]
    shown = [dream(prompt, sampling, writing) for sampling, writing in texts]
    body = section("Texts", fill('<div class="pages kept-pages dreams">{shown}</div>', shown=shown))
    return page("a model's texts", "Dreams of the web", lead + warning, cards, [body], footer(run, step), STYLE)


def dream(prompt: str, sampling: Any, writing: Any) -> Html:
    led = fill("<b>{prompt}</b>", prompt=passage(prompt, TEXT_CHARS)) if prompt else ""
    text = passage(writing.text, TEXT_CHARS) if writing.text else "" if prompt else NOTHING
    return fill(
        '<article><p class="why"><span>seed {seed}</span><span>temperature {temperature}</span><span>{tokens}</span>'
        '<span>{end}</span></p><blockquote dir="auto">{led}{text}</blockquote></article>\n',
        seed=Html(sampling.seed),
        temperature=f"{sampling.temperature:g}",
        tokens=plural(writing.tokens, "token"),
        end="ended by itself" if writing.ended else "cut",
        led=led,
        text=text,
    )
