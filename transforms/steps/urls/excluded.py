"""Drop pages of hosts that a list excludes: owners who asked for it, or whom one's own rules leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self

from schemas.document import Page
from schemas.faults import BadInput
from schemas.setting import setting
from schemas.storage import lines_of_list
from schemas.verdict import Drop
from transforms.steps.step import AssetRef, PageStep
from transforms.steps.urls.forms import host_and_parents, split_url

HOST_LIST = "list of hosts"


@dataclass(frozen=True)
class DropExcludedHosts(PageStep):
    """Drops pages of the hosts in a file, one a line, and of all hosts below them; `www.` does not matter.

    The ledger's detail is the host that was listed. Raises BadInput in `setup` for a file without a host.
    """

    stage: ClassVar[str] = "excluded"

    hosts: str = setting(about="path of a file of hosts, one a line; what is below them is excluded too")

    def assets(self) -> tuple[AssetRef, ...]:
        return (AssetRef("excluded", HOST_LIST, self.hosts),)

    def bound(self, paths: Mapping[str, str]) -> Self:
        return replace(self, hosts=paths["excluded"])

    def validate(self) -> None:
        read_hosts(self.hosts)

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        read_hosts(self.hosts)

    def __call__(self, page: Page) -> Page | Drop:
        hit = excluded_by(page.url, read_hosts(self.hosts))
        return page if hit is None else Drop(self.stage, "host", detail=hit)


def excluded_by(url: str, hosts: frozenset[str]) -> str | None:
    """The listed host that a URL is of or below, or None."""
    host, _ = split_url(url)
    return next((name for name in host_and_parents(host) if name in hosts), None)


def read_hosts(path: str) -> frozenset[str]:
    """The hosts of a list: lower case, without www., a scheme, *. and a path. Raises BadInput."""
    try:
        return _read_hosts(path, Path(path).stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"list of hosts {path} can't be read ({error}); give a file with one host a line") from error


@lru_cache(maxsize=4)
def _read_hosts(path: str, modified: int) -> frozenset[str]:
    lines = lines_of_list(Path(path).read_bytes())
    hosts = frozenset(host for line in lines if (host := bare_host(line)))
    if not hosts:
        raise BadInput(f"list of hosts {path} names no host; give one a line")
    return hosts


def bare_host(line: str) -> str:
    """The host that a line means, as `split_url` gives it."""
    text = line.strip().lower().removeprefix("*.")
    return split_url(text if "://" in text else f"http://{text}")[0].removeprefix("www.")
