"""What is asked of a crawl's index: which pages a selection has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from schemas.faults import BadInput
from schemas.setting import setting

HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
LANGUAGE = re.compile(r"[a-z]{3}")


@dataclass(frozen=True)
class Question:
    """Which pages of a crawl's index a selection has; all conditions hold. Raises BadInput for what can't be."""

    languages: tuple[str, ...] = setting(
        (), "first language of the page, three letters as in ISO 639-3", none="any", metavar="LANG"
    )
    hosts: tuple[str, ...] = setting(
        (), "hosts, with or without www.; *.gov.br also means all below gov.br", none="any", metavar="HOST"
    )
    mime: tuple[str, ...] = setting(("text/html",), "media types found in the pages", metavar="TYPE")
    status: tuple[int, ...] = setting((200,), "HTTP status of the answer")
    limit: int | None = setting(None, "most pages, drawn by --sample-seed", none="all")
    sample_seed: int = setting(1, "draws the pages of a --limit: the same seed, the same pages")

    def __post_init__(self) -> None:
        if bad := [name for name in self.languages if not LANGUAGE.fullmatch(name)]:
            raise BadInput(f"--languages {bad[0]}: give three letters, such as por or eng")
        if bad := [name for name in self.hosts if not HOST.fullmatch(name)]:
            raise BadInput(f"--hosts {bad[0]}: give a host such as example.org or '*.gov.br', in lower case")
        if self.limit is not None and self.limit < 1:
            raise BadInput(f"--limit {self.limit}: give a number above 0")

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What the SURT keys of the hosts begin with; () for any."""
        return tuple(sorted({prefix_of(host) for host in self.hosts}))

    def has_host(self, host: str) -> bool:
        bare = host.removeprefix("www.")
        for wanted in self.hosts:
            below = wanted.removeprefix("*.")
            if bare == below.removeprefix("www.") or (wanted != below and host.endswith(f".{below}")):
                return True
        return not self.hosts


def prefix_of(host: str) -> str:
    """Beginning of the SURT keys of a host's pages, or of those of all below it: org,example) or br,gov"""
    below = host.removeprefix("*.")
    turned = ",".join(reversed(below.removeprefix("www.").split(".")))
    return turned if below != host else f"{turned})"


def prefix_of_url(url: str) -> str:
    """Beginning of a page's SURT key: its host and path, without the query, whose form differs by program."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise BadInput(f"'{url}' is no URL ({error}); correct the list") from error
    if not host:
        raise BadInput(f"'{url}' is no URL with a host, such as https://example.org/; correct the list")
    return prefix_of(host.lower()) + (parts.path.lower().rstrip("/") or "/")


def may_hold(prefixes: tuple[str, ...], first: str, last: str) -> bool:
    """Whether keys of [first, last] may begin with one of the prefixes."""
    return not prefixes or any(last >= prefix and first[: len(prefix)] <= prefix for prefix in prefixes)
