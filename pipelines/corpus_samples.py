"""Documents to judge a corpus by: the most repeated, some removed ones, passages without their personal data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.report_charts import NOTHING, Html, clean, fill, identifier, number, passage
from pipelines.report_parts import section

REPEATED_OPEN, REPEATED_CHARS, REMOVED_CHARS = 6, 280, 400


def fold(name: str, said: str, articles: Sequence[Html], kind: str = "") -> Html:
    return fill(
        '<details class="{kind}"><summary><b>{name}</b> · {said}</summary>\n<div class="pages">{articles}</div>'
        "</details>\n",
        kind=kind,
        name=identifier(name),
        said=said,
        articles=articles,
    )


def passage_of(page: dict[str, Any]) -> Html:
    return article(page["url"], "", page["text"], REMOVED_CHARS)


def article(url: str, why: Any, text: str, limit: int) -> Html:
    """One document: its address, a line about it, and how it begins."""
    return fill(
        '<article><p class="url" dir="ltr">{url}</p>{why}<blockquote dir="auto">{text}</blockquote></article>\n',
        url=clean(url or NOTHING),
        why=why,
        text=passage(text or "", limit),
    )


def repeated(report: dict[str, Any]) -> Html:
    """The texts with most copies, of which one each is in the corpus."""
    articles = [
        article(
            page["url"],
            fill('<p class="copies">{copies}</p>', copies=f"{number(page['cluster_size'])} documents alike"),
            page["text"],
            REPEATED_CHARS,
        )
        for page in report["repeated"]
    ]
    if not articles:
        return section("Most repeated texts", Html('<p class="none">None.</p>'))
    note = Html('<p class="note">The one of each cluster that stays, and how many it stands for. No links.</p>')
    shown = fill('<div class="pages">{articles}</div>', articles=articles[:REPEATED_OPEN])
    rest = articles[REPEATED_OPEN:]
    more = "<details><summary>{n} more</summary><div class='pages'>{rest}</div></details>"
    return section("Most repeated texts", note, shown, fill(more, n=len(rest), rest=rest) if rest else "", kind="long")


def removed(report: dict[str, Any]) -> Html:
    """A few removed documents and what stays in their place, for judging by eye."""
    folds = []
    for match, count in (("exact", report["counts"]["removed_exact"]), ("near", report["counts"]["removed_near"])):
        pages = [page for page in report["removed"] if page["match"] == match]
        if pages:
            said = f"{len(pages)} of {max(count, len(pages)):,}"
            folds.append(fold(f"{match.title()} copies", said, [removed_page(page) for page in pages]))
    if not folds:
        return section("Removed documents", Html('<p class="none">None.</p>'))
    note = Html('<p class="note">How some removed documents begin, and the address of the one that stays.</p>')
    return section("Removed documents", note, fill('<div class="samples">{folds}</div>', folds=folds), kind="long")


def removed_page(page: dict[str, Any]) -> Html:
    why = fill(
        '<p class="why stays"><span>{language}</span> stays: <span class="url" dir="ltr">{survivor}</span></p>',
        language=page["language"] or "und",
        survivor=clean(page["survivor_url"] or NOTHING),
    )
    return article(page["url"], why, page["text"], REMOVED_CHARS)
