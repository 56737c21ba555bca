"""manifest.json: written last, it says that a directory is finished and what is in it. Readers trust it alone.

Of many files, read or written, it names a Parquet table beside it that lists them: as JSON, a crawl's would take
gigabytes to read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import pyarrow as pa
from pyarrow import fs

from schemas.faults import BadInput, reason
from schemas.storage import (
    WRITE_ANEW,
    is_local,
    join,
    locate,
    open_read,
    read_json,
    remove,
    size_of,
    unreadable,
    write_json,
    write_whole,
)

if TYPE_CHECKING:
    import pyarrow.dataset as ds

MANIFEST = "manifest.json"
FORMAT_VERSION, WITH_TABLES = 1, 2  # with all files as lists in it, and with many as a table beside it
READ_VERSIONS = f"{FORMAT_VERSION} and {WITH_TABLES}"
MANY_FILES = 1000  # from more on they are a table; a list of so many is a quarter of a megabyte
# Named after its content, so that a manifest never comes to name another table than it was written with.
TABLE_NAME = re.compile(r"(?:files|source)-[0-9a-f]{16}\.parquet")
ROWS_AT_ONCE = 8192  # of the table, as Python's objects
FILES_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
    ]
)
# Of the files that curate reads; a value that is not there is null.
SOURCE_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("problem", pa.string()),
        pa.field("file_path", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A finished file.

    path: relative to the directory.
    rows: of a table; 0 for other files.
    bytes: its size.
    sha256: of its bytes, in hex.
    """

    path: str
    rows: int
    bytes: int
    sha256: str


class FileTable(Sequence[FileEntry]):
    """Many files as columns of FILES_SCHEMA, sorted by path: a fourth of the memory that as many FileEntry take."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return self.table.num_rows

    def __iter__(self) -> Iterator[FileEntry]:
        for batch in self.table.to_batches(ROWS_AT_ONCE):
            yield from map(FileEntry, *(column.to_pylist() for column in batch.columns))

    @overload
    def __getitem__(self, index: int) -> FileEntry: ...
    @overload
    def __getitem__(self, index: slice) -> FileTable: ...
    def __getitem__(self, index: int | slice) -> FileEntry | FileTable:
        if isinstance(index, slice):
            return FileTable(self.table.take(list(range(*index.indices(len(self))))))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        [row] = self.table.slice(index % len(self), 1).to_pylist()
        return FileEntry(**row)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileTable) and self.table.equals(other.table)

    def below(self, prefix: str) -> FileTable:
        import pyarrow.compute as pc

        starts = pc.call_function("starts_with", [self.table["path"]], pc.MatchSubstringOptions(prefix))
        return FileTable(self.table.filter(starts))


def sorted_files(files: Iterable[FileEntry]) -> Sequence[FileEntry]:
    """Files in the order of their paths, many of them as columns."""
    if isinstance(files, FileTable):
        return files
    files = list(files)
    if len(files) <= MANY_FILES:
        return tuple(sorted(files, key=lambda file: file.path))
    columns = {name: [getattr(file, name) for file in files] for name in FILES_SCHEMA.names}
    return FileTable(pa.table(columns, schema=FILES_SCHEMA).sort_by("path").combine_chunks())


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a finished directory holds and came from.

    stage: the stage that wrote it, e.g. "curate".
    settings: recipe, options and assets with their hashes. Nothing that differs between two runs of the same work.
    versions: of the packages that its bytes depend on.
    source: the input files and their sizes, or the manifests of the input directories.
    counts: what the stage counted.
    files: all that belongs to it.
    dataset_hash: sha256 over the sorted paths and hashes of all files; equal hashes are equal datasets.
    format_version: of this layout; a reader takes those that it knows and no other.
    """

    stage: str
    settings: dict[str, Any]
    versions: dict[str, str]
    source: list[dict[str, Any]]
    counts: dict[str, Any]
    files: Sequence[FileEntry]
    dataset_hash: str
    format_version: int = FORMAT_VERSION

    def below(self, prefix: str) -> Sequence[FileEntry]:
        """The files whose paths begin so, sorted by path."""
        if isinstance(self.files, FileTable):
            return self.files.below(prefix)
        return tuple(sorted((file for file in self.files if file.path.startswith(prefix)), key=lambda file: file.path))


def hash_dataset(files: Iterable[FileEntry]) -> str:
    """sha256 over lines of path, NUL and sha256, sorted; the same of a list and of a table."""
    lines = (f"{file.path}\x00{file.sha256}" for file in files)
    digest, between = hashlib.sha256(), ""
    for line in lines if isinstance(files, FileTable) else sorted(lines):
        digest.update(f"{between}{line}".encode())
        between = "\n"
    return digest.hexdigest()


def versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of packages by their name, of those that are installed."""
    import importlib.metadata

    known = {}
    for name in names:
        try:
            known[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return known


def write_manifest(folder: str, manifest: Manifest) -> None:
    """Write it, after tables of what is many; tables of an earlier manifest are removed after it."""
    source = [portable(item, folder) for item in manifest.source]
    value = asdict(replace(manifest, files=(), source=[])) | {"source": source}
    tables: dict[str, pa.Table] = {}
    if isinstance(files := sorted_files(manifest.files), FileTable):
        tables["files"] = files.table
    else:
        value["files"] = [asdict(file) for file in manifest.files]
    if len(manifest.source) > MANY_FILES:
        tables["source"] = pa.Table.from_pylist(manifest.source, SOURCE_SCHEMA)
    written = {name: _write_table(folder, name, table) for name, table in tables.items()}
    version = WITH_TABLES if tables else FORMAT_VERSION
    write_json(join(folder, MANIFEST), value | written | {"format_version": version})
    if tables:
        remove_tables(folder, but=tuple(named["path"] for named in written.values()))


def _write_table(folder: str, name: str, table: pa.Table) -> dict[str, Any]:
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(table, out, compression="zstd", use_dictionary=False)
    data = out.getvalue().to_pybytes()
    sha256 = hashlib.sha256(data).hexdigest()
    path = f"{name}-{sha256[:16]}.parquet"
    with write_whole(join(folder, path)) as file:
        file.write(data)
    return {"path": path, "rows": len(table), "bytes": len(data), "sha256": sha256}


def _read_table(folder: str, named: dict[str, Any], schema: pa.Schema) -> pa.Table:
    """Raises BadInput if the table is not the one that the manifest was written with, else errors as of no manifest."""
    import pyarrow.parquet as pq

    if not TABLE_NAME.fullmatch(named["path"]):
        raise ValueError(f"a table in {named['path']!r}")
    path = join(folder, named["path"])
    try:
        with open_read(path) as file:
            data = file.read(named["bytes"] + 1)
    except OSError as error:
        raise unreadable(path, error, WRITE_ANEW) from error
    if len(data) != named["bytes"] or hashlib.sha256(data).hexdigest() != named["sha256"]:
        raise BadInput(f"{path} is not the table that {MANIFEST} was written with; {WRITE_ANEW}")
    return pq.ParquetFile(pa.BufferReader(data)).read().cast(schema).combine_chunks()


def portable(source: dict[str, Any], folder: str) -> dict[str, Any]:
    """What an output in `folder` was made of, the same from whatever working folder it was named.

    A dataset beside the output is named from there on, as they are moved together; another one by its absolute path.
    """
    path = source.get("path")
    if "dataset_hash" not in source or not isinstance(path, str) or not is_local(path):
        return source
    there, here = Path(path).resolve(), Path(folder).resolve()
    is_beside = is_local(folder) and there != here and there.parent == here.parent
    return source | {"path": f"../{there.name}" if is_beside else str(there)}


def found_from(source: Any, folder: str) -> Any:
    """The opposite of `portable`: with the path as this process can use it."""
    if isinstance(source, dict) and "dataset_hash" in source and str(source.get("path", "")).startswith("../"):
        return source | {"path": str(Path(folder, source["path"]).resolve())}
    return source


def remove_tables(folder: str, but: tuple[str, ...] = ()) -> None:
    """Remove tables that no manifest names. No folder, nothing to do."""
    filesystem, name = locate(folder)
    for info in filesystem.get_file_info(fs.FileSelector(name, allow_not_found=True)):
        if info.base_name not in but and TABLE_NAME.fullmatch(info.base_name):
            remove(join(folder, info.base_name))


def read_manifest(folder: str) -> Manifest | None:
    """The directory's manifest, or None if it is not finished.

    Raises BadInput if the file is no manifest, or of a format that another version of Bateia writes.
    """
    path = join(folder, MANIFEST)
    if size_of(path) is None:
        return None
    try:
        value = read_json(path)
    except OSError as error:
        raise unreadable(path, error, "check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise _foreign(path, error) from error
    _check_format(path, value)
    try:
        files, source = value.pop("files"), value.pop("source")
        if isinstance(source, dict):
            rows = _read_table(folder, source, SOURCE_SCHEMA).to_pylist()
            source = [{key: item for key, item in row.items() if item is not None} for row in rows]
        elif is_local(folder) and isinstance(source, list):
            source = [found_from(item, folder) for item in source]
        if isinstance(files, dict):
            files = FileTable(_read_table(folder, files, FILES_SCHEMA))
        else:
            files = tuple(FileEntry(**entry) for entry in files)
        manifest = Manifest(files=files, source=source, **value)
    except BadInput:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise _foreign(path, error) from error
    if "format_version" not in value:
        raise BadInput(f"{path} names no format_version (this Bateia reads {READ_VERSIONS}); {WRITE_ANEW}")
    return manifest


def _check_format(path: str, value: Any) -> None:
    """Raise BadInput for another format_version. Checked first, because another format may have other fields."""
    version = value.get("format_version", FORMAT_VERSION) if isinstance(value, dict) else FORMAT_VERSION
    if type(version) is not int:
        raise _foreign(path, TypeError(f"format_version {version!r}"))
    differs = f"(format {version}, this one reads {READ_VERSIONS})"
    if version > WITH_TABLES:
        raise BadInput(f"{path} was written by a newer Bateia {differs}; update Bateia")
    if version < FORMAT_VERSION:
        raise BadInput(f"{path} was written by an older Bateia {differs}; {WRITE_ANEW}")


def _foreign(path: str, error: Exception) -> BadInput:
    return BadInput(f"{path} is no Bateia manifest ({reason(error)}); give a directory that Bateia wrote")


def open_finished(folder: str, stages: tuple[str, ...], command: str) -> Manifest:
    """The manifest of a directory that one of the stages has finished.

    command: what writes such a directory, for messages.

    Raises BadInput if the directory is not finished, was written by another stage, or can't be read.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise BadInput(f"{folder} has no {MANIFEST}, so it is not finished; run {command} to the end first")
    if manifest.stage not in stages:
        raise BadInput(f"{folder} was written by stage '{manifest.stage}'; give an output of {command}")
    return manifest


def open_dataset(folder: str, prefix: str) -> ds.Dataset:
    """A finished directory's Parquet files below `prefix`, as an Arrow dataset. Raises BadInput if there are none."""
    import pyarrow.dataset as ds

    manifest = read_manifest(folder)
    if manifest is None:
        raise BadInput(f"{folder} has no {MANIFEST}, so it is not finished; run its command to the end first")
    paths = [join(folder, file.path) for file in manifest.below(prefix)]
    if not paths:
        raise BadInput(f"{folder} was written by stage '{manifest.stage}' and has no {prefix}; give another directory")
    filesystem, _ = locate(folder)
    return ds.dataset([locate(path)[1] for path in paths], filesystem=filesystem, format="parquet")
