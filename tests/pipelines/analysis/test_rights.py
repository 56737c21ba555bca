"""The summary of training content: its tables add up, and nothing of a page acts in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pipelines.analysis.rights import shown, size_range
from support.command import Call


def test_the_summary_of_documents(bateia: Call, tmp_path: Path) -> None:
    rows: list[dict[str, str]] = [
        {
            "text": "x" * (10 + number),
            "url": f"https://www.host{number}.example/",
            "language": "pt",
            "dump": "D1",
            "date": f"2024-03-{number % 28 + 1:02}T00:00:00Z",
        }
        for number in range(40)
    ]
    rows += [{"text": "y" * 500, "url": "https://large.example/a"}, {"text": "z", "url": "https://out.example/"}]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "hosts").write_text("out.example\n")
    words = ("--recipe", "as-is", "--input", tmp_path / "own.jsonl", "--exclude-hosts", tmp_path / "hosts")
    assert bateia("curate", *words, "--output", tmp_path / "o", "--quiet").returncode == 0
    ended = bateia("summary", "--eu-ai-act", "--in", tmp_path / "o", "--output", tmp_path / "s.md")
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "s.md").read_text()
    assert "less than 1 billion tokens; 41 documents" in text and "dates of the pages: 2024-03-01 to 2024-03-28" in text
    assert "top 10% by size of text, 5 of 41" in text
    hosts = re.findall(r"^\| (\S+\.example) \|", text, re.MULTILINE)
    assert hosts == ["large.example", "host39.example", "host38.example", "host37.example", "host36.example"]
    assert "(`--exclude-hosts`): 1 page left out" in text
    assert "| pt | 40 |" in text and "| D1 | 40 |" in text
    small = bateia("summary", "--eu-ai-act", "--small-provider", "--in", tmp_path / "o")
    assert "top 5% by size of text, 3 of 41" in small.stdout


def test_a_corpus_points_to_its_documents(corpus: Path, bateia: Call) -> None:
    ended = bateia("summary", "--eu-ai-act", "--in", corpus)
    assert ended.returncode == 0 and "stands in the ledger of the documents" in ended.stdout


def test_labels_are_harmless() -> None:
    assert shown("a|b<script>`\x1b[31m") == "a\ufffdb\ufffdscript\ufffd\ufffd\ufffd\ufffd31m"


def test_sizes_are_told_in_the_ranges_of_the_template() -> None:
    ranges = ["less than 1 billion", "1 billion to 10 trillion", "more than 10 trillion"]
    sizes = [3.9e9, 4e9, 3.9e13, 4e13]
    assert [ranges.index(size_range(int(size)).removesuffix(" tokens")) for size in sizes] == [0, 1, 1, 2]
