"""Record, and drop by, what the robots.txt of a page's origin tells the crawlers of models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Self

from schemas.document import Page
from schemas.faults import BadInput
from schemas.setting import setting
from schemas.verdict import Drop
from transforms.steps.step import AssetRef, PageStep
from transforms.steps.urls.forms import MAX_URL
from transforms.steps.urls.robots_map import ABSENT, RULES, UNREACHABLE, find, origin_of, read_header

ROBOTS_MAP = "map of robots.txt files"
PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
MAX_AGENTS = 20
AGENT_LINE = re.compile(
    r"\s*user[-\s]*agent(?:\s*:|\s|$)(.*)", re.IGNORECASE
)  # with the spellings that protego takes too
OTHERS = "another-agent"


@dataclass(frozen=True)
class ReadRobotsTxt(PageStep):
    """Records what the robots.txt of a page's origin says of it to some crawlers, in the column robots_txt.

    absent        the origin has none, which allows all of them
    allowed       none of the agents is barred from the page
    disallowed: GPTBot, ClaudeBot
    unreachable   the origin failed to answer, which bars all (RFC 9309, section 2.3.1.4)

    A page that one of `drop` is barred from is dropped. Files of captures are given by `--robots-txt`; of an origin
    (scheme, host, port) the last capture counts, 500 KiB of it, as protego reads it.
    """

    stage: ClassVar[str] = "robots_txt"
    columns: ClassVar[tuple[str, ...]] = ("robots_txt",)

    agents: tuple[str, ...] = setting(
        ("CCBot", "GPTBot", "ClaudeBot", "Google-Extended"),
        "crawlers whose rules are asked, by their names in robots.txt",
        "those of Common Crawl, OpenAI, Anthropic and Google, as each documents its own",
    )
    drop: tuple[str, ...] = setting((), "crawlers of these whose rules drop a page", none="none is dropped")
    rules: str = setting("", "path of the map that is made of --robots-txt")

    def __post_init__(self) -> None:
        for name in self.agents:
            if not PRODUCT.fullmatch(name):
                raise BadInput(f"crawler '{name}' is no name of robots.txt; give letters, such as CCBot")
        if not 0 < len(self.agents) <= MAX_AGENTS:
            raise BadInput(f"{len(self.agents)} crawlers: give 1 to {MAX_AGENTS}, such as CCBot")
        known = {name.lower() for name in self.agents}
        if unknown := [name for name in self.drop if name.lower() not in known]:
            raise BadInput(f"crawler '{unknown[0]}' is to drop pages and is not asked about; add it to the others")

    def assets(self) -> tuple[AssetRef, ...]:
        return (AssetRef("robots_txt", ROBOTS_MAP, self.rules),)

    def bound(self, paths: Mapping[str, str]) -> Self:
        return replace(self, rules=paths["robots_txt"])

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        read_header(self.rules)

    def __call__(self, page: Page) -> Page | Drop:
        told, barred = self.verdict(page.url)
        if any(name.lower() in {agent.lower() for agent in barred} for name in self.drop):
            return Drop(self.stage, "unreachable" if told == UNREACHABLE else "disallowed", detail=told)
        return replace(page, rights={**page.rights, "robots_txt": told})

    def verdict(self, url: str) -> tuple[str | None, tuple[str, ...]]:
        """What the column says of a page, and the agents that are barred from it; None for what is no web address."""
        origin = origin_of(url)
        if origin is None:
            return None, ()
        kind, rules = parsed(self.rules, origin, self.agents)
        if kind != RULES:
            return kind, self.agents if kind == UNREACHABLE else ()
        barred = tuple(name for name in self.agents if not rules.can_fetch(url[:MAX_URL], name))
        return (f"disallowed: {', '.join(barred)}" if barred else "allowed"), barred


@lru_cache(maxsize=4)  # a hostile file of 500 KiB takes 40 MB once it is parsed
def parsed(path: str, origin: str, agents: tuple[str, ...]) -> tuple[str, Any]:
    """(kind, rules) of an origin; the rules are protego's, None where there are none."""
    from protego import Protego

    kind, body = find(path, origin)
    if kind != RULES:
        return (kind if kind == UNREACHABLE else ABSENT), None
    return RULES, Protego.parse(for_agents(body.decode("utf-8-sig", "replace"), agents))


def for_agents(text: str, agents: tuple[str, ...]) -> str:
    """The file with the agents that are asked about by their bare names, and one name for all others.

    RFC 9309, 2.2.1: groups are matched by product tokens, so CCBot/2.0 means CCBot. A file that names 25,000 others in
    front of 8,000 rules would else be 200 million rules to protego, which gives each agent its own.
    """
    known = {name.lower() for name in agents}
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if (match := AGENT_LINE.fullmatch(line)) is not None:
            name = match[1].partition("#")[0].strip().lower()
            bare = name if name == "*" else name.replace("*", "").partition("/")[0].strip()
            lines[number] = f"User-agent: {bare if bare in known or bare == '*' else OTHERS if bare else ''}"
    return "\n".join(lines)
