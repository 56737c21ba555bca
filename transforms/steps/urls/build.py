"""Compiling a block list: published lists in, the folder of blocklist.py out, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transforms.steps.urls.blocklist import FILES, FORMAT, HEADER, KINDS, WORD_FILES, BlocklistError, file_sha256
from transforms.steps.urls.entries import entries_of
from transforms.steps.urls.forms import digest_of, words_of
from transforms.steps.urls.sources import Source, lines_of

if TYPE_CHECKING:  # imported where a build needs it: listing the recipes must not wait for numpy
    import numpy as np


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
            "unmatched": {"lines": lists.unmatched, "examples": lists.examples},
            "left_out": lists.left_out,
        }
        header["counts"] |= _write_words(temporary / "words.json", words)
        header["files"] = {name: {"sha256": file_sha256(temporary / name)} for name in FILES}
        (temporary / HEADER).write_text(json.dumps(header, indent=1, sort_keys=True) + "\n", "utf-8")
        temporary.chmod(0o755)  # mkdtemp's 0700 would keep other users' processes from sharing it
        _rename_folder(temporary, output)
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

    parts: dict[tuple[str, str], list[np.ndarray]] = {}
    try:
        for category, kind, file in source.files():
            parts.setdefault((category, kind), [])
            for lines in lines_of(file, source):
                for listed, digests in digests_of(lines, kind, f"{category}/{kind}", source).items():
                    parts.setdefault((category, listed), []).append(np.frombuffer(digests, "<u8"))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise BlocklistError(f"{source.path} can't be read as a folder or a tar or tar.gz archive ({error})") from error
    for link, target in source.links.items():
        if target in parts:
            parts.setdefault(link, []).extend(parts[target])
    return {listed: np.concatenate([np.zeros(0, np.uint64), *blocks]) for listed, blocks in parts.items()}


def digests_of(lines: list[str], kind: str, file: str, source: Source) -> dict[str, bytes]:
    """Hashes of what lines list, by kind. Lines that can never match are counted in the source."""
    digests: dict[str, list[bytes]] = {}
    for line in lines:
        entries = entries_of(line, kind)
        if entries == []:
            source.note_unmatched(file, line)
        for entry in entries or ():
            digests.setdefault(entry.kind, []).append(digest_of(entry.form))
    return {listed: b"".join(parts) for listed, parts in digests.items()}


def _write_tables(root: Path, hashes: Mapping[tuple[str, str], np.ndarray]) -> dict[str, Any]:
    """Write the four arrays; returns `categories`, `category_sets` and `counts` for the header."""
    import numpy as np

    categories = sorted({category for category, _ in hashes})
    merged = {}
    for kind in KINDS:
        lists = [(number, hashes[name, kind]) for number, name in enumerate(categories) if (name, kind) in hashes]
        merged[kind] = _merge_duplicates(lists)
    sets = sorted({members for _, shared in merged.values() for members in shared.values()})
    sets = [(number,) for number in range(len(categories))] + sets
    if len(sets) > 1 << 16:
        raise BlocklistError(f"{len(sets):,} distinct sets of categories, over 65,536: is this a block list?")
    index = {members: number for number, members in enumerate(sets)}
    counts = {}
    for kind, ((keys, first), shared) in merged.items():
        numbers = first.copy()
        for position, members in shared.items():
            numbers[position] = index[members]
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

    Returns (unique sorted hashes, one category number of each), and for hashes that more than one category lists, by
    their position among the sorted ones, all their category numbers.
    """
    import numpy as np

    keys = np.concatenate([np.zeros(0, np.uint64), *(part for _, part in lists)])
    numbers = np.concatenate([np.zeros(0, np.uint16), *(np.full(len(part), n, np.uint16) for n, part in lists)])
    order = np.argsort(keys)
    keys, numbers = keys[order], numbers[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), bool), keys[1:] != keys[:-1]]))
    ends = np.append(starts[1:], len(keys))
    shared: dict[int, tuple[int, ...]] = {}
    for position in np.flatnonzero(ends - starts > 1).tolist():
        members = tuple(sorted(set(numbers[starts[position] : ends[position]].tolist())))
        if len(members) > 1:
            shared[position] = members
    return (keys[starts], numbers[starts]), shared


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
        files = {kind: folder / name for kind, name in WORD_FILES.items() if (folder / name).is_file()}
        if not files:
            raise BlocklistError(f"{folder} holds none of {', '.join(WORD_FILES.values())}; leave --words out for none")
        words |= {kind: _read_words(file) for kind, file in files.items()}
    path.write_text(json.dumps(words, indent=1) + "\n", "utf-8")
    return {kind: len(entries) for kind, entries in words.items()}


def _read_words(path: Path) -> list[str]:
    """Sorted words, each cut down to ASCII letters and digits in lower case, as datatrove reads its lists.

    datatrove takes a line that starts with `#` for a comment, so the thirteen hashtags in its lists (`#mong`) have no
    effect; here neither.
    """
    lines = path.read_text("utf-8").splitlines()
    return sorted({"".join(words_of(line)) for line in lines if not line.startswith("#")} - {""})


def _check_output(output: Path, replace: bool) -> None:
    """A folder that holds anything but a compiled list is never replaced."""
    if output.exists() and not replace:
        raise BlocklistError(f"{output} exists; give --replace, or another --output")
    if output.exists() and (not output.is_dir() or {path.name for path in output.iterdir()} - {*FILES, HEADER}):
        raise BlocklistError(f"{output} is no compiled block list and won't be replaced; give another --output")


def _rename_folder(temporary: Path, output: Path) -> None:
    """Rename a finished folder to `output`. A folder of that name is removed; who has its files open can read on."""
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
