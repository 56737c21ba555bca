"""Record what a page says of its rights: its Creative Commons license with the place, and what it tells robots."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar

from schemas.document import Page
from schemas.setting import setting
from schemas.verdict import Drop
from transforms.steps.step import PageStep
from transforms.steps.urls.reserved import TDM, said_to_robots

# https://creativecommons.org/licenses/by-nc-sa/3.0/de/, …/publicdomain/zero/1.0/; in JSON slashes may be escaped.
LICENSE = re.compile(
    r"creativecommons\.org\\?/(?:licenses\\?/(by(?:-nc|-nd|-sa){0,2})|publicdomain\\?/(zero|mark))\\?/(\d\.\d)",
    re.IGNORECASE,
)
TAG = re.compile(r"<(/?[a-zA-Z]{1,10})\b")
REL = re.compile(r"""\brel\s{0,9}=\s{0,9}["']?[^"'>]{0,80}\blicen[sc]e\b""", re.IGNORECASE)
LD_JSON = re.compile(r"<script\b[^>]{0,200}application/ld\+json[^>]{0,200}>", re.IGNORECASE)
MAX_CHARS = 2 << 20  # of a page that are searched
MAX_LINKS = 50  # of a page that are looked at; a list of works has one for each
BEFORE_CHARS = 2000  # in which the tag that a link is in begins; in JSON-LD ten times as much
PLACES = ("link", "meta", "json-ld", "a rel", "a")  # the surest first: the last may be of a picture or a quoted work
ROBOTS = ("x-robots-tag", "robots", TDM)
ROBOTS_CHARS = 500


@dataclass(frozen=True)
class RecordRights(PageStep):
    """Records a page's license with the place it was found, and what the page says to robots.

    These are the columns license, license_found and robots of documents and corpora. A license is such as cc-by-4.0,
    cc0-1.0 or pdm-1.0 (the public domain mark); of several the one at the surest place counts, then the first. Pages of
    other licenses than `keep` are dropped, if any is given.
    """

    stage: ClassVar[str] = "rights"
    columns: ClassVar[tuple[str, ...]] = ("license", "license_found", "robots")

    keep: tuple[str, ...] = setting(
        (), "licenses whose pages are kept, such as cc-by or cc0", none="pages of any, or none"
    )

    def __call__(self, page: Page) -> Page | Drop:
        found = find_license(page.html)
        if self.keep and (found is None or found[0].rpartition("-")[0] not in self.keep):
            return Drop(self.stage, "license", detail=found[0] if found is not None else "none was found")
        told = dict.fromkeys(f"{name}: {value}" for name, value in said_to_robots(page) if name in ROBOTS)
        name, place = found or (None, None)
        rights = {"license": name, "license_found": place, "robots": "; ".join(told)[:ROBOTS_CHARS] or None}
        return replace(page, rights={**page.rights, **rights})


def find_license(html: str) -> tuple[str, str] | None:
    """A page's Creative Commons license and where it stands (one of PLACES), or None."""
    best: tuple[int, str] | None = None
    for number, match in enumerate(LICENSE.finditer(html, 0, MAX_CHARS)):
        if number == MAX_LINKS:
            break
        place = place_of(html, match.start())
        if place is not None and (best is None or PLACES.index(place) < best[0]):
            best = PLACES.index(place), name_of(match)
    return (best[1], PLACES[best[0]]) if best is not None else None


def name_of(match: re.Match[str]) -> str:
    if match[2]:
        return f"{'cc0' if match[2].lower() == 'zero' else 'pdm'}-{match[3]}"
    return f"cc-{match[1].lower()}-{match[3]}"


def place_of(html: str, at: int) -> str | None:
    """In which tag the address at `at` stands; None in running text and in other tags."""
    before = html[max(0, at - BEFORE_CHARS) : at]
    begin = before.rfind("<")
    if begin >= 0 and ">" not in before[begin:] and (tag := TAG.match(before, begin)):
        name = tag[1].lower()
        if name == "a":
            end = html.find(">", at, at + BEFORE_CHARS)
            return "a rel" if REL.search(before[begin:] + html[at : max(end, at)]) else "a"
        return name if name in ("link", "meta") else None
    wide = html[max(0, at - 10 * BEFORE_CHARS) : at]
    script = max((found.start() for found in LD_JSON.finditer(wide)), default=-1)
    return "json-ld" if script > wide.lower().rfind("</script") else None
