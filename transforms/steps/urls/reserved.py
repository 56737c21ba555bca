"""Drop pages whose owners reserve them: X-Robots-Tag and robots tags with noai, and TDM reservations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import ClassVar

from schemas.document import Page
from schemas.setting import setting
from schemas.verdict import Drop
from transforms.steps.step import PageStep

HEAD_CHARS = 1 << 17  # of a page that are searched: tags on robots stand in its head
META = re.compile(r"<meta\b([^>]{0,1000})>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"""([a-zA-Z:-]{1,40})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
TDM = "tdm-reservation"


@dataclass(frozen=True)
class DropReserved(PageStep):
    """Drops pages that reserve themselves by what was recorded with them.

    robots   X-Robots-Tag or <meta name="robots"> has one of the directives, for all agents or for one of `agents`
    tdm      TDM-Reservation is 1, as a header or as a meta tag

    The ledger's detail is the header or tag with its value. A directive for another agent does not count.
    """

    stage: ClassVar[str] = "reserved"

    directives: tuple[str, ...] = setting(
        ("noai",), "directives of robots that reserve a page", "DeviantArt's of 2022, which others took over"
    )
    agents: tuple[str, ...] = setting(
        ("ccbot", "gptbot", "google-extended"), "agents whose directives count, beside those for all", "ours"
    )
    tdm: bool = setting(True, "TDM-Reservation counts", "TDM Reservation Protocol, W3C Community Group, 2024")

    def __call__(self, page: Page) -> Page | Drop:
        for name, value in said_to_robots(page):
            if reason := self.judge_value(name, value):
                return Drop(self.stage, reason, detail=f"{name}: {value}"[:200])
        return page

    def judge_value(self, name: str, value: str) -> str | None:
        """Why a header or meta tag of this name and value reserves the page, or None."""
        if name == TDM:
            return "tdm" if self.tdm and value.strip() == "1" else None
        if name == "x-robots-tag":
            agent, colon, rest = value.partition(":")
            if colon and "," not in agent and " " not in agent.strip():  # unavailable_after: has a date behind it
                if agent.strip().lower() not in (*self.agents, "*", "unavailable_after"):
                    return None
                value = rest
        elif name not in ("robots", *self.agents):
            return None
        words = {word.strip().lower() for word in value.split(",")}
        return "robots" if words & {directive.lower() for directive in self.directives} else None


def said_to_robots(page: Page) -> Iterator[tuple[str, str]]:
    """(name, value) of the headers as recorded and of the meta tags in the page's head; names in lower case."""
    for line in page.reserved.splitlines():
        name, _, value = line.partition(": ")
        yield name, value
    for tag in META.finditer(page.html, 0, HEAD_CHARS):
        values = {
            key.lower(): unescape(double or single or bare).strip()
            for key, double, single, bare in ATTRIBUTE.findall(tag[1])
        }
        yield values.get("name", "").lower(), values.get("content", "")
