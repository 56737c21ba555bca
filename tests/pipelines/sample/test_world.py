"""The second embedded crawl: 21 languages through the whole of curating and deduplicating."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pyarrow.dataset as ds
import pytest

from pipelines.sample.articles import read_articles
from pipelines.sample.build import build_sample, names_of_files, world_articles
from schemas.manifest import read_manifest
from support.baselines import made_once
from transforms.steps.text.labels import identify
from transforms.steps.text.languages import SUPPORTED, find_language

Call = Callable[..., CompletedProcess[str]]


def test_six_articles_in_each_language() -> None:
    articles = world_articles()
    assert Counter(article.language for article in articles) == dict.fromkeys(SUPPORTED, 6)
    assert len({article.title for article in articles}) == len(articles)
    assert {article.title for article in read_articles()}.isdisjoint(
        article.title for article in articles if article.language not in ("en", "pt", "es", "fr", "de")
    )
    for article in articles:
        assert len(article.paragraphs) >= 2 and all(article.paragraphs)


def test_the_build_is_the_same_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build_sample(tmp_path / name, world=True)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert {path.parts[0] for path in files} == names_of_files(world=True)
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in files)
    facts = json.loads((tmp_path / "a" / "expected.json").read_text())["pages"]
    assert Counter(page["kind"] for page in facts) == {"article": 126, "near_copy": 42}
    assert {"koi8-r", "euc-jp", "gb18030", "euc-kr", "tis-620", "windows-1256"} <= {page["charset"] for page in facts}


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory, bateia: Call) -> Path:
    def make(folder: Path) -> None:
        build_sample(folder / "warc", files=1, world=True)
        ended = bateia(
            *("run", "fineweb2", "--input", folder / "warc" / "bateia-world-00000.warc.gz", "--no-blocklist"),
            *("--output", folder / "out", "--until", "corpus", "--quiet"),
        )
        assert ended.returncode == 0, ended.stderr

    return made_once(tmp_path_factory, "world", make)


@pytest.mark.slow
def test_every_language_goes_through_the_whole_path(curated: Path) -> None:
    """All pages are kept, in their language and script, and every copy is found."""
    facts = json.loads((curated / "warc" / "expected.json").read_text())["pages"]
    languages = {page["url"]: page["language"] for page in facts}
    copies = {page["url"]: page["copy_of"] for page in facts if page["kind"] == "near_copy"}
    documents = ds.dataset(curated / "out" / "documents" / "data", partitioning=None).to_table().to_pylist()
    assert {row["url"]: row["language"] for row in documents} == languages
    assert all(row["language_script"] == find_language(row["language"]).label for row in documents)
    corpus = ds.dataset(curated / "out" / "corpus" / "data", partitioning=None).to_table().to_pylist()
    assert Counter(row["language"] for row in corpus) == dict.fromkeys(SUPPORTED, 6)
    assert {row["url"] for row in corpus if row["cluster_size"] == 2} == set(copies)  # the longest of each two is kept
    assert all(row["language_script"] and row["rehydration_weight"] >= 1 for row in corpus)
    manifest = read_manifest(str(curated / "out" / "documents"))
    assert manifest is not None
    assert {"jieba", "SudachiPy", "pythainlp", "pyvi", "kiwipiepy", "ftfy"} <= manifest.versions.keys()


@pytest.mark.slow
def test_texts_come_out_as_they_went_in(curated: Path) -> None:
    """Of pages in UTF-8 and in what was usual before, every paragraph, whatever its script."""
    documents = ds.dataset(curated / "out" / "documents" / "data", partitioning=None).to_table().to_pylist()
    texts = {row["url"]: " ".join(row["text"].split()) for row in documents}
    facts = json.loads((curated / "warc" / "expected.json").read_text())["pages"]
    paragraphs = {article.title: article.paragraphs for article in world_articles()}
    lost = [
        (page["language"], page["charset"], paragraph)
        for page in facts
        if page["kind"] == "article"
        for paragraph in paragraphs[page["title"]]
        if paragraph not in texts[page["url"]]
    ]
    assert lost == []


@pytest.mark.slow
def test_what_is_in_a_corpus_is_told(curated: Path, bateia: Call) -> None:
    shown = bateia("languages", "--in", curated / "out" / "corpus")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == "126 documents in 21 languages" and len(lines) == 22
    assert all(": full, " in line for line in lines[1:])
    page = (curated / "out" / "corpus" / "report.html").read_text("utf-8")
    assert "Persian (فارسی)" in page and "Thai (ไทย)" in page
    assert "Japanese (日本語)" in (curated / "out" / "corpus" / "README.md").read_text("utf-8")


def test_short_texts_are_known_for_what_they_are(model_path: str) -> None:
    """Of lid.176.ftz: every article; nearly every paragraph."""
    articles = world_articles()
    assert [a.title for a in articles if identify("\n".join(a.paragraphs), model_path).language != a.language] == []
    paragraphs = [(a.language, text) for a in articles for text in a.paragraphs]
    wrong = [language for language, text in paragraphs if identify(text, model_path).language != language]
    assert len(wrong) <= 0.02 * len(paragraphs)


def test_the_command_writes_it(bateia: Call, tmp_path: Path) -> None:
    ended = bateia("demo-crawl", "--languages", "all", "--output", tmp_path)
    assert ended.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == names_of_files(world=True)


def test_languages_of_a_text_and_all_that_are_known(bateia: Call, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(world_articles()[-1].paragraphs[0], "utf-8")
    shown = bateia("languages", tmp_path / "a.txt").stdout.splitlines()
    assert shown[0].startswith("Chinese (中文), cmn_Hani, score 0.9") or " score " in shown[0]
    assert shown[1].startswith("full: FineWeb2's values; words by ")
    listed = bateia("languages").stdout.splitlines()
    assert listed[0] == "language model lid.176.ftz: 176 languages (21 full, 151 partly, 4 not)"
    assert sum(" not " in line and "no word splitter" in line for line in listed) == 4
    both = bateia("languages", tmp_path / "a.txt", "--in", tmp_path)
    assert both.returncode == 2 and "not both" in both.stderr
    absent = bateia("languages", tmp_path / "b.txt")
    assert absent.returncode == 2 and "check the path" in absent.stderr
    unfinished = bateia("languages", "--in", tmp_path)
    assert unfinished.returncode == 2 and str(tmp_path) in unfinished.stderr
