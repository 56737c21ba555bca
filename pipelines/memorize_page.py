"""The page of `bateia memorize --html`: how much is known by heart, and the longest passages with their sources."""

from __future__ import annotations

from typing import Any

from pipelines.memorize_command import ASKED, LONGEST
from pipelines.report_charts import NOTHING, Html, bar, clean, fill, passage, plural, share
from pipelines.report_parts import named, row, section, table
from pipelines.voice_page import Card, footer, page

TEXT_CHARS = 4000
URL_CHARS = 2000
SHORT = {"rows": "From a row's start", "trained": "From anywhere", "held_out": "Held out"}
METHOD = Html(
    '<p class="note">As in Carlini et al. (arXiv 2202.07646) a model is prompted with tokens of a document and decodes '
    "greedily; a prompt counts as extracted if the document’s own text comes to this length. A model that saw the same "
    "rows many times may know them from their beginning only, so it is asked there too. Held-out documents tell how "
    "much can be guessed unseen. Mean and median are of tokens.</p>"
)

STYLE = ".by-heart blockquote b { font-weight:400; color:var(--quiet); }"


def render(told: dict[str, Any]) -> str:
    found = told["asked"]
    most = max(found.values(), key=lambda summary: summary["share"] or 0)
    lead = fill(
        "Given {prefix} tokens, the model goes on word for word for {extractable} in up to <b>{share}</b> of prompts.",
        prefix=told["prefix"],
        extractable=told["extractable"],
        share=share(most["extracted"], most["prompts"]),
    )
    cards: list[Card] = [
        (SHORT[name], share(one["extracted"], one["prompts"]), of_all(one)) for name, one in found.items()
    ]
    longest = max(summary["longest"] or 0 for summary in found.values())
    cards.append(("Longest", longest, f"tokens word for word, of {told['tokens']:,} asked"))
    body = [section("How much", METHOD, numbers(found)), section("By heart", passages(told))]
    title = "What a model knows by heart"
    return page("memorization", title, lead, cards, body, footer(told["run"], told["step"]), STYLE)


def of_all(summary: dict[str, Any]) -> str:
    if not summary["prompts"]:
        return "nothing there is long enough"
    return f"{summary['extracted']:,} of {plural(summary['prompts'], 'prompt')}"


def numbers(found: dict[str, dict[str, Any]]) -> Html:
    rows = []
    for name, one in found.items():
        picture = bar([("dropped" if name == "held_out" else "kept", one["share"] or 0)], 1)
        told = [f"{one['extracted']:,} of {one['prompts']:,}", one["mean"], one["median"]]
        rows.append(row([named(ASKED[name], picture), *told]))
    heads = ["Text", "Extracted", "Mean", "Median"]
    return table("Tokens that came word for word", heads, rows)


def passages(told: dict[str, Any]) -> Html:
    if not told["longest"]:
        return Html('<p class="none">Nothing came verbatim.</p>')
    articles = [article(one) for one in told["longest"][:LONGEST]]
    note = '<p class="note">The longest first. In grey what was given, then what came word for word.</p>'
    return fill('{note}<div class="pages kept-pages by-heart">{articles}</div>', note=Html(note), articles=articles)


def article(one: dict[str, Any]) -> Html:
    """A passage, and where it is from."""
    return fill(
        '<article><p class="url">{url}</p><p class="why"><span>{tokens}</span><span>{bytes}</span><span>{file}, offset '
        '{offset}</span></p><blockquote dir="auto"><b>{prompt}</b>{text}</blockquote></article>\n',
        url=clean(one["url"] or NOTHING, URL_CHARS),
        tokens=plural(one["tokens"], "token"),
        bytes=plural(one["bytes"], "byte"),
        file=one["warc_file"],
        offset=str(one["warc_offset"]),
        prompt=passage(one["prompt"], TEXT_CHARS),
        text=passage(one["text"], TEXT_CHARS),
    )
