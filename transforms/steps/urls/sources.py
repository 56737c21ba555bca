"""Reading block lists as they are published: UT1 and datatrove, folders and archives, in one pass."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from schemas.storage import raise_unless_gone
from transforms.steps.urls.blocklist import KINDS, MERGED, WORD_FILES, BlocklistError

if TYPE_CHECKING:  # only archives need it
    import tarfile

MAX_LINE = 4096  # bytes of one entry; UT1's longest is under 2,000
MAX_MEMBERS = 20_000  # files in an archive; UT1 has about 250
MAX_BYTES = 8 << 30  # inflated bytes of a whole archive; UT1 has about 150 MB
BLOCK = 1 << 20  # bytes read at a time
MAX_EXAMPLES, MAX_SHOWN = 10, 80  # lines shown of those that can never match, and characters of each
# Beside lists in UT1's archive and datatrove's: regular expressions, notes and words, which are read elsewhere.
KNOWN_OTHERS = frozenset(
    {"expressions", "very_restrictive_expression", "usage", "global_usage", "categories", "blocklist.json"}
    | set(WORD_FILES.values())
)


@dataclass
class Source:
    """A folder or tar archive of UT1's layout, or datatrove's.

    UT1 has one folder per category that holds `domains` and `urls`; whatever lies above (`blacklists/`) is ignored,
    and so are `expressions` (regular expressions) and `usage`. Files at the top, as in datatrove's merged archive,
    are of the category `merged`. `domains.gz` is read too: mirrors on GitHub compress what is over 100 MB.

    path: of the folder or archive. The other fields are filled while it is read:
    newest: modification time of the newest file read, seconds since 1970
    aliases: category folders that are links, by name, to the name of their target
    links: lists that are links, (category, kind) to (category, kind)
    not_utf8: lines that are no UTF-8 and were read as Latin-1
    too_long: lines over MAX_LINE, which were left out
    unmatched: lines that can match no page, which were left out
    examples: the first of these, with their file
    left_out: files that are no list by their name, such as `domains.2`
    """

    path: Path
    newest: float = 0.0
    aliases: dict[str, str] = field(default_factory=dict)
    links: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    not_utf8: int = 0
    too_long: int = 0
    unmatched: int = 0
    examples: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def note_unmatched(self, file: str, line: str) -> None:
        self.unmatched += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{file}: {line[:MAX_SHOWN]}")

    def note_left_out(self, path: PurePosixPath) -> None:
        """Files that lists are published with are no surprise."""
        if path.name not in KNOWN_OTHERS and not path.name.startswith((".", "README", "LICENSE", "cc-")):
            self.left_out.append(path.as_posix())

    def files(self) -> Iterator[tuple[str, str, IO[bytes]]]:
        """(category, kind, open file) of every list, in a stable order. Nothing is written to disk."""
        if self.path.is_dir():
            yield from self._folder_files()
        else:
            yield from self._archive_files()

    def _folder_files(self) -> Iterator[tuple[str, str, IO[bytes]]]:
        for folder, folders, names in os.walk(self.path, onerror=raise_unless_gone):
            folders.sort()
            here = Path(folder)
            for name in folders:
                if (here / name).is_symlink():
                    self.aliases[name] = (here / name).readlink().name
            for name in sorted(names):
                path = here / name
                relative = PurePosixPath(path.relative_to(self.path).as_posix())
                listed = _category_and_kind(relative)
                if listed is None:
                    self.note_left_out(relative)
                elif not path.is_symlink():
                    self.newest = max(self.newest, path.stat().st_mtime)
                    with path.open("rb") as file:
                        yield *listed, _gunzipped(relative, file)

    def _archive_files(self) -> Iterator[tuple[str, str, IO[bytes]]]:
        import gzip
        import tarfile

        with self.path.open("rb") as raw:
            zipped = raw.peek(2).startswith(b"\x1f\x8b")
            stream = gzip.GzipFile(fileobj=raw) if zipped else raw
            with tarfile.open(fileobj=stream, mode="r|") as tar:  # one pass, no seeking, no extraction
                yield from self._members(tar)
            while stream.read(BLOCK):  # up to gzip's checksum: tarfile does not notice that an archive is cut
                pass

    def _members(self, tar: tarfile.TarFile) -> Iterator[tuple[str, str, IO[bytes]]]:
        total = 0
        for count, member in enumerate(tar, 1):
            total += member.size
            if count > MAX_MEMBERS or total > MAX_BYTES:
                limits = f"over {MAX_MEMBERS:,} files or {MAX_BYTES >> 30} GiB"
                raise BlocklistError(f"{self.path}: {limits}; no block list is that big")
            listed = _category_and_kind(PurePosixPath(member.name))
            if member.issym() or member.islnk():
                self._note_link(member, listed)
            elif listed is None:
                if member.isreg():
                    self.note_left_out(PurePosixPath(member.name))
            elif member.isreg() and (file := tar.extractfile(member)):
                self.newest = max(self.newest, member.mtime)
                yield *listed, _gunzipped(PurePosixPath(member.name), file)

    def _note_link(self, member: tarfile.TarInfo, listed: tuple[str, str] | None) -> None:
        if listed is None:
            self.aliases[PurePosixPath(member.name).name] = PurePosixPath(member.linkname).name
            return
        # A symbolic link's target is relative to its own folder, a hard link's to the top of the archive.
        above = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
        if target := _category_and_kind(PurePosixPath(os.path.normpath(above / member.linkname))):
            self.links[listed] = target


def _category_and_kind(path: PurePosixPath) -> tuple[str, str] | None:
    """(category, kind) of a file by its name and its folder's, None for a file that is no list."""
    kind = path.name.removesuffix(".gz")
    if kind not in KINDS:
        return None
    above = path.parent.name
    return (MERGED if above in ("", ".", "blacklists") else above), kind


def _gunzipped(path: PurePosixPath, file: IO[bytes]) -> IO[bytes]:
    if path.suffix != ".gz":
        return file
    import gzip

    return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]


def lines_of(file: IO[bytes], source: Source) -> Iterator[list[str]]:
    """A file's lines, a block at a time. Lines that aren't UTF-8 are read as Latin-1, lines over MAX_LINE left out."""
    rest, size = b"", 0
    while block := file.read(BLOCK):
        size += len(block)
        if size > MAX_BYTES:
            raise BlocklistError(f"{source.path}: a list of over {MAX_BYTES >> 30} GiB; no block list is that big")
        *lines, rest = (rest + block).split(b"\n")
        yield _decoded(lines, source)
        if len(rest) > MAX_LINE:  # bounds memory; one byte over the limit still says that the line was too long
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
        if text:
            texts.append(text)
    return texts
