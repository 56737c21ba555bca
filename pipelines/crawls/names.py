"""Names of crawls: what CC-MAIN-2024-33[:20] means, where its files lie, and which crawls there are."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import zlib
from dataclasses import dataclass
from typing import Any, NoReturn

from schemas.faults import BadInput
from schemas.storage import is_local, join, lines_of_list
from transforms.steps.fetch.faults import NotFetched
from transforms.steps.fetch.files import fault_of, fetch_bytes, state_of
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.warc.names import dump_of_path

DEFAULT_ROOT = "https://data.commoncrawl.org"
DEFAULT_COLLINFO = "https://index.commoncrawl.org/collinfo.json"
ROOT_VARIABLE = "BATEIA_COMMONCRAWL"
CRAWL = re.compile(r"CC-MAIN-\d{4}-\d{2,3}")
CRAWL_INPUT = re.compile(r"(CC-MAIN-[\w-]+?)(?:/(warc|wet|robotstxt))?(?:\[(.*)\])?")
SLICE = re.compile(r"(\d*):(\d*)")
SAMPLE = re.compile(r"sample=(\d+)(?:,seed=(\d+))?")
MAX_LIST_BYTES = 64 << 20  # of a list in its file; a crawl's is 2 MB
MAX_INFLATED_BYTES = 1 << 30


@dataclass(frozen=True)
class CrawlFiles:
    """Files of a crawl.

    crawl: its name
    kind: warc, wet or robotstxt
    first, last: of the crawl's list, as in a slice; last None for its end
    sample: how many are drawn of these, or None for all
    seed: draws them
    """

    crawl: str
    kind: str = "warc"
    first: int = 0
    last: int | None = None
    sample: int | None = None
    seed: int = 1

    def chosen(self, paths: list[str]) -> list[str]:
        """Those of the crawl's list that are meant, in its order. Raises BadInput if none is."""
        kept = paths[self.first : self.last]
        if self.sample is not None:
            drawn = set(sorted(kept, key=lambda path: keyed(self.seed, path))[: self.sample])
            kept = [path for path in kept if path in drawn]
        if not kept:
            raise BadInput(f"{self.crawl} has {len(paths):,} {self.kind} files, and none of them is asked for")
        return kept


def keyed(seed: int, text: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{text}".encode("utf-8", "replace"), digest_size=8).digest()


def parse_crawl(text: str) -> CrawlFiles | None:
    """What CC-MAIN-2024-33, CC-MAIN-2024-33[:20], CC-MAIN-2024-33/wet[sample=20,seed=1] and their like mean.

    None for what is no such name. Raises BadInput for what stands in brackets and means nothing.
    """
    match = CRAWL_INPUT.fullmatch(text)
    if match is None:
        return None
    crawl, kind, inside = match[1], match[2] or "warc", match[3]
    if inside is None:
        return CrawlFiles(crawl, kind)
    if (cut := SLICE.fullmatch(inside)) and inside != ":":
        return CrawlFiles(crawl, kind, int(cut[1] or 0), int(cut[2]) if cut[2] else None)
    if drawn := SAMPLE.fullmatch(inside):
        return CrawlFiles(crawl, kind, sample=int(drawn[1]), seed=int(drawn[2] or 1))
    raise BadInput(f"input {text}: [{inside}] means nothing; write [:20], [5:20] or [sample=20,seed=1] behind the name")


def crawl_root() -> str:
    """Where Common Crawl's files lie: an https or s3 address, or the folder of a mirror."""
    root = os.environ.get(ROOT_VARIABLE, "").strip() or DEFAULT_ROOT
    return root.rstrip("/") or "/"


def read_listed(path: str, settings: FetchSettings) -> list[str]:
    """Lines of a list of Common Crawl's, such as warc.paths.gz. Raises OSError and BadInput."""
    data = fetch_bytes(path, settings, MAX_LIST_BYTES)
    if data[:2] == b"\x1f\x8b":
        try:
            inflater = zlib.decompressobj(wbits=31)
            data = inflater.decompress(data, MAX_INFLATED_BYTES)
        except zlib.error as error:
            raise BadInput(f"list {path} can't be inflated ({error}); fetch it again") from error
    return lines_of_list(data)


def crawl_list(crawl: str, name: str, settings: FetchSettings) -> list[str]:
    """Paths in one of a crawl's lists, relative to the root. name: such as warc.paths.gz.

    Raises BadInput: an unknown crawl with the names that are nearest, no network with the way on.
    """
    root = crawl_root()
    path = join(root, "crawl-data", crawl, name)
    try:
        return read_listed(path, settings)
    except FileNotFoundError:
        refuse_crawl(crawl, path, settings)
    except NotFetched as fault:
        if fault.lasting:
            refuse_crawl(crawl, path, settings)
        raise BadInput(
            f"{crawl}: {path} can't be fetched ({fault.what}); check the network and repeat the command, or set "
            f"{ROOT_VARIABLE} to s3://commoncrawl or to a mirror's folder"
        ) from fault
    except OSError as error:
        raise BadInput(f"{crawl}: {fault_of(path, error)}") from error


def refuse_crawl(crawl: str, path: str, settings: FetchSettings) -> NoReturn:
    try:
        known = [row["id"] for row in read_crawls(settings)]
    except (BadInput, OSError):
        known = []
    if crawl in known:
        raise BadInput(f"{crawl} has no {path.rpartition('/')[2]} where its files lie ({path} does not exist)")
    near = difflib.get_close_matches(crawl, known, 3, 0.6)
    hint = f"the nearest are {', '.join(near)}" if near else "`bateia crawls` lists those that there are"
    raise BadInput(f"no crawl is called {crawl} ({path} does not exist); {hint}")


def require_selected(selection: str, file: str, settings: FetchSettings) -> None:
    """Raise BadInput if a selection's first WARC file is not where the crawl's files lie: it is of another crawl, or
    of a part that a mirror lacks, and each of its records would be asked for in vain.

    file: its path in the crawl
    """
    root = crawl_root()
    path = join(root, file)
    try:
        if state_of(path, settings) is not None:
            return
    except OSError as error:
        raise BadInput(f"selection {selection}: {fault_of(path, error)}") from error
    crawl = dump_of_path(file) or "another crawl"
    raise BadInput(
        f"selection {selection} is of {crawl}, and {root} has no {file}; set {ROOT_VARIABLE} to a place that has it"
    )


def read_crawls(settings: FetchSettings) -> list[dict[str, Any]]:
    """The crawls, the newest first, as collinfo.json has them: id, name, from, to. Raises BadInput."""
    root = crawl_root()
    path = DEFAULT_COLLINFO if root in (DEFAULT_ROOT, "s3://commoncrawl") else join(root, "collinfo.json")
    try:
        rows = json.loads(fetch_bytes(path, settings, 16 << 20))
        return [{str(name): value for name, value in row.items()} for row in rows if CRAWL.match(str(row["id"]))]
    except OSError as error:
        where = "its folder is set by" if is_local(path) else "another source is set by"
        raise BadInput(f"the list of crawls: {fault_of(path, error)}; {where} {ROOT_VARIABLE}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path} is no list of crawls; check {ROOT_VARIABLE}") from error
