"""Pages that reserve themselves, by headers as recorded and by tags."""

from __future__ import annotations

import io
import time

import pytest

from pipelines.recipes import RECIPES
from schemas.document import Page
from schemas.verdict import Drop
from support.warc import http, member, record
from transforms.steps.urls.reserved import DropReserved
from transforms.steps.warc.reader import Response, Unit, page_of, read_unit


def page(html: str = "", reserved: str = "") -> Page:
    return Page("https://a.example/", "", "", "x.warc.gz", 0, 0, html, reserved)


@pytest.mark.parametrize(
    ("html", "reserved", "reason"),
    [
        ("", "x-robots-tag: noai", "robots"),
        ("", "x-robots-tag: noindex, NOAI", "robots"),
        ("", "x-robots-tag: CCBot: noai", "robots"),
        ("", "x-robots-tag: otherbot: noai", None),
        ("", "x-robots-tag: noindex, nofollow", None),
        ("", "x-robots-tag: unavailable_after: 25 Jun 2024 15:00:00 PST", None),
        ("", "x-robots-tag: otherbot: noai\nx-robots-tag: noai", "robots"),
        ("", "tdm-reservation: 1", "tdm"),
        ("", "tdm-reservation: 0", None),
        ('<meta name="robots" content="noai, noimageai">', "", "robots"),
        ("<META CONTENT=noai NAME='Robots'>", "", "robots"),
        ('<meta name="ccbot" content="noai">', "", "robots"),
        ('<meta name="otherbot" content="noai">', "", None),
        ('<meta name="robots" content="index, follow">', "", None),
        ('<meta name="description" content="noai">', "", None),
        ('<meta name="tdm-reservation" content="1">', "", "tdm"),
        ("<p>noai tdm-reservation 1</p>", "", None),
        ("", "", None),
    ],
)
def test_what_reserves_a_page(html: str, reserved: str, reason: str | None) -> None:
    verdict = DropReserved()(page(html, reserved))
    assert (verdict.reason if isinstance(verdict, Drop) else None) == reason
    assert not isinstance(verdict, Drop) or verdict.detail


def test_settings_decide() -> None:
    assert isinstance(DropReserved(tdm=False)(page("", "tdm-reservation: 1")), Page)
    assert isinstance(DropReserved(directives=("noindex",))(page("", "x-robots-tag: noindex")), Drop)
    assert isinstance(DropReserved(agents=("otherbot",))(page("", "x-robots-tag: otherbot: noai")), Drop)


def test_headers_come_from_the_record_to_the_page() -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Robots-Tag: noai,\r\n noindex\r\nTDM-Reservation: 1"
    data = member(record(block=http("<p>text</p>", head)))
    [event] = read_unit(io.BytesIO(data), Unit("x", len(data), 0, len(data)))
    assert isinstance(event, Response)
    read = page_of(event, "x.warc.gz")
    assert isinstance(read, Page) and read.reserved == "x-robots-tag: noai, noindex\ntdm-reservation: 1"
    assert isinstance(DropReserved()(read), Drop)


def test_a_hostile_header_and_page_cost_little() -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/html" + "\r\nX-Robots-Tag: " + "a" * 5000
    data = member(record(block=http("<p>", head + "\r\nX-Robots-Tag: b" * 500)))
    [event] = read_unit(io.BytesIO(data), Unit("x", len(data), 0, len(data)))
    assert isinstance(event, Response) and len(event.reserved.splitlines()) == 20 and len(event.reserved) < 1000
    began = time.process_time()
    for html in ("<meta " * 50_000, "<meta " + "a=" * 200_000 + ">", "<meta a='" * 30_000, "<meta " + "a" * 900 + ">"):
        assert isinstance(DropReserved()(page(html * 3)), Page)
    assert time.process_time() - began < 5


def test_no_recipe_drops_them_unasked() -> None:
    assert not any(isinstance(step, DropReserved) for recipe in RECIPES.values() for step in recipe.curate.pages)
