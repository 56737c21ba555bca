"""An index of an output's addresses: which of its files hold a page, without opening them all.

    .urls/index.json         what it is of; written last
    .urls/buckets/00000.bin  hashes of addresses and numbers of files, sorted

It is no part of what a manifest names or hashes, can be removed at any time, and is passed over once the output is
another. Spellings of one address have one hash, so that a single bucket answers for all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

from schemas.faults import reason
from schemas.manifest import FileEntry, Manifest
from schemas.storage import is_local, join, open_read, read_json, read_table, remove, remove_folder, size_of, write_json
from transforms.sorted_files import as_ranges, read_range
from transforms.units import Heartbeat, UnitFiles, UnitResult, run_here

FOLDER, INDEX, WORK = ".urls", "index.json", "work"
VERSION = 1  # of the layout; another one is passed over
KINDS = ("ledger/", "data/", "clusters/", "train/docs-", "val/docs-")  # files that have addresses
LEAST_FILES = 64  # fewer are looked through at once
MOST_HERE_ROWS = 20_000_000  # that a question indexes by itself, in a minute; more is for `bateia index`
ROWS_PER_BUCKET = 1 << 18  # 3 MB, which is read whole
BUCKETS_PER_UNIT = 16
ENTRY = np.dtype([("hash", "<u8"), ("file", "<u4")])


def bare_address(url: str) -> str:
    """What all spellings of an address have in common: no scheme, no www., no last slash."""
    bare = url.partition("://")[2] or url
    while bare.startswith("www."):
        bare = bare.removeprefix("www.")
    return bare.rstrip("/")


def hash_of(url: str) -> int:
    """A stable hash of an address, the same for all its spellings."""
    return int.from_bytes(blake2b(bare_address(url).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def files_with_urls(manifest: Manifest) -> list[FileEntry]:
    """In the order in which the index numbers them."""
    return [file for file in manifest.files if file.path.startswith(KINDS) and file.path.endswith(".parquet")]


def identity(manifest: Manifest) -> str:
    """What an index is of. Forgetting leaves the layout of shards: it then names too many files, never too few."""
    tokens = manifest.settings.get("tokens")
    layout = tokens.get("layout_hash") if isinstance(tokens, dict) else None
    return str(layout or manifest.dataset_hash)


# --- Asked ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UrlIndex:
    """A finished index.

    folder: of the output.
    paths: of the files that it numbers.
    sizes: entries of each bucket; their number is a power of two.
    """

    folder: str
    paths: tuple[str, ...]
    sizes: tuple[int, ...]

    def files(self, urls: Iterable[str]) -> frozenset[str]:
        """Files that may hold a page with one of the addresses, or with another spelling of it.

        Raises OSError or ValueError if a bucket is not what was written.
        """
        found: set[str] = set()
        for value in sorted({hash_of(url) for url in urls}):
            bucket = bucket_of(value, len(self.sizes))
            entries = read_bucket(self.folder, bucket)
            if len(entries) != self.sizes[bucket] or (len(entries) and entries["file"].max() >= len(self.paths)):
                raise ValueError(f"{join(self.folder, FOLDER, bucket_name(bucket))} was changed")
            begin, end = (np.searchsorted(entries["hash"], np.uint64(value), side) for side in ("left", "right"))
            found.update(self.paths[number] for number in entries["file"][begin:end].tolist())
        return frozenset(found)


def bucket_of(value: int, buckets: int) -> int:
    return (value * buckets) >> 64


@lru_cache(maxsize=16)
def read_bucket(folder: str, number: int) -> np.ndarray:
    with open_read(join(folder, FOLDER, bucket_name(number))) as file:
        return np.frombuffer(file.read(), ENTRY)


def bucket_name(number: int) -> str:
    return f"buckets/{number:05}.bin"


def open_index(folder: str, manifest: Manifest) -> UrlIndex | None:
    """The index of an output, or None if there is none of this very output and version."""
    path = join(folder, FOLDER, INDEX)
    try:
        if size_of(path) is None or (value := read_json(path))["version"] != VERSION:
            return None
        known, sizes = value["of"], tuple(map(int, value["sizes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    paths = tuple(file.path for file in files_with_urls(manifest))
    is_own = known == identity(manifest) and value["files"] == len(paths) and sizes
    return UrlIndex(folder, paths, sizes) if is_own else None


def say(text: str) -> None:
    sys.stderr.write(f"bateia: note: {text}\n")


def index_for(folder: str, manifest: Manifest, note: Callable[[str], None] = say) -> UrlIndex | None:
    """The index to ask, made first where there are many files and it can be; None where files are few.

    note: is told what takes a while.
    """
    if len(files := files_with_urls(manifest)) < LEAST_FILES:
        return None
    if (index := open_index(folder, manifest)) is not None:
        return index
    rows = sum(file.rows for file in files)
    if rows > MOST_HERE_ROWS or not is_local(folder):
        note(f"{len(files):,} files are looked through; `bateia index --in {folder}` makes answers quick")
        return None
    note(f"addresses of {len(files):,} files are indexed, once")
    try:
        return make_index(folder, manifest, lambda name, work, units: run_here(work, folder, units, lambda unit: None))
    except OSError:  # of somebody else's output, say
        return None


def candidates(manifest: Manifest, kind: str, urls: set[str], index: UrlIndex | None) -> list[str]:
    """The output's files of a kind that may hold one of the addresses, in the order of the manifest."""
    try:
        known = index.files(urls) if index is not None else None
    except (OSError, ValueError) as error:
        say(
            f"the index of addresses can't be read ({reason(error)}), so all files are looked through; remove {FOLDER}/"
        )
        known = None
    files = (file.path for file in manifest.files if file.path.startswith(kind))
    return [path for path in files if known is None or path in known]


# --- Made -------------------------------------------------------------------------------------------------------------

Tallies = dict[str, dict[str, Any]]
Do = Callable[[str, Any, Sequence[Any]], Tallies]  # a phase: its name, work and units to tallies by units' names


@dataclass(frozen=True)
class HashUnit:
    """A file whose addresses are hashed. number: by which the index names it."""

    name: str
    number: int
    path: str
    rows: int


@dataclass(frozen=True)
class BucketsUnit:
    """Neighbouring buckets, from `first` up to `end`, and how many files there are."""

    name: str
    first: int
    end: int
    files: int


def buckets_for(rows: int) -> int:
    """A power of two, so that buckets have up to ROWS_PER_BUCKET rows."""
    return 1 << max(0, -(-rows // ROWS_PER_BUCKET) - 1).bit_length()


def make_index(folder: str, manifest: Manifest, do: Do) -> UrlIndex:
    """Write the index, whatever is there. Raises BadInput if a file can't be read, OSError if it can't be written."""
    files = files_with_urls(manifest)
    buckets = buckets_for(sum(file.rows for file in files))
    described: dict[str, Any] = {"version": VERSION, "of": identity(manifest), "files": len(files)}
    begin(folder, described)
    step = min(BUCKETS_PER_UNIT, buckets)
    hashed = [HashUnit(f"{number:06}", number, file.path, file.rows) for number, file in enumerate(files)]
    do("hash", HashUrls(folder, buckets // step), hashed)
    units = [BucketsUnit(f"{first:05}", first, first + step, len(files)) for first in range(0, buckets, step)]
    gathered = do("index", GatherBuckets(folder, buckets), units)
    sizes = [size for unit in units for size in gathered[unit.name]["sizes"]]
    remove_folder(join(folder, FOLDER, WORK))
    write_json(join(folder, FOLDER, INDEX), described | {"sizes": sizes})
    read_bucket.cache_clear()
    return UrlIndex(folder, tuple(file.path for file in files), tuple(sizes))


def begin(folder: str, described: dict[str, Any]) -> None:
    """Make the folder ready: what an interrupted command has done of this very index stays."""
    begun = join(folder, FOLDER, WORK, "begun.json")
    remove(join(folder, FOLDER, INDEX))
    if size_of(begun) is None or read_json(begun) != described:
        remove_folder(join(folder, FOLDER))
        write_json(begun, described)


def hashes_name(number: int) -> str:
    return f"{FOLDER}/{WORK}/{number:06}.bin"


class HashUrls:
    """A file's addresses to their hashes, each once, in as many ranges as units gather them."""

    def __init__(self, folder: str, ranges: int) -> None:
        self._folder, self._ranges = folder, ranges

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> HashUnit:
        return HashUnit(**line)

    def run(self, unit: HashUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        urls = read_table(join(self._folder, unit.path), ["url"]).column("url")
        values = np.unique(np.fromiter((hash_of(url) for url in urls.to_pylist() if url), np.uint64))
        bounds = np.array([(number << 64) // self._ranges for number in range(1, self._ranges)], np.uint64)
        entries = np.zeros(len(values), ENTRY)
        entries["hash"], entries["file"] = values, unit.number
        files.raw(hashes_name(unit.number)).add(as_ranges(entries, values, bounds))
        return UnitResult({"urls": len(values)})

    def close(self) -> None:
        return


class GatherBuckets:
    """Ranges of all files' hashes to the buckets in them."""

    def __init__(self, folder: str, buckets: int) -> None:
        self._folder, self._buckets = folder, buckets

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> BucketsUnit:
        return BucketsUnit(**line)

    def run(self, unit: BucketsUnit, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        step = unit.end - unit.first
        paths = [join(self._folder, hashes_name(number)) for number in range(unit.files)]
        entries = read_range(paths, unit.first // step, self._buckets // step, ENTRY)
        entries = entries[np.lexsort((entries["file"], entries["hash"]))]
        bounds = np.array([(number << 64) // self._buckets for number in range(unit.first + 1, unit.end)], np.uint64)
        buckets = np.split(entries, np.searchsorted(entries["hash"], bounds, "left"))
        for number, bucket in enumerate(buckets):
            files.raw(f"{FOLDER}/{bucket_name(unit.first + number)}").add(bucket.tobytes())
        return UnitResult({"sizes": [len(bucket) for bucket in buckets]})

    def close(self) -> None:
        return
