"""Files on a local disk, S3 or GCS by one set of calls (pyarrow's file systems), written whole or not at all."""

from __future__ import annotations

import codecs
import errno
import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from schemas.faults import BadInput, NamedReader, named, reason

if TYPE_CHECKING:
    from pyarrow.compute import Expression

    Filters = Expression | list[tuple[str, str, Any]]

SCHEMES = ("s3", "gs", "gcs", "hdfs", "viewfs", "file")  # pyarrow's that stages are tried with
URI_CHARS = "/:?&=%@+,;~!$'()*"  # left as they are: those of a URI's syntax, and % of what is encoded already
OBJECT_STORES = ("s3", "gs", "gcs")
CLIENT_VARIABLES = (
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_REGION"),
    *("CLOUD_STORAGE_EMULATOR_ENDPOINT", "GOOGLE_APPLICATION_CREDENTIALS"),
)
PROBE_S = 5  # in which Google's storage must answer at first; its client would try for 15 minutes
SPOOL_BYTES = 32 << 20  # of an object held in memory before it is sent; more goes to a temporary file
CHUNK_BYTES = 8 << 20
WRITE_ANEW = "write its directory anew"


def locate(path: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a local path or URI (s3://, gs://, hdfs://) and the path within it.

    A URI may have characters that its standard wants encoded, such as spaces: people type names as they see them.
    Raises BadInput for another scheme and for what is no URI.
    """
    if "://" not in path:
        return fs.LocalFileSystem(), str(Path(path).absolute())
    scheme = path.partition("://")[0].lower()
    if scheme not in SCHEMES:
        fetch = scheme in ("http", "https", "ftp")
        how = "download what is to be read, with curl -O" if fetch else "copy it to one of these"
        raise BadInput(f"{path}: {scheme}:// can't be read or written, but local paths, s3:// and gs:// can; {how}")
    try:
        if scheme in OBJECT_STORES:
            parts = urlsplit(quote(path, safe=URI_CHARS))
            if not parts.netloc:
                raise ValueError("no bucket is named")
            # Test servers and accounts are named by variables, and a forked process needs a client of its own.
            state = (os.getpid(), *(os.environ.get(name) for name in CLIENT_VARIABLES))
            user, _, bucket = parts.netloc.rpartition("@")
            if user not in ("", "anonymous"):
                raise ValueError("it has a key in it, which would be recorded; set AWS_ACCESS_KEY_ID instead")
            return client(scheme, parts.netloc, parts.query, state), f"{bucket}{unquote(parts.path)}"
        return fs.FileSystem.from_uri(quote(path, safe=URI_CHARS))
    except (ValueError, NotImplementedError, OSError) as error:  # OSError: a bucket's region is asked for
        remedy = f"write it as {scheme}://BUCKET/NAME, and check the network and your credentials"
        if scheme in ("gs", "gcs"):
            remedy += " (GOOGLE_APPLICATION_CREDENTIALS; for a public bucket write gs://anonymous@BUCKET/NAME)"
        raise BadInput(f"{path} can't be reached ({reason(error)}); {remedy}") from error


@lru_cache(maxsize=64)
def client(scheme: str, bucket: str, options: str, state: tuple[object, ...]) -> fs.FileSystem:
    """The client of a bucket, kept: each has connections of its own, and takes 20 ms to make.

    state: all else that it depends on.
    """
    # Small objects are sent by one request instead of an upload in parts, of which a killed process leaves some behind.
    whole = ["allow_delayed_open=true"] if scheme == "s3" and "allow_delayed_open" not in options else []
    query = "&".join([*([options] if options else []), *whole])
    if scheme != "s3" and "retry_limit_seconds" not in options:
        require_answer(f"{scheme}://{bucket}?{query}&retry_limit_seconds={PROBE_S}")
    return fs.FileSystem.from_uri(f"{scheme}://{bucket}{f'?{query}' if query else ''}")[0]


def require_answer(uri: str) -> None:
    """Raise OSError if nothing answers for a bucket; what it answers, such as that this is forbidden, is no matter."""
    filesystem, bucket = fs.FileSystem.from_uri(uri)
    try:
        filesystem.get_file_info(bucket)
    except OSError as error:
        if "Retry policy exhausted" in str(error):
            told = str(error).partition("with a last message of ")[2].partition(" error_info=")[0].partition(". ")[0]
            raise OSError(told.removeprefix("PerformWork() - ") or "nothing answers") from error


def is_local(path: str) -> bool:
    return "://" not in path


def is_object(path: str) -> bool:
    return path.partition("://")[0].lower() in OBJECT_STORES


def absolute(path: str, folder: str = "") -> str:
    """A path as another process can use it, whose working folder is another; a URI as it is.

    folder: what a relative path is relative to, by default the working folder.
    """
    return str(Path(folder, path).absolute()) if is_local(path) else path


def join(folder: str, *names: str) -> str:
    return "/".join([folder.rstrip("/"), *names])


def size_of(path: str) -> int | None:
    """Size of a file in bytes, or None if there is no such file. Raises OSError if the file system can't say."""
    filesystem, name = locate(path)
    info = filesystem.get_file_info(name)
    return info.size if info.type == fs.FileType.File else None


def open_read(path: str) -> BinaryIO:
    """Open a file for reading at any position. Raises OSError (FileNotFoundError, PermissionError, …)."""
    if is_local(path):
        return io.BufferedReader(NamedReader(path))
    filesystem, name = locate(path)
    return cast(BinaryIO, filesystem.open_input_file(name))


def list_files(folder: str, suffix: str = "") -> list[str]:
    """Paths of all files below `folder` that end in `suffix`, sorted, without hidden ones. No folder, no files."""
    names = local_names(folder) if is_local(folder) else sizes_below(folder)
    return [
        join(folder, n)
        for n in sorted(names)
        if n.endswith(suffix) and not any(p.startswith(".") for p in n.split("/"))
    ]


def local_names(folder: str, deep: bool = True, follow: bool = True) -> Iterator[str]:
    """Paths of all files below a local folder, from there on. Nothing is asked about them, so a million take seconds.

    deep: also of those in folders of it; follow: and of those that links lead to.
    Raises OSError for a folder that can't be listed: without its files a dataset would be another one.
    """
    for path, folders, names in os.walk(folder, followlinks=follow, onerror=raise_unless_gone):
        below = path[len(folder.rstrip("/")) + 1 :]
        yield from (f"{below}/{name}" if below else name for name in names)
        if not deep:
            folders.clear()


def raise_unless_gone(error: OSError) -> None:
    """What `os.walk` does about a folder, which it passes over otherwise."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


def sizes_below(folder: str) -> dict[str, int]:
    """Sizes of all files below `folder`, by their paths from there on; one listing. No folder, no files."""
    filesystem, root = locate(folder)
    start = len(root.rstrip("/")) + 1
    infos = filesystem.get_file_info(fs.FileSelector(root, recursive=True, allow_not_found=True))
    return {info.path[start:]: info.size for info in infos if info.type == fs.FileType.File}


def remove(path: str) -> None:
    filesystem, name = locate(path)
    if filesystem.get_file_info(name).type == fs.FileType.File:
        filesystem.delete_file(name)


def remove_durably(path: str) -> None:
    """Remove a file that must not come back after a power cut, such as a manifest of what is about to change."""
    remove(path)
    sync_folder_of(path)


def remove_folder(path: str) -> None:
    filesystem, name = locate(path)
    if filesystem.get_file_info(name).type == fs.FileType.Directory:
        # Of Google's storage pyarrow removes what is in a folder, then an object that stands for it, which few have.
        with suppress(FileNotFoundError) if is_object(path) else nullcontext():
            filesystem.delete_dir(name)


def sync(path: str) -> None:
    """Flush a file of a local disk, or the names in a folder, so that a power cut leaves them. Nothing if it is gone.

    A file system that can't flush folders (some network disks) keeps names in its own way.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise named(error, path) from error.__cause__
    finally:
        os.close(descriptor)


def sync_folder_of(path: str) -> None:
    """Flush the name of a file, or that it is gone. Object stores do so at once."""
    if is_local(path):
        sync(str(Path(path).absolute().parent))


def make_folder(path: str) -> None:
    """Make a local folder with its parents, so that a power cut leaves them."""
    missing, folder = [], Path(path)
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync(str(each.parent))


class HashingFile:
    """A file being written that counts its bytes and hashes them.

    bytes: how many were written
    sha256: of these, in hex
    """

    def __init__(self, sink: Any, path: str = "") -> None:
        """path: named by its faults."""
        self._sink, self._path = sink, path
        self._sha256 = hashlib.sha256()
        self.bytes = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self._sha256.update(data)
        self.bytes += len(data)
        try:
            self._sink.write(data)
        except OSError as error:
            raise named(error, self._path) from error.__cause__
        return len(data)

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None:
        self.closed = True

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class PendingFile:
    """A file that gets its name when it is whole, by `commit`.

    On a local disk it has a temporary hidden name until then, another one in each attempt, so that two processes can
    write the same file. Its bytes are flushed before it gets its name, and its name before `commit` returns: what is
    written later, such as a manifest, can't survive a power cut without it. An object store takes objects whole and
    durably, so there it is sent when it is complete, by one request if it is small.

    path: the final one
    file: to write to
    durable: whether it is flushed; without, a power cut may leave it empty or take it away
    """

    def __init__(self, path: str, durable: bool = True) -> None:
        self.path, self._durable = path, durable
        self._filesystem, self._final = locate(path)
        folder, _, name = self._final.rpartition("/")
        self._temporary = f"{folder}/.{name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
        self._is_object = is_object(path)
        self._stream: Any
        if self._is_object:
            self._stream = SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed by commit or discard
        elif isinstance(self._filesystem, fs.LocalFileSystem):
            make_folder(folder)
            self._stream = Path(self._temporary).open("wb")  # noqa: SIM115
        else:
            self._filesystem.create_dir(folder, recursive=True)
            self._stream = self._filesystem.open_output_stream(self._temporary)
        self.file = HashingFile(self._stream, path)

    def commit(self) -> None:
        try:
            self._commit()
        except OSError as error:
            raise named(error, self.path) from error.__cause__

    def _commit(self) -> None:
        if self._is_object:
            self._send()
        elif not isinstance(self._filesystem, fs.LocalFileSystem):
            self._stream.close()
            self._filesystem.move(self._temporary, self._final)
        else:
            self._stream.flush()
            if self._durable:
                os.fsync(self._stream.fileno())
            self._stream.close()
            os.replace(self._temporary, self._final)  # noqa: PTH105 - a test watches this very call
            if self._durable:
                sync(self._final.rpartition("/")[0])

    def _send(self) -> None:
        self._stream.seek(0)
        with self._stream, self._filesystem.open_output_stream(self._final) as out:
            while chunk := self._stream.read(CHUNK_BYTES):
                out.write(chunk)

    def discard(self) -> None:
        with suppress(OSError):  # closing writes once more, which may fail as before
            self._stream.close()
        if not self._is_object and self._filesystem.get_file_info(self._temporary).type == fs.FileType.File:
            self._filesystem.delete_file(self._temporary)


@contextmanager
def write_whole(path: str, durable: bool = True) -> Iterator[HashingFile]:
    """Write a file that appears under its name only when the block ends without an exception. durable: see above."""
    pending = PendingFile(path, durable)
    try:
        yield pending.file
    except BaseException:
        pending.discard()
        raise
    pending.commit()


def write_json(path: str, value: Any, durable: bool = True) -> None:
    """Write JSON with sorted keys, whole or not at all. durable: whether it has to survive a power cut."""
    with write_whole(path, durable) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n")


def read_json(path: str, size: int | None = None) -> Any:
    """Read JSON. Raises OSError if the file can't be read and ValueError if it is no JSON.

    size: the file's, if a listing told it: an object store need not be asked for it, which halves the requests.
    """
    if size is not None and is_object(path):
        return json.loads("\n".join(lines_of_object(path, size)))
    with open_read(path) as file:
        return json.loads(file.read())


def lines_of_object(path: str, size: int) -> list[str]:
    """The lines of an object of which the size is known, by one request. For texts without control characters.

    pyarrow opens a file by its path and asks for its size first, except as a fragment of a dataset. Of the formats that
    fragments have, CSV leaves texts as they are, with a column that nothing ends and nothing quotes.
    """
    from pyarrow import csv, dataset

    parse = csv.ParseOptions(delimiter="\x01", quote_char=False, escape_char=False)
    read = csv.ReadOptions(column_names=["line"], block_size=size + 1, use_threads=False)
    filesystem, name = locate(path)
    fragment = dataset.CsvFileFormat(parse, read_options=read).make_fragment(name, filesystem, file_size=size)
    lines = fragment.to_table(schema=pa.schema([("line", pa.string())]), use_threads=False)
    return lines["line"].to_pylist()


def lines_of_list(data: bytes) -> list[str]:
    """The lines of a list that a person wrote: stripped, without empty ones and those that begin with #.

    A byte order mark is ignored, and says so if the text is UTF-16, as Windows PowerShell writes it. Raises
    UnicodeDecodeError.
    """
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    lines = (line.replace("\ufeff", "").strip() for line in data.decode(encoding).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def read_chunks(path: str) -> Iterator[bytes]:
    """A file's bytes, CHUNK_BYTES at a time. Raises OSError."""
    with open_read(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def read_table(
    path: str,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
    *,
    schema: pa.Schema | None = None,
    remedy: str = WRITE_ANEW,
) -> pa.Table:
    """Rows of one Parquet file, in their order.

    columns: names, in this order; default: all.
    filters: an expression of pyarrow or a list of (column, operator, value), all of which hold; row groups without such
        rows are not read.
    schema: instead of columns, these with the types that they must have; where it says "not null", null is refused.
    remedy: ends the message about a file that can't be read.

    Raises BadInput, naming the file, if it is missing or damaged or has other columns.
    """
    import pyarrow.parquet as pq

    chosen = schema.names if schema is not None else columns
    names = None if chosen is None else list(chosen)
    filesystem, name = locate(path)
    try:
        # An open file, not its path: of a path, folders such as language=en would become columns.
        with filesystem.open_input_file(name) as file:
            if filters is not None:
                table = pq.read_table(file, columns=names, filters=filters)
            else:  # pyarrow.dataset would import pandas, where there is one: a second of CPU time
                table = pq.ParquetFile(file).read(columns=names)
                table = table if names is None else table.select(names)
            return table if schema is None else table.cast(schema)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise unreadable(path, error, remedy) from error


def column_names(path: str, *, remedy: str = WRITE_ANEW) -> list[str]:
    """Names of a Parquet file's columns. Raises BadInput, naming the file, if it is missing or damaged."""
    import pyarrow.parquet as pq

    filesystem, name = locate(path)
    try:
        with filesystem.open_input_file(name) as file:
            return pq.read_schema(file).names
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error, remedy) from error


def stream_table(path: str, rows: int, *, remedy: str = WRITE_ANEW) -> pa.RecordBatchReader:
    """All of one Parquet file, up to `rows` rows at a time. Raises BadInput as `read_table` does, at any batch."""
    import pyarrow.parquet as pq

    filesystem, name = locate(path)
    try:
        file = pq.ParquetFile(filesystem.open_input_file(name))
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error, remedy) from error

    def batches() -> Iterator[pa.RecordBatch]:
        with file:
            try:
                yield from file.iter_batches(rows)
            except (OSError, pa.ArrowException) as error:
                raise unreadable(path, error, remedy) from error

    return pa.RecordBatchReader.from_batches(file.schema_arrow, batches())


def unreadable(path: str, error: Exception, remedy: str) -> BadInput:
    return BadInput(f"{path} can't be read ({reason(error)}); {remedy}")


def remove_temporary(folder: str, deep: bool = False) -> None:
    """Remove what a killed process was writing in a folder, and if `deep` below it. No folder, nothing to do.

    An object store has none of it: objects are sent whole.
    """
    if is_object(folder):
        return
    names = local_names(folder, deep) if is_local(folder) else sizes_below(folder)
    for path in [path for path in names if is_temporary(path) and (deep or "/" not in path)]:
        remove(join(folder, path))


def is_temporary(path: str) -> bool:
    """Whether a file has the name that PendingFile gives one until it is whole."""
    name = path.rpartition("/")[2]
    return name.startswith(".") and name.endswith(".tmp")
