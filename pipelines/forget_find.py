"""Which documents a list of URLs names: those with the very URL, else those with another spelling of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.explain import spellings
from pipelines.faults import BadInput
from pipelines.forget_tombstones import read_tombstones
from pipelines.lineage_page import find_documents
from schemas.manifest import Manifest
from schemas.storage import open_read


@dataclass(frozen=True)
class Named:
    """kept: documents to forget. before: URLs whose documents were all forgotten earlier. unknown: URLs of none."""

    kept: list[dict[str, Any]]
    before: list[str]
    unknown: list[str]

    def told_before(self) -> list[str]:
        return [f"{url}: forgotten before" for url in self.before]


def read_urls(path: str) -> list[str]:
    """URLs of a file, one a line, each once; empty lines and those that begin with # are none. Raises BadInput."""
    try:
        with open_read(path) as file:
            lines = [line.strip() for line in file.read().decode().splitlines()]
    except OSError as error:
        raise BadInput(f"--url-list {path} can't be read ({error.strerror or error}); give a file of URLs") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"--url-list {path} is no UTF-8 text ({error}); give a file of URLs, one a line") from error
    urls = list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not urls:
        raise BadInput(f"--url-list {path} names no URL; write one a line")
    return urls


def find_all(folder: str, manifest: Manifest, urls: list[str]) -> Named:
    wanted = {name for url in urls for name in (url, *spellings(url))}
    found = find_documents(folder, manifest, read_tombstones(folder), wanted)
    kept, gone = by_url(found.kept), by_url(found.forgotten)
    chosen: dict[tuple[str, int, int], dict[str, Any]] = {}
    before, unknown = [], []
    for url in urls:
        names = [url] if url in kept or url in gone else sorted(spellings(url))
        documents = [row for name in names for row in kept.get(name, [])]
        chosen |= {(row["split"], row["shard"], row["start"]): row for row in documents}
        if not documents:
            (before if any(name in gone for name in names) else unknown).append(url)
    return Named([chosen[place] for place in sorted(chosen)], before, unknown)


def by_url(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["url"], []).append(row)
    return found
