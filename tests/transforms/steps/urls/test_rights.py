"""Licenses and what pages say to robots: recorded where a recipe asks for it, through documents and corpus."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest

from bateia import documents
from schemas.document import Page, document_schema
from schemas.verdict import Drop
from support.command import Call
from support.warc import http, record
from transforms.steps.urls.rights import RecordRights, find_license

CC = "https://creativecommons.org/licenses"
LINKED = '{"@type": "Article", "license": "https:\\/\\/creativecommons.org\\/licenses\\/by\\/4.0\\/"}'
LD = f'<script type="application/ld+json">{LINKED}</script>'


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (f'<link rel="license" href="{CC}/by-sa/3.0/de/">', ("cc-by-sa-3.0", "link")),
        (f'<meta name="dcterms.license" content="{CC}/by-nc-nd/4.0/">', ("cc-by-nc-nd-4.0", "meta")),
        (LD, ("cc-by-4.0", "json-ld")),
        (f'<a rel="nofollow license" href="{CC}/by/4.0/">', ("cc-by-4.0", "a rel")),
        (f'<a href="{CC}/by/4.0/" rel=license>', ("cc-by-4.0", "a rel")),
        (f'<A HREF="{CC}/BY/2.5/">', ("cc-by-2.5", "a")),
        ('<a href="//creativecommons.org/publicdomain/zero/1.0/">', ("cc0-1.0", "a")),
        ('<a href="//creativecommons.org/publicdomain/mark/1.0/">', ("pdm-1.0", "a")),
        (f'<a href="{CC}/by-nc/2.0/">photo</a> <link rel="license" href="{CC}/by/4.0/">', ("cc-by-4.0", "link")),
        (f"<p>see {CC}/by/4.0/</p>", None),
        (f'<img src="{CC}/by/4.0/88x31.png">', None),
        ("<script>x</script><p>creativecommons.org/licenses/by/4.0/</p>", None),
        ('<a href="https://creativecommons.org/about/">', None),
        ("", None),
    ],
)
def test_licenses(html: str, found: tuple[str, str] | None) -> None:
    assert find_license(html) == found


def test_a_hostile_page_costs_little() -> None:
    began = time.process_time()
    for html in ("creativecommons.org/licenses/by/4.0/" * 50_000, "<a " * 300_000, "<script " * 100_000 + LD):
        find_license(html)
    assert time.process_time() - began < 5


def page(html: str, reserved: str = "") -> Page:
    return Page("https://a.example/", "", "", "x", 0, 0, html, reserved)


def test_only_licenses_that_are_kept() -> None:
    step = RecordRights(keep=("cc-by", "cc0"))
    assert isinstance(step(page(LD)), Page)
    for html, detail in ((f'<a href="{CC}/by-nc/4.0/">', "cc-by-nc-4.0"), ("", "none was found")):
        verdict = step(page(html))
        assert isinstance(verdict, Drop) and (verdict.reason, verdict.detail) == ("license", detail)


def test_without_the_step_there_are_no_columns() -> None:
    names = set(RecordRights.columns)
    assert not names & set(document_schema(()).names) and names <= set(document_schema((), RecordRights.columns).names)


RECIPE = """
from dataclasses import replace
from pipelines.recipes.as_is import AS_IS
from transforms.steps.urls.rights import RecordRights

MINE = replace(AS_IS, name="mine", curate=replace(AS_IS.curate, pages=(RecordRights(),)))
"""
TEXT = (
    "<p>The river carries sand and gravel from the hills down to the sea, and every spring its banks are moved.</p>" * 3
)

OTHER = (
    "<p>Bread is made of flour, water and salt; the dough has to rest for an hour before it goes into the oven.</p>" * 3
)


@pytest.mark.slow
def test_columns_of_documents_and_corpus(bateia: Call, tmp_path: Path) -> None:
    (tmp_path / "recipe.py").write_text(RECIPE)
    licensed = (
        f'<html><head><meta name="robots" content="noai"></head><body>{TEXT}<a rel="license" href="{CC}/by/4.0/">'
    )
    pages = ((licensed, "\r\nX-Robots-Tag: noindex"), (f"<html><body>{OTHER}", ""))
    data = b""
    for number, (html, more) in enumerate(pages):
        block = http(html, "HTTP/1.1 200 OK\r\nContent-Type: text/html" + more)
        data += gzip.compress(record(f"https://a.example/{number}", block).replace(b"uuid:1>", b"uuid:%d>" % number))
    (tmp_path / "x.warc.gz").write_bytes(data)
    words = ("--recipe", f"{tmp_path}/recipe.py:MINE", "--quiet")
    ended = bateia("curate", "--input", tmp_path / "x.warc.gz", "--output", tmp_path / "documents", *words)
    assert ended.returncode == 0, ended.stderr
    ended = bateia("dedup", "--input", tmp_path / "documents", "--output", tmp_path / "corpus", *words)
    assert ended.returncode == 0, ended.stderr
    for folder in ("documents", "corpus"):
        rows = documents(str(tmp_path / folder)).to_table().to_pylist()
        told = {row["url"][-1]: (row["license"], row["license_found"], row["robots"]) for row in rows}
        assert told == {"0": ("cc-by-4.0", "a rel", "x-robots-tag: noindex; robots: noai"), "1": (None, None, None)}
