"""The compiled block list: a folder of sorted 64-bit hashes that every process on a machine shares.

A folder of one list, written once and then only read:

    domains.npy              sorted uint64, one hash per listed host
    domains_categories.npy   uint16 per hash: which set of categories lists it (`category_sets` in blocklist.json)
    urls.npy, urls_categories.npy   the same for listed URLs
    words.json               hard words, soft words and substrings; each may be empty
    blocklist.json           written last: name, date, licence, source, counts, sha256 per file

The files are memory-mapped, so 4.5 million hosts cost 45 MB once per machine, not 500 MB of Python set in every
process. UT1 has more than sixty categories, which a 64-bit mask could hardly hold; an index into the sets of categories
that occur has no such limit, and is smaller.

Hashes may collide. A host that isn't listed meets one of n hashes with probability n / 2^64: for five million entries
2.7e-13 a look-up, or one page wrongly dropped in about a trillion pages of three look-ups each.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from transforms.steps.urls.forms import hash_key

FORMAT = 1
HEADER = "blocklist.json"
MERGED = "merged"  # the category of lists that don't name one (datatrove's): every recipe chooses it
KINDS = ("domains", "urls")
FILES = ("domains.npy", "domains_categories.npy", "urls.npy", "urls_categories.npy", "words.json")
WORD_FILES = {"hard": "banned_words.txt", "soft": "soft_banned_words.txt", "substrings": "banned_subwords.txt"}


class BlocklistError(Exception):
    """A source that can't be compiled or a compiled folder that can't be trusted. The message names file and remedy."""


@dataclass(frozen=True)
class Table:
    """Sorted hashes and the categories of each. Both fields are views of memory-mapped files.

    keys: uint64 hashes, sorted
    sets: for each hash the index of its set of categories, uint16
    """

    keys: memoryview
    sets: memoryview

    def find(self, text: str) -> int | None:
        """Index of the category set that lists `text`, or None. 2.6 µs among 4.5 M: benchmarks/curate/url_filter.py."""
        key = hash_key(text)
        index = bisect_left(self.keys, key)
        return self.sets[index] if index < len(self.keys) and self.keys[index] == key else None


@dataclass(frozen=True)
class Blocklist:
    """An opened list.

    header: blocklist.json
    domains: hosts
    urls: URLs without scheme
    hard: words of which one in a URL is enough
    soft: words of which several must be in a URL
    substrings: banned anywhere in a URL
    """

    header: Mapping[str, Any]
    domains: Table
    urls: Table
    hard: frozenset[str]
    soft: frozenset[str]
    substrings: tuple[str, ...]

    @property
    def label(self) -> str:
        """Name and date of the list, for the ledger: `ut1, 2024-12-03`."""
        return f"{self.header['name']}, {self.header['date']}"

    def choose(self, categories: Iterable[str]) -> tuple[str | None, ...]:
        """For every category set, the chosen categories in it as text (`adult+dating`), or None if there is none.

        An alias that the list carries (UT1's `porn` is `adult`) chooses what it stands for. `merged` is always chosen.
        """
        chosen = {MERGED} | {self.header["aliases"].get(name, name) for name in categories}
        sets = ([name for name in names if name in chosen] for names in self.header["category_sets"])
        return tuple("+".join(names) or None for names in sets)


@lru_cache(maxsize=16)
def open_blocklist(folder: str) -> Blocklist:
    """Open a compiled list by path, once per process: memory-mapped, 1 ms.

    Checks version, sizes and types; `verify` checks the bytes too. Raises BlocklistError.
    """
    root = Path(folder)
    header = read_header(root)
    domains, urls = (_open_table(root, kind, header) for kind in KINDS)
    try:
        words = json.loads((root / "words.json").read_text("utf-8"))
        hard, soft, substrings = (words[kind] for kind in WORD_FILES)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(root, f"words.json can't be read ({error})") from error
    return Blocklist(header, domains, urls, frozenset(hard), frozenset(soft), tuple(substrings))


def read_header(root: Path) -> dict[str, Any]:
    """blocklist.json of a compiled folder. Raises BlocklistError if it is absent, broken or of another version."""
    try:
        header = json.loads((root / HEADER).read_text("utf-8"))
        version = header["format"]
    except FileNotFoundError as error:
        raise BlocklistError(
            f"{root} is no compiled block list: it has no {HEADER}; `bateia assets build-blocklist` makes one"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(root, f"{HEADER} can't be read ({error})") from error
    if version != FORMAT:
        raise _broken(root, f"{HEADER} is of format {version}, this version reads {FORMAT}")
    return header


def verify(root: Path) -> dict[str, Any]:
    """Check every file of a compiled folder against its sha256 (0.1 s for UT1). Returns the header."""
    header = read_header(root)
    for name in FILES:
        try:
            actual = file_sha256(root / name)
        except OSError as error:
            raise _broken(root, f"{name} can't be read ({error.strerror})") from error
        if actual != header["files"].get(name, {}).get("sha256"):
            raise _broken(root, f"{name} isn't the file that {HEADER} describes (sha256 differs)")
    return header


def _open_table(root: Path, kind: str, header: Mapping[str, Any]) -> Table:
    import numpy as np

    views = []
    for name, dtype in ((f"{kind}.npy", np.uint64), (f"{kind}_categories.npy", np.uint16)):
        try:
            array = np.load(root / name, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise _broken(root, f"{name} can't be read ({error})") from error
        if array.dtype != dtype or array.shape != (header["counts"][kind],):
            raise _broken(root, f"{name} holds {array.dtype}{array.shape}, not {header['counts'][kind]:,} entries")
        views.append(memoryview(array))
    keys, sets = views
    return Table(keys, sets)


def _broken(root: Path, why: str) -> BlocklistError:
    return BlocklistError(f"block list {root}: {why}; build it again")


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
