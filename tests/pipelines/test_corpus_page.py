"""A corpus' report page: whatever its documents say, one well-formed, self-contained page with the right numbers."""

from __future__ import annotations

import copy
from html.parser import HTMLParser
from typing import Any

import pytest

from pipelines.corpus_page import render
from pipelines.corpus_samples import REPEATED_OPEN
from pipelines.report_charts import log_histogram, span_of

VOID = {"meta", "link", "br", "wbr"}
FORBIDDEN = {"script", "img", "a", "iframe", "object", "embed", "form", "base", "image", "use", "video", "audio"}
HOSTILE = "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=x>&\x00\x1b\u202e\ud800\u2028{title}{0}"
EMPTY = (
    "inputs",
    "faults",
    "funnel",
    "clusters",
    "repeated",
    "removed",
    "pii",
    "languages",
    "lengths",
    "domains",
    "dumps",
)

REPORT: dict[str, Any] = {
    "title": "corpus",
    "recipe": "fineweb",
    "steps": ["DropRepeatedLines", "ScrubPii", "Deduplicate"],
    "counts": {
        "read": 1_000,
        "kept": 700,
        "removed_exact": 100,
        "removed_near": 200,
        "removed_earlier": 30,
        "clusters": 90,
        "tokens": 123_456,
        "chars_read": 5_000_000,
        "chars_kept": 4_000_000,
        "languages": 2,
        "lines_removed": 77,
    },
    "tokenizer": {"name": "tokenizer.json", "sha256": "abc"},
    "inputs": [
        {
            "name": "documents",
            "role": "input",
            "dataset_hash": "aaa",
            "documents": 1_000,
            "recipe": "fineweb",
            "warc_files": 4,
            "warc_bytes": 50_045_990,
            "responses": 9_000,
        },
        {
            "name": "earlier",
            "role": "against",
            "dataset_hash": "bbb",
            "documents": None,
            "recipe": None,
            "warc_files": 0,
            "warc_bytes": 0,
            "responses": None,
        },
    ],
    "faults": ["something is amiss"],
    "funnel": [
        {"stage": "gopher_quality", "reached": 9_000, "dropped": 8_000},
        {"stage": "exact_duplicates", "reached": 1_000, "dropped": 100},
        {"stage": "near_duplicates", "reached": 900, "dropped": 200},
    ],
    "clusters": [
        {"from": 1, "to": 2, "kept": 610},
        {"from": 2, "to": 4, "kept": 89},
        {"from": 4, "to": 8, "kept": 0},
        {"from": 8, "to": 16, "kept": 1},
    ],
    "repeated": [
        {
            "cluster_size": 60 - n,
            "id": f"id{n}",
            "url": f"http://most{n}.example/",
            "text": f"Often.\nText {n}, نمی‌شود.",
        }
        for n in range(REPEATED_OPEN + 3)
    ],
    "removed": [
        {
            "url": f"http://{match}.example/",
            "match": match,
            "survivor_url": f"http://stays-for-{match}.example/",
            "language": language,
            "text": f"A copy, {match}.",
        }
        for match, language in (("exact", "en"), ("near", None))
    ],
    "pii": [
        {
            "type": "EMAIL_ADDRESS",
            "documents": 40,
            "spans": 50,
            "passages": [{"url": "http://scrubbed.example/", "text": "write to <EMAIL_ADDRESS>"}],
        },
        {"type": "BR_CPF", "documents": 1, "spans": 1, "passages": []},
    ],
    "languages": [
        {"language": "en", "read": 800, "kept": 600, "chars": 1, "tokens": 2},
        {"language": "no", "read": 200, "kept": 100, "chars": 1, "tokens": 2},
    ],
    "lengths": [
        {"from": 64, "to": 128, "kept": 100, "dropped": 200},
        {"from": 128, "to": 256, "kept": 600, "dropped": 100},
    ],
    "domains": [{"domain": "example.org", "read": 40, "kept": 12}],
    "dumps": [{"dump": "CC-MAIN-2026-10", "read": 1_000, "kept": 700}, {"dump": "", "read": 0, "kept": 0}],
    "throughput": {
        "runner": "in-process",
        "workers": 2,
        "wall_s": 31.2,
        "cpu_s": 55.0,
        "documents_per_s": 4_321.0,
        "cpu_ms_per_document": 27.6,
        "max_rss_mb": 412,
        "phases": [{"phase": "sign", "wall_s": 20.0}, {"phase": "match, pass 2", "wall_s": 0.0}],
    },
    "dataset_hash": "abc123",
    "versions": {"bateia": "0.1.0", "presidio-analyzer": "2.2"},
    "settings": [{"step": "Deduplicate", "name": "bands", "value": "14", "about": "bands", "source": "FineWeb"}],
    "curated_with": [
        {
            "recipe": "fineweb",
            "settings": [
                {"step": "KeepC4", "name": "least", "value": "3", "about": "fewest", "source": "C4"},
                {"step": "KeepC4", "name": "most", "value": "4", "about": "most", "source": "C4"},
            ],
        }
    ],
}


class Strict(HTMLParser):
    """Every element is harmless, closed in order, and refers to nothing outside."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in FORBIDDEN
        for name, value in attrs:
            assert name not in {"src", "srcset", "action", "onerror", "onload", "xlink:href", "background"}
            assert name != "href" or (value or "").startswith("data:")
            assert name != "style" or "url(" not in (value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open and self.open[-1] != "style" else ""


def replaced(value: Any, leaf: Any) -> Any:
    """The same shape with every leaf changed."""
    if isinstance(value, dict):
        return {key: replaced(part, leaf) for key, part in value.items()}
    return [replaced(part, leaf) for part in value] if isinstance(value, list) else leaf(value)


def hostile(value: Any, name: str = "") -> Any:
    """Every text is hostile, but for those that say what a row is about."""
    if isinstance(value, dict):
        return {key: hostile(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return value if name == "steps" else [hostile(part, name) for part in value]
    return HOSTILE if isinstance(value, str) and name not in {"role", "match"} else value


def changed(**parts: Any) -> str:
    """The text of the page of a report with some of its parts replaced, and of its counts those named."""
    report = copy.deepcopy(REPORT)
    report["counts"] |= parts.pop("counts", {})
    return Strict(render(report | parts)).text.replace("\u00a0", " ")


def test_says_what_happened() -> None:
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
        "no200100",
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
        ({"clusters": REPORT["clusters"][:1]}, "had no copy.", "logarithmic"),
        ({"inputs": []}, "0 inputs", "compared with"),
    ],
)
def test_says_what_did_not_happen(parts: dict[str, Any], said: str, unsaid: str) -> None:
    text = changed(**parts).replace("\n", "")
    assert said in text
    assert unsaid not in text


def test_is_self_contained() -> None:
    page = render(REPORT)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    for outside in ("<script", "<a ", "@import", "url(", "<iframe", "xmlns", "src="):
        assert outside not in page


def test_hostile_texts_stay_texts() -> None:
    page = render(hostile(REPORT))
    text = Strict(page).text
    assert "<script" not in page and "<img" not in page
    assert text.count("<script>alert(1)</script>") > 40  # each of the report's texts is shown
    assert "{title}{0}" in text
    assert not set("\x00\x1b\u202e\ud800\u2028") & set(page)
    assert "␀␛⟨U+202E⟩⟨U+D800⟩⟨U+2028⟩" in text
    page.encode()


@pytest.mark.parametrize(
    "part",
    ["title", "recipe", "languages", "domains", "dumps", "repeated", "removed", "pii", "inputs", "settings", "faults"],
)
def test_each_part_takes_hostile_texts(part: str) -> None:
    text = Strict(render(REPORT | {part: hostile(REPORT[part], part)})).text
    assert "<script>alert(1)</script>" in text


def test_long_texts_are_cut() -> None:
    page = render(replaced(REPORT, lambda leaf: "x" * 100_000 if isinstance(leaf, str) else leaf))
    assert "x" * 401 not in page and len(page) < 100_000


def test_renders_an_empty_corpus() -> None:
    report = replaced(REPORT, lambda leaf: 0 if isinstance(leaf, int | float) else leaf)
    report |= {name: [] for name in EMPTY}
    text = Strict(render(report)).text
    assert "No document was read." in text
    assert "Please note" not in text
    assert "1,000" not in text


def test_renders_zeros_in_every_list() -> None:
    report = replaced(REPORT, lambda leaf: 0 if isinstance(leaf, int | float) else leaf)
    for bins in (report["clusters"], report["lengths"]):
        for place, bin_ in enumerate(bins):
            bin_ |= {"from": 1 << place, "to": 2 << place}
    assert "None" not in Strict(render(report)).text.replace("None.", "")


def test_renders_ten_thousand_million() -> None:
    report = replaced(REPORT, lambda leaf: leaf * 10**7 if type(leaf) is int else leaf)
    assert "10,000,000,000 read = 7,000,000,000 kept" in Strict(render(report)).text


def test_the_same_report_is_the_same_page() -> None:
    assert render(REPORT) == render(copy.deepcopy(REPORT))


def test_one_cluster_has_a_column_and_a_million_fits() -> None:
    bins = [{"from": 1 << n, "to": 2 << n, "kept": kept} for n, kept in enumerate((1_000_000, 0, 1, 10), 1)]
    drawn = log_histogram(bins)
    assert [f'height="{tall:.2f}"' in drawn for tall in (100, 0, 100 / 7, 200 / 7)] == [True] * 4
    assert "2 to 3 documents: 1,000,000 clusters" in drawn
    assert ">1M<" in drawn and ">10M<" not in drawn


@pytest.mark.parametrize(("low", "high", "said"), [(1, 2, "1"), (2, 4, "2 to 3"), (1024, 2048, "1,024 to 2,047")])
def test_spans(low: int, high: int, said: str) -> None:
    assert span_of({"from": low, "to": high}) == said
