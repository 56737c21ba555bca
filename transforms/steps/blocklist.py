"""The compiled block list: a folder of sorted 64-bit hashes that every process on a machine shares.

A folder of one list, written once and then only read:

    domains.npy              sorted uint64, one hash per listed host
    domains_categories.npy   uint16 per hash: which set of categories lists it (`category_sets` in blocklist.json)
    urls.npy, urls_categories.npy   the same for listed URLs
    words.json               hard words, soft words and substrings; each may be empty
    blocklist.json           written last: name, date, licence, source, counts, sha256 per file

The files are memory-mapped, so 4.5 million hosts cost 45 MB once per machine, not 500 MB of Python set in every
process. UT1 has more than sixty categories, too near the end of a 64-bit mask; an index into the sets of categories
that occur has no such end, and is smaller.

Hashes may collide. A host that isn't listed meets one of n hashes with probability n / 2^64: for five million entries
2.7e-13 a look-up, or one page wrongly dropped in about a trillion pages of three look-ups each.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:  # what only a build needs is imported there: listing the recipes must not wait for numpy
    import tarfile

    import numpy as np

FORMAT = 1
HEADER = "blocklist.json"
MERGED = "merged"  # the category of lists that don't name one (datatrove's): every recipe chooses it
KINDS = ("domains", "urls")
FILES = ("domains.npy", "domains_categories.npy", "urls.npy", "urls_categories.npy", "words.json")
WORD_FILES = {"hard": "banned_words.txt", "soft": "soft_banned_words.txt", "substrings": "banned_subwords.txt"}

MAX_URL = 8192  # chars of a URL that are looked at; crawlers keep URLs under 2,083
MAX_HOST = 253  # chars; DNS allows no longer name, so none can be listed
MAX_LINE = 4096  # bytes of one entry; UT1's longest is under 2,000
MAX_MEMBERS = 20_000  # files in an archive; UT1 has about 250
MAX_BYTES = 8 << 30  # inflated bytes of a whole archive; UT1 has about 150 MB
BLOCK = 1 << 20  # bytes read at a time


class BlocklistError(Exception):
    """A source that can't be compiled or a compiled folder that can't be trusted. The message names file and remedy."""


# --- The forms under which hosts and URLs are listed and looked up ---------------------------------------------------

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://|//")
_NOT_WORD = re.compile(r"[^a-zA-Z0-9]+")
_EDGES = " \t\r\n\0."


def canonical_host(host: str) -> str:
    """A host as it is listed: lower case, no edge dots, international labels in punycode. Never raises.

    The punycode is made without IDNA's mapping tables (NFKC and lower case stand in for them): lists and pages spell
    a name either way, and both sides come through here.
    """
    host = host.strip(_EDGES).lower()
    if host.isascii() or len(host) > MAX_HOST:
        return host
    import unicodedata

    host = unicodedata.normalize("NFKC", host).lower().replace("。", ".").strip(_EDGES)
    labels = (
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in host.split(".")
    )
    return ".".join(labels)


def split_url(url: str) -> tuple[str, str]:
    """Canonical host and the rest (path and query, no fragment) of any text that means to be a URL. Never raises.

    urllib's parser is no help with pages from the wild: it raises on broken IPv6, bad ports and some Unicode.
    """
    url = url[:MAX_URL].strip()
    if scheme := _SCHEME.match(url):
        url = url[scheme.end() :]
    url = url.partition("#")[0]
    end = min((at for mark in "/?\\" if (at := url.find(mark)) >= 0), default=len(url))
    authority, rest = url[:end].rpartition("@")[2], url[end:]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    if "%" in host:  # browsers decode it, so it hides nothing
        from urllib.parse import unquote

        host = unquote(host)
    return canonical_host(host), rest


def host_and_parents(host: str) -> Iterator[str]:
    """`a.b.example.com`, `b.example.com`, `example.com`, `com`; an IP address has no parents.

    Top-level domains are looked up too: UT1 lists `xxx` and `porn` whole.
    """
    if not host:
        return
    if len(host) <= MAX_HOST:
        yield host
    if ":" in host or host.replace(".", "").isdigit():
        return
    at = host.find(".", max(0, len(host) - MAX_HOST - 1))
    while at >= 0:
        yield host[at + 1 :]
        at = host.find(".", at + 1)


def url_forms(host: str, rest: str) -> Iterator[str]:
    """How a URL may be listed: without scheme, `www.` and closing slashes; with the query and without.

    The path keeps its case: UT1 lists paths as they are served.
    """
    host = host.removeprefix("www.")
    path, mark, query = rest.partition("?")
    path = path.rstrip("/")
    if query:
        yield f"{host}{path}{mark}{query}"
    yield f"{host}{path}"


def listed_url(entry: str) -> str:
    """The one spelling under which an entry of a `urls` file is stored: the first of `url_forms`."""
    return next(url_forms(*split_url(entry)))


def words_of(text: str) -> list[str]:
    """Lower-cased runs of ASCII letters and digits. Split first: `K` (Kelvin) must not become a letter."""
    return [word.lower() for word in _NOT_WORD.split(text) if word]


def key_of(text: str) -> int:
    """Stable 64-bit hash: 8 bytes of BLAKE2b, little-endian; the same on any machine, version and process."""
    return int.from_bytes(_digest(text), "little")


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


# --- Look-up ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Sorted hashes and, for each, the index of its set of categories. Both are views of memory-mapped files."""

    keys: memoryview
    sets: memoryview

    def find(self, text: str) -> int | None:
        """Index of the category set that lists `text`, or None. 2.6 µs among 4.5 million (benchmarks/url_filter.py)."""
        key = key_of(text)
        at = bisect_left(self.keys, key)
        return self.sets[at] if at < len(self.keys) and self.keys[at] == key else None


@dataclass(frozen=True)
class Blocklist:
    """An opened list. `header` is blocklist.json."""

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
            found = file_sha256(root / name)
        except OSError as error:
            raise _broken(root, f"{name} can't be read ({error.strerror})") from error
        if found != header["files"].get(name, {}).get("sha256"):
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


# --- Sources ----------------------------------------------------------------------------------------------------------


@dataclass
class Source:
    """A folder or tar archive of UT1's layout, or datatrove's. Filled while it is read.

    UT1 has one folder per category that holds `domains` and `urls`; whatever lies above (`blacklists/`) is ignored,
    and so are `expressions` (regular expressions) and `usage`. Files at the top, as in datatrove's merged archive,
    are of the category `merged`. `domains.gz` is read too: mirrors on GitHub compress what is over 100 MB.
    """

    path: Path
    newest: float = 0.0  # mtime of the newest file read
    aliases: dict[str, str] = field(default_factory=dict)  # linked category folders, name to name
    links: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # linked files
    not_utf8: int = 0
    too_long: int = 0

    def files(self) -> Iterator[tuple[str, str, IO[bytes]]]:
        """(category, kind, open file) of every list, in a stable order. Nothing is written to disk."""
        if self.path.is_dir():
            yield from self._folder_files()
        else:
            yield from self._archive_files()

    def _folder_files(self) -> Iterator[tuple[str, str, IO[bytes]]]:
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            here = Path(folder)
            for name in folders:
                if (here / name).is_symlink():
                    self.aliases[name] = (here / name).readlink().name
            for name in sorted(names):
                path = here / name
                relative = PurePosixPath(path.relative_to(self.path).as_posix())
                if (place := _place(relative)) and not path.is_symlink():
                    self.newest = max(self.newest, path.stat().st_mtime)
                    with path.open("rb") as file:
                        yield *place, _inflated(relative, file)

    def _archive_files(self) -> Iterator[tuple[str, str, IO[bytes]]]:
        import gzip
        import tarfile

        with self.path.open("rb") as raw:
            zipped = raw.peek(2).startswith(b"\x1f\x8b")
            stream = gzip.GzipFile(fileobj=raw) if zipped else raw
            with tarfile.open(fileobj=stream, mode="r|") as tar:  # one pass, no seeking, no extraction
                yield from self._members(tar)
            while stream.read(BLOCK):  # to the end and its checksum: tarfile takes a cut archive for a whole one
                pass

    def _members(self, tar: tarfile.TarFile) -> Iterator[tuple[str, str, IO[bytes]]]:
        total = 0
        for count, member in enumerate(tar, 1):
            total += member.size
            if count > MAX_MEMBERS or total > MAX_BYTES:
                limits = f"over {MAX_MEMBERS:,} files or {MAX_BYTES >> 30} GiB"
                raise BlocklistError(f"{self.path}: {limits}; no block list is that big")
            place = _place(PurePosixPath(member.name))
            if member.issym() or member.islnk():
                self._note_link(member, place)
            elif place and member.isreg() and (file := tar.extractfile(member)):
                self.newest = max(self.newest, member.mtime)
                yield *place, _inflated(PurePosixPath(member.name), file)

    def _note_link(self, member: tarfile.TarInfo, place: tuple[str, str] | None) -> None:
        if place is None:
            self.aliases[PurePosixPath(member.name).name] = PurePosixPath(member.linkname).name
            return
        # A symbolic link starts at its own folder, a hard link at the top of the archive.
        above = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
        if target := _place(PurePosixPath(os.path.normpath(above / member.linkname))):
            self.links[place] = target


def _place(path: PurePosixPath) -> tuple[str, str] | None:
    """(category, kind) of a file by its name and its folder's, None for a file that is no list."""
    kind = path.name.removesuffix(".gz")
    if kind not in KINDS:
        return None
    above = path.parent.name
    return (MERGED if above in ("", ".", "blacklists") else above), kind


def _inflated(path: PurePosixPath, file: IO[bytes]) -> IO[bytes]:
    if path.suffix != ".gz":
        return file
    import gzip

    return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]


def _lines(file: IO[bytes], source: Source) -> Iterator[list[str]]:
    """A file's lines, a block at a time. Lines that aren't UTF-8 are read as Latin-1, lines over MAX_LINE left out."""
    rest, size = b"", 0
    while block := file.read(BLOCK):
        size += len(block)
        if size > MAX_BYTES:
            raise BlocklistError(f"{source.path}: a list of over {MAX_BYTES >> 30} GiB; no block list is that big")
        *lines, rest = (rest + block).split(b"\n")
        yield _decoded(lines, source)
        if len(rest) > MAX_LINE:  # keep memory bounded and still know that it was too long
            rest = rest[: MAX_LINE + 1]
    yield _decoded([rest], source)


def _decoded(lines: list[bytes], source: Source) -> list[str]:
    texts = []
    for line in lines:
        if len(line) > MAX_LINE:
            source.too_long += 1
            continue
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError:
            source.not_utf8 += 1
            text = line.decode("latin-1").strip()
        if text and text[0] != "#":
            texts.append(text)
    return texts


# --- Build ------------------------------------------------------------------------------------------------------------


def build_blocklist(
    source: Path,
    output: Path,
    name: str,
    words: Path | None = None,
    listed: str | None = None,
    licence: str = "",
    replace: bool = False,
) -> dict[str, Any]:
    """Compile `source` (a folder or a tar archive) to the folder `output`; returns its header.

    words: a folder with banned_words.txt, soft_banned_words.txt and banned_subwords.txt (datatrove's names), or None.
    listed: the list's date, YYYY-MM-DD; by default the newest modification time among the lists read (UTC).
    The same source gives the same bytes. The folder appears whole or not at all. 4.5 M hosts: 6 s and 300 MB.
    Raises BlocklistError for a source without lists, a bad date, and an output that exists unless `replace`.
    """
    import shutil
    import tempfile

    _check_output(output, replace)
    if not source.exists():
        raise BlocklistError(f"{source} isn't there; give a folder or a tar archive of UT1's layout")
    lists = Source(source)
    hashes = _read_hashes(lists)
    if not hashes:
        raise BlocklistError(f"{source} holds no `domains` or `urls`; give UT1's archive or a folder like it")
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        header = _write_tables(temporary, hashes)
        header |= {
            "format": FORMAT,
            "name": name,
            "date": _list_date(listed, lists.newest),
            "licence": licence,
            "source": {"name": source.name, "sha256": source_sha256(source)},
            "aliases": {alias: real for alias, real in sorted(lists.aliases.items()) if real in header["categories"]},
            "not_utf8": lists.not_utf8,
            "too_long": lists.too_long,
        }
        header["counts"] |= _write_words(temporary / "words.json", words)
        header["files"] = {name: {"sha256": file_sha256(temporary / name)} for name in FILES}
        (temporary / HEADER).write_text(json.dumps(header, indent=1, sort_keys=True) + "\n", "utf-8")
        temporary.chmod(0o755)  # mkdtemp's 0700 would keep other users' processes from sharing it
        _put_in_place(temporary, output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return header


def source_sha256(source: Path) -> str:
    """sha256 of an archive, or of the names and contents of a folder's lists."""
    if source.is_file():
        return file_sha256(source)
    digest = hashlib.sha256()
    for path in sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink()):
        digest.update(f"{path.relative_to(source).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def _read_hashes(source: Source) -> dict[tuple[str, str], np.ndarray]:
    """uint64 hashes of every list, by (category, kind), unsorted. Raises BlocklistError for bytes that are no lists."""
    import tarfile
    import zlib

    import numpy as np

    canonical: dict[str, Callable[[str], str]] = {"domains": canonical_host, "urls": listed_url}
    parts: dict[tuple[str, str], list[np.ndarray]] = {}
    try:
        for category, kind, file in source.files():
            form = canonical[kind]
            blocks = (b"".join(_digest(form(line)) for line in lines) for lines in _lines(file, source))
            parts.setdefault((category, kind), []).extend(np.frombuffer(block, "<u8") for block in blocks)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise BlocklistError(f"{source.path} can't be read as a folder or a tar or tar.gz archive ({error})") from error
    for place, target in source.links.items():
        if target in parts:
            parts.setdefault(place, []).extend(parts[target])
    return {place: np.concatenate(blocks) for place, blocks in parts.items()}


def _write_tables(root: Path, hashes: Mapping[tuple[str, str], np.ndarray]) -> dict[str, Any]:
    """Write the four arrays; returns `categories`, `category_sets` and `counts` for the header."""
    import numpy as np

    categories = sorted({category for category, _ in hashes})
    merged = {}
    for kind in KINDS:
        mine = [(number, hashes[name, kind]) for number, name in enumerate(categories) if (name, kind) in hashes]
        merged[kind] = _merge_duplicates(mine)
    sets = sorted({members for _, several in merged.values() for members in several.values()})
    sets = [(number,) for number in range(len(categories))] + sets
    if len(sets) > 1 << 16:
        raise BlocklistError(f"{len(sets):,} distinct sets of categories, over 65,536: is this a block list?")
    index = {members: number for number, members in enumerate(sets)}
    counts = {}
    for kind, ((keys, first), several) in merged.items():
        numbers = first.copy()
        for at, members in several.items():
            numbers[at] = index[members]
        np.save(root / f"{kind}.npy", keys)
        np.save(root / f"{kind}_categories.npy", numbers)
        counts[kind] = len(keys)
    return {
        "categories": categories,
        "category_sets": [[categories[number] for number in members] for members in sets],
        "counts": counts,
    }


def _merge_duplicates(
    lists: list[tuple[int, np.ndarray]],
) -> tuple[tuple[np.ndarray, np.ndarray], dict[int, tuple[int, ...]]]:
    """Sort and merge (category number, hashes) lists.

    Returns the unique sorted hashes with one category number each, and by position all the numbers of those that
    more than one category lists.
    """
    import numpy as np

    keys = np.concatenate([np.zeros(0, np.uint64), *(part for _, part in lists)])
    numbers = np.concatenate([np.zeros(0, np.uint16), *(np.full(len(part), n, np.uint16) for n, part in lists)])
    order = np.argsort(keys)
    keys, numbers = keys[order], numbers[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), bool), keys[1:] != keys[:-1]]))
    ends = np.append(starts[1:], len(keys))
    several: dict[int, tuple[int, ...]] = {}
    for at in np.flatnonzero(ends - starts > 1).tolist():
        members = tuple(sorted(set(numbers[starts[at] : ends[at]].tolist())))
        if len(members) > 1:
            several[at] = members
    return (keys[starts], numbers[starts]), several


def _list_date(listed: str | None, newest: float) -> str:
    from datetime import UTC, date, datetime

    if listed is None:
        return datetime.fromtimestamp(newest, UTC).date().isoformat()
    try:
        return date.fromisoformat(listed).isoformat()
    except ValueError as error:
        raise BlocklistError(f"--date {listed!r} isn't a date; write YYYY-MM-DD") from error


def _write_words(path: Path, folder: Path | None) -> dict[str, int]:
    """words.json from the three word files; returns how many words each holds. A file that is absent gives no words."""
    words: dict[str, list[str]] = {kind: [] for kind in WORD_FILES}
    if folder is not None:
        found = {kind: folder / name for kind, name in WORD_FILES.items() if (folder / name).is_file()}
        if not found:
            raise BlocklistError(f"{folder} holds none of {', '.join(WORD_FILES.values())}; leave --words out for none")
        words |= {kind: _read_words(file) for kind, file in found.items()}
    path.write_text(json.dumps(words, indent=1) + "\n", "utf-8")
    return {kind: len(entries) for kind, entries in words.items()}


def _read_words(path: Path) -> list[str]:
    """Sorted words, each cut down to ASCII letters and digits in lower case, as datatrove reads its lists.

    A line that starts with `#` is a comment there, so its thirteen hashtags (`#mong`) count for nothing, here too.
    """
    lines = path.read_text("utf-8").splitlines()
    return sorted({"".join(words_of(line)) for line in lines if not line.startswith("#")} - {""})


def _check_output(output: Path, replace: bool) -> None:
    """A folder that holds anything but a compiled list is never replaced."""
    if output.exists() and not replace:
        raise BlocklistError(f"{output} exists; give --replace, or another --output")
    if output.exists() and (not output.is_dir() or {path.name for path in output.iterdir()} - {*FILES, HEADER}):
        raise BlocklistError(f"{output} is no compiled block list and won't be replaced; give another --output")


def _put_in_place(temporary: Path, output: Path) -> None:
    """Rename a finished folder to its name. One that is there gives way; its readers keep their files."""
    import shutil
    import tempfile

    while True:
        try:
            temporary.rename(output)
            return
        except OSError:
            if not output.is_dir():
                raise
        old = Path(tempfile.mkdtemp(prefix=f".{output.name}.old.", dir=output.parent))
        with suppress(FileNotFoundError):  # another process was faster
            output.rename(old)
        shutil.rmtree(old, ignore_errors=True)
