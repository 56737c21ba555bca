"""The report page: whatever pages say, it stays one well-formed, self-contained document with the right numbers."""

import copy
from html.parser import HTMLParser
from typing import Any

import pytest

from pipelines.report_charts import bar, clean, compact, duration, grid_step, histogram, number, passage, share, size
from pipelines.report_page import render

VOID = {"meta", "link", "br", "wbr"}
FORBIDDEN = {"script", "img", "a", "iframe", "object", "embed", "form", "base", "image", "use", "video", "audio"}
HOSTILE = "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=x>&\x00\x1b\u202e\ud800\u2028{title}{0}"

REPORT: dict[str, Any] = {
    "title": "documents",
    "recipe": {"name": "fineweb", "about": "English web text."},
    "blocklist": "ut1 of 2026-11-01",
    "counts": {
        "read": 1994,
        "kept": 312,
        "dropped": 1670,
        "unreadable": 12,
        "skipped_records": {"request": 1994, "warcinfo": 4},
    },
    "inputs": {"files": 4, "bytes": 50045990, "bad": [{"path": "x.warc.gz", "problem": "is empty"}]},
    "funnel": [
        {"stage": "read", "reached": 1994, "dropped": 14},
        {"stage": "fineweb", "reached": 1980, "dropped": 1668},
    ],
    "reasons": [
        {"stage": "read", "reason": "truncated", "fate": "unreadable", "count": 12},
        {"stage": "gopher_quality", "reason": "few_words", "fate": "dropped", "count": 1655},
        *({"stage": "c4", "reason": f"rule{n}", "fate": "dropped", "count": 1} for n in range(15)),
    ],
    "languages": [{"language": "en", "seen": 620, "kept": 312}, {"language": "", "seen": 3, "kept": 0}],
    "lengths": [{"from": 0, "to": 128, "kept": 0, "dropped": 20}, {"from": 128, "to": None, "kept": 7, "dropped": 1}],
    "domains": [{"domain": "example.org", "read": 40, "kept": 12}],
    "quality": [{"measure": "mean_word_length", "p5": 4, "p50": 4.7249, "p95": 5.4}],
    "throughput": {
        "wall_s": 31.2,
        "cpu_s": 55.0,
        "extraction_cpu_s": 40.1,
        "pages_per_s": 64.0,
        "cpu_ms_per_page": 27.6,
        "max_rss_mb": 412,
        "workers": 2,
        "units": 4,
        "units_resumed": 1,
        "runner": "in-process",
    },
    "samples": [
        {
            "fate": fate,
            "stage": stage,
            "reason": reason,
            "pages": [
                {
                    "url": f"https://example.org/{fate}",
                    "language": "en",
                    "value": 0.5,
                    "threshold": None,
                    "detail": None,
                    "text": "A first line.\nA second, نمی‌شود.",
                }
            ],
        }
        for fate, stage, reason in (("dropped", "c4", "rule0"), ("kept", "", ""))
    ],
    "dataset_hash": "abc123",
    "versions": {"bateia": "0.1.0", "trafilatura": "2.3.1"},
    "settings": [
        {"step": "KeepGopherQuality", "name": "min_words", "value": "50", "about": "fewest", "source": "Gopher"}
    ],
}


class Strict(HTMLParser):
    """Every element is harmless, closed in order, and refers to nothing outside."""

    def __init__(self, page: str):
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


def test_says_what_happened():
    text = Strict(render(REPORT)).text
    for said in (
        "Of 1,994 pages read, 312 (15.6\u00a0%) were kept.",
        "few_words in gopher_quality: 1,655 pages",
        "1,994 read = 312 kept + 1,670 dropped + 12 unreadable",
        "12 pages (0.6\u00a0%) could not be read",
        "x.warc.gz is empty",
        "4 files, 50.0\u00a0MB",
        "1,994 request, 4 warcinfo",
        "unknown",
        "5 more",
        "4.72",
        "27.6\u00a0ms",
        "4 (1 resumed)",
        "1 setting in 1 step",
        "https://example.org/kept",
        "A first line.\nA second, نمی‌شود.",
        "bateia 0.1.0 · trafilatura 2.3.1",
        "abc123",
    ):
        assert said in text, said
    assert text.index("1 of 312") < text.index("rule0 c4 · 1 of 1")
    assert "do not add up" not in text


def test_is_self_contained():
    page = render(REPORT)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    for outside in ("<script", "<a ", "@import", "url(", "<iframe", "xmlns"):
        assert outside not in page


def test_hostile_texts_stay_texts():
    page = render(replaced(REPORT, lambda leaf: HOSTILE if isinstance(leaf, str) else leaf))
    text = Strict(page).text
    assert "<script" not in page and "<img" not in page
    assert "<script>alert(1)</script>" in text
    assert "{title}{0}" in text
    assert not set("\x00\x1b\u202e\ud800\u2028") & set(page)
    assert "␀␛⟨U+202E⟩⟨U+D800⟩⟨U+2028⟩" in text
    page.encode()


def test_long_texts_are_cut():
    page = render(replaced(REPORT, lambda leaf: "x" * 100_000 if isinstance(leaf, str) else leaf))
    assert "x" * 601 not in page and len(page) < 100_000


def test_renders_a_run_of_nothing():
    report = {key: [] if isinstance(value, list) else value for key, value in REPORT.items()}
    report = replaced(report, lambda leaf: leaf if isinstance(leaf, str) or leaf is None else 0)
    report["inputs"]["bad"] = []
    report["counts"]["skipped_records"] = {}
    text = Strict(render(report)).text
    assert "No page was read." in text
    assert "Please note" not in text


def test_renders_zeros_in_every_list():
    report = replaced(REPORT, lambda leaf: leaf if isinstance(leaf, str) else 0)
    assert "None" not in Strict(render(report)).text.replace("None.", "")


@pytest.mark.parametrize("unmeasured", [None, float("nan")])
def test_renders_measures_that_were_not_taken(unmeasured: float | None):
    report = copy.deepcopy(REPORT)
    report["quality"] = replaced(report["quality"], lambda leaf: leaf if isinstance(leaf, str) else unmeasured)
    assert "mean_word_length–––" in Strict(render(report)).text


def test_renders_ten_thousand_million():
    report = replaced(REPORT, lambda leaf: leaf * 10**8 if type(leaf) is int else leaf)
    assert "199,400,000,000 read = 31,200,000,000 kept" in Strict(render(report)).text


def test_numbers_that_do_not_add_up_are_told():
    report = copy.deepcopy(REPORT)
    report["counts"]["kept"] = 1
    text = Strict(render(report)).text
    assert "do not add up" in text
    assert "1 (0.1\u00a0%) was kept" in text


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "–"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 9999, "<0.1 %"), (9999, 10000, ">99.9 %"), (312, 1994, "15.6 %")],
)
def test_share(part: int, whole: int, said: str):
    assert share(part, whole).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (number(10_000_000_000), "10,000,000,000"),
        (number(4.7249), "4.72"),
        (number(1e300 * 1e300), "–"),
        (size(0), "0 B"),
        (size(999_950), "1.0 MB"),
        (size(412e6), "412 MB"),
        (duration(31.2), "31.2 s"),
        (duration(59.99), "1 min 00 s"),
        (duration(11_520), "3 h 12 min"),
        (compact(512, 1024), "512"),
        (compact(65536, 1024), "64k"),
        (compact(1_200_000_000, 1000), "1.2G"),
        (clean("a\u200cb\nc"), "a⟨U+200C⟩b␊c"),
        (passage("a\u200cb\r\nc\u202d", 600), "a\u200cb\nc⟨U+202D⟩"),
        (clean("<" * 5, limit=2), "&lt;&lt;…"),
    ],
)
def test_ways_of_writing(said: str, expected: str):
    assert said.replace("\u00a0", " ") == expected


def test_bar_parts_are_in_proportion():
    drawn = bar([("kept", 25), ("dropped", 50)], 100, 'a "quoted" label')
    assert '<rect class="kept" x="0.00" width="25.00"' in drawn
    assert '<rect class="dropped" x="25.00" width="50.00"' in drawn
    assert 'aria-label="a &quot;quoted&quot; label"' in drawn


def test_histogram_uses_one_scale_for_both_sides():
    drawn = histogram([{"from": 0, "to": 128, "kept": 30, "dropped": 100}], height=260)
    assert 'style="height:60px"' in drawn and 'style="height:200px"' in drawn
    assert "0 to 127 characters: 30 kept" in drawn


@pytest.mark.parametrize(("whole", "step"), [(1, 1), (3, 1), (40, 5), (400, 50), (10**10, 2 * 10**9)])
def test_grid_steps_are_round(whole: int, step: int):
    assert grid_step(whole) == step
