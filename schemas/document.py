"""A page on its way in (decoded HTML), and a document (extracted text with FineWeb's columns)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

# FineWeb's columns, in FineWeb's order (https://huggingface.co/datasets/HuggingFaceFW/fineweb).
FINEWEB_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("text", pa.string()),
    ("id", pa.string()),
    ("dump", pa.string()),
    ("url", pa.string()),
    ("date", pa.string()),
    ("file_path", pa.string()),
    ("language", pa.string()),
    ("language_score", pa.float64()),
    ("token_count", pa.int64()),
)

OWN_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (("warc_offset", pa.int64()), ("title", pa.string()))


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    text: main text of the page
    id: of the WARC record, or made of its place if it has none; a crawler may have given others the same
    dump: name of the crawl
    url: of the page
    date: WARC-Date as written
    file_path: of the WARC file
    warc_offset: byte offset in that file of the gzip member (or plain record) that holds the record
    language: code by the language model, or None before it was asked
    language_score: its probability, 0 to 1
    token_count: tokens of the text, or None if it was not tokenized
    quality: every value that a passed rule measured, by its measure's name
    title: of the page, as it gives it itself, or None
    rights: values of OPTIONAL_COLUMNS, where a step recorded them
    language_script: FineWeb2's label of language and script, such as "por_Latn"; None if no step of the recipe sets it
    kept: values of other columns of a table of one's own that are kept, by their names
    """

    text: str
    id: str
    dump: str
    url: str
    date: str
    file_path: str
    warc_offset: int
    language: str | None = None
    language_score: float | None = None
    token_count: int | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    title: str | None = None
    language_script: str | None = None
    rights: Mapping[str, str | None] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)


# Columns that only some recipes' steps fill, in the order in which files have them, behind OWN_COLUMNS: FineWeb2's
# label of language and script; a page's license, where on the page it was found, what the page says to robots, and what
# its origin's robots.txt says of it.
OPTIONAL_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("language_script", pa.string()),
    ("license", pa.string()),
    ("license_found", pa.string()),
    ("robots", pa.string()),
    ("robots_txt", pa.string()),
)


def optional_columns(names: Iterable[str]) -> list[tuple[str, pa.DataType]]:
    """Those of OPTIONAL_COLUMNS with these names."""
    wanted = set(names)
    return [(name, kind) for name, kind in OPTIONAL_COLUMNS if name in wanted]


def document_schema(measures: Iterable[str], columns: Iterable[str] = (), kept: Iterable[pa.Field] = ()) -> pa.Schema:
    """Arrow schema of `data/<language>/*.parquet`: FineWeb's columns, our own, and one struct of quality values.

    measures: names of the quality values that the recipe's steps measure, in the order of the steps. Without any there
        is no quality column: Parquet has no struct without fields.
    columns: names of OPTIONAL_COLUMNS that the recipe's steps fill.
    kept: columns of tables of one's own that are kept, behind all others.
    """
    quality = pa.struct([pa.field(name, pa.float64()) for name in measures])
    own = [*FINEWEB_COLUMNS, *OWN_COLUMNS, *optional_columns(columns)]
    return pa.schema([*own, *([("quality", quality)] if len(quality) else []), *kept])


# --- Columns of one's own tables that are kept ------------------------------------------------------------------------

# Names that documents or corpora have for something else.
OWN_NAMES = frozenset(name for name, _ in (*FINEWEB_COLUMNS, *OWN_COLUMNS, *OPTIONAL_COLUMNS))
OWN_NAMES |= {"quality", "cluster_id", "cluster_size", "rehydration_weight"}


def kept_type(kind: pa.DataType) -> pa.DataType:
    """The type under which a column of this type is kept: its own if it is of single values, else string, for JSON."""
    types = pa.types
    if types.is_timestamp(kind) and kind.unit == "ns":  # finer than Python's own times
        return pa.timestamp("us", kind.tz)
    plain = types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_date(kind)
    return kind if (plain and not types.is_float16(kind)) or types.is_timestamp(kind) else pa.string()


def kept_fields(schemas: Iterable[pa.Schema]) -> list[pa.Field]:
    """Columns of documents that are none of ours, of all these schemas; string where they differ in type."""
    found: dict[str, pa.DataType] = {}
    for schema in schemas:
        for name in schema.names:
            if name not in OWN_NAMES:
                kind = kept_type(schema.field(name).type)
                found[name] = kind if found.get(name, kind) == kind else pa.string()
    return [pa.field(name, kind) for name, kind in found.items()]


def kept_value(value: Any, kind: pa.DataType) -> Any:
    """A value as it is written to a kept column: what is no text is JSON in a column of strings."""
    if value is None or not pa.types.is_string(kind):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode()  # JSON can write lone surrogates, and UTF-8 can't


@dataclass(frozen=True, slots=True)
class Page:
    """One HTML page as read from a WARC file.

    url: of the page
    record_id: WARC-Record-ID as written, `<urn:uuid:…>`; empty if the record has none.
    date: WARC-Date as written (ISO 8601, UTC).
    warc_file: path of the file
    warc_offset: byte offset in the WARC file of the gzip member (or plain record) that holds the record.
    size: bytes of the HTTP body after transfer and content decoding.
    html: the body decoded to text.
    reserved: headers that may reserve rights (X-Robots-Tag, TDM-Reservation), a line each; empty if there are none.
    rights: values of OPTIONAL_COLUMNS, where a step recorded them.
    """

    url: str
    record_id: str
    date: str
    warc_file: str
    warc_offset: int
    size: int
    html: str
    reserved: str = ""
    rights: Mapping[str, str | None] = field(default_factory=dict)
