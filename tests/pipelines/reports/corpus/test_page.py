"""A corpus' report as a page: well-formed, with the right numbers."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipelines.reports.corpus.report import REPEATED_OPEN, CorpusReport, render_page
from pipelines.reports.render import decode
from support.pages import Strict, replaced
from support.reports import CORPUS, REPEATED

LISTS = (
    *("inputs", "faults", "funnel", "clusters", "repeated", "removed", "pii"),
    *("languages", "lengths", "domains", "dumps"),
)


def page(report: dict[str, Any]) -> str:
    """The page of a report's JSON."""
    return render_page(decode(report, CorpusReport, "the example"))


def shown(report: dict[str, Any]) -> str:
    """What a reader of the page sees."""
    return Strict(page(report)).text.replace("\u00a0", " ")


def zero(leaf: Any) -> Any:
    return 0 if isinstance(leaf, int | float) else leaf


def changed(**parts: Any) -> str:
    """The text of the page of a report with some of its parts replaced, and of its counts those named."""
    report = copy.deepcopy(CORPUS)
    report["counts"] |= parts.pop("counts", {})
    return shown(report | parts)


def test_says_what_happened() -> None:
    assert REPEATED == REPEATED_OPEN + 3
    text = changed()
    for said in (
        "Of 1,000 documents read, 700 (70.0 %) were kept.",
        "Of the copies, 30 are of a document in an earlier corpus.",
        "51 spans of personal data replaced.",
        "1,000 read = 700 kept + 100 exact copies + 200 near copies",
        "1 input, 4 WARC files, 50.0 MB",
        "something is amiss",
        "Documents700Characters4,000,000Characters read5,000,000Tokens, tokenizer.json123,456Languages2",
        "Repeated lines removed77",
        "gopher_quality9,0008,00088.9 %",
        "in the corpus share of all7007.8 %",
        "610 of 700 kept documents (87.1 %) had no copy.",
        "8 to 15",
        "no Norwegian Bokmål (norsk bokmål)200100",
        "unknown",  # a crawl without a name
        "write to <EMAIL_ADDRESS>",
        "BR_CPF11",
        "1 of 100",  # one exact copy shown of all
        "und stays: http://stays-for-near.example/",
        "60 documents alike",
        "3 more",
        "Text 8, نمی‌شود.",
        "4,321",
        "27.6 ms",
        "match, pass 2",
        "earliercompared with––bbb",
        "1 setting in 1 step",
        "2 settings in 1 step",
        "Curated with fineweb:",
        "abc123",
        "bateia 0.1.0 · presidio-analyzer 2.2",
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("parts", "said", "unsaid"),
    [
        ({"faults": []}, "From WARC to corpus", "Please note"),
        ({"tokenizer": None}, "Tokensnot counted", "123,456"),
        ({"steps": ["ScrubPii", "Deduplicate"]}, "had no copy", "Repeated lines removed"),
        ({"steps": ["Deduplicate"]}, "Not looked for.", "spans of personal data"),
        ({"steps": ["ScrubPii"]}, "Duplicates were not looked for.", "earlier corpus"),
        ({"counts": {"removed_earlier": 0}}, "were kept.", "earlier corpus"),
        ({"counts": {"kept": 1}}, "1 (0.1 %) was kept.", "were kept"),
        ({"counts": {"kept": 0}}, "none (0 %) were kept.", "was kept"),
        ({"counts": {"languages": 99}}, "Languages99", "Languages2"),  # though only the largest are listed
        ({"repeated": []}, "Most repeated textsNone.", "documents alike"),
        ({"removed": []}, "Removed documentsNone.", "stays:"),
        ({"clusters": CORPUS["clusters"][:1]}, "had no copy.", "logarithmic"),
        ({"inputs": []}, "0 inputs", "compared with"),
    ],
)
def test_says_what_did_not_happen(parts: dict[str, Any], said: str, unsaid: str) -> None:
    text = changed(**parts).replace("\n", "")
    assert said in text
    assert unsaid not in text


def test_long_texts_are_cut() -> None:
    choices = {"input", "against", "exact", "near"}
    html = page(replaced(CORPUS, lambda leaf: "x" * 100_000 if isinstance(leaf, str) and leaf not in choices else leaf))
    assert "x" * 401 not in html and len(html) < 100_000


def test_renders_an_empty_corpus() -> None:
    text = shown(replaced(CORPUS, zero) | {name: [] for name in LISTS})
    assert "No document was read." in text
    assert "Please note" not in text
    assert "1,000" not in text


def test_renders_zeros_in_every_list() -> None:
    report = replaced(CORPUS, zero)
    for bins in (report["clusters"], report["lengths"]):
        for place, bin_ in enumerate(bins):
            bin_ |= {"from": 1 << place, "to": 2 << place}
    assert "None" not in shown(report).replace("None.", "")


def test_renders_ten_thousand_million() -> None:
    report = replaced(CORPUS, lambda leaf: leaf * 10**7 if type(leaf) is int else leaf)
    assert "10,000,000,000 read = 7,000,000,000 kept" in shown(report)
