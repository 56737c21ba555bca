"""The page of `bateia kshot --html`: curves over the number of examples, and the numbers."""

from __future__ import annotations

from typing import Any

from pipelines.kshot_command import notes
from pipelines.line_chart import STYLE as LINES
from pipelines.line_chart import curves
from pipelines.report_charts import NOTHING, Html, fill, plural
from pipelines.report_parts import alarm, columns, row, section, table
from pipelines.voice_page import footer, page

STYLE = """
.numbers th:first-child { min-width:3.4em; overflow-wrap:normal; } small { color:var(--quiet); }
@media (max-width:600px) { .numbers small { display:block; } }
"""
SOURCES = Html(
    '<p class="note">Worked examples and a choice by likelihood are GPT-3’s evaluation (arXiv 2005.14165); repeated '
    "random tokens are what induction heads are known by (arXiv 2209.11895). ± is a standard error over a task’s "
    "questions. Exact: greedy decoding gives the whole answer.</p>"
)


def render(told: dict[str, Any]) -> str:
    most = told["shots"][-1]
    lead = fill(
        "What examples in the prompt teach, from {least} to <b>{most}</b> of them.", least=told["shots"][0], most=most
    )
    cards = [
        ("Tasks", len(told["tasks"]), "of held-out text"),
        ("Questions", told["items"], "of a task, at most"),
        ("By chance", f"{told['chance']:.0%}", f"one of {told['candidates']} answers"),
    ]
    pair = columns(
        [picture(told, "Bits per byte of the answer", "bits_per_byte", from_zero=False)],
        [picture(told, "Chosen among the candidates, %", "accuracy", scale=100)],
    )
    tables = [numbers(name, task) for name, task in told["tasks"].items()]
    method = section("Where the method is from", SOURCES)
    sections = [alarm(notes(told)), pair, columns(tables[::2], [*tables[1::2], method])]
    return page(
        "k shots", "Learning in the context", lead, cards, sections, footer(told["run"], told["step"]), LINES + STYLE
    )


def picture(told: dict[str, Any], title: str, key: str, scale: float = 1, from_zero: bool = True) -> Html:
    series = [
        (name, [(point["shots"], point[key] * scale) for point in task["points"]])
        for name, task in told["tasks"].items()
    ]
    return section(
        title, curves(f"{title}, over the shots", series, from_zero, end=lambda shots: plural(round(shots), "shot"))
    )


def numbers(name: str, task: dict[str, Any]) -> Html:
    rows = []
    for point in task["points"]:
        cells = [with_error(point, "bits_per_byte", ".3f")]
        cells += [with_error(point, key, ".1%") for key in ("accuracy", "exact")]
        rows.append(row([Html(point["shots"]), *cells]))
    about = fill('<p class="note">{about}; {items} questions</p>', about=task["about"], items=task["items"])
    heads = ["Shots", "Bits per byte", "Chosen", "Exact"]
    return section(name.capitalize(), about, table(name, heads, rows) if rows else NOTHING)


def with_error(point: dict[str, Any], key: str, form: str) -> Html:
    return Html(f"{point[key]:{form}} <small>± {point[f'{key}_se']:{form}}</small>")
