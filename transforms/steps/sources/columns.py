"""Which columns of a table hold text, id and URL, and what a row of it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from schemas.document import OWN_NAMES, kept_type
from schemas.faults import BadInput
from schemas.setting import setting
from transforms.steps.warc.events import Text, Unreadable
from transforms.steps.warc.limits import ReadLimits

# What people call these columns, the most usual first: FineWeb and nanochat (text), Dolma and RedPajama (text, id,
# metadata.url), C4 (text, url), CulturaX (url), RedPajama 2 (raw_content, doc_id, url), mC4-like exports (content).
TEXT_HABITS = ("text", "content", "raw_content", "body", "document", "page_content")
ID_HABITS = ("id", "doc_id", "_id", "uuid", "record_id", "warc_record_id")
URL_HABITS = ("url", "uri", "source_url", "link", "metadata.url", "meta.url")
CARRIED = (
    "dump",
    "date",
    "language",
    "language_score",
    "token_count",
    "title",
)  # FineWeb's and ours, taken over where they are


@dataclass(frozen=True)
class Columns:
    """Columns of one's own tables. A dot leads into a nested one, as in metadata.url."""

    text_column: str | None = setting(
        None, "column of the text in Parquet and JSONL files", none="text, content and their like"
    )
    id_column: str | None = setting(None, "column of the document's id", none="id, doc_id and their like")
    url_column: str | None = setting(None, "column of its URL", none="url, uri and their like")
    keep_columns: tuple[str, ...] = setting(
        (), "other columns of theirs that documents and corpora keep as they are", none="none"
    )

    def __post_init__(self) -> None:
        names = tuple(dict.fromkeys(name.strip() for given in self.keep_columns for name in given.split(",")))
        object.__setattr__(self, "keep_columns", names)
        if taken := [name for name in names if name in OWN_NAMES or not name]:
            raise BadInput(f"--keep-columns '{taken[0]}': documents have that column for something else; name another")

    @property
    def given(self) -> dict[str, str]:
        named = {"text_column": self.text_column, "id_column": self.id_column, "url_column": self.url_column}
        return {name: column for name, column in named.items() if column is not None}

    def missing_in(self, names: Iterable[str]) -> str | None:
        """Why a table of these columns can't be read, as the end of a sentence that begins with its name; or None."""
        there = set(names)
        for option, column in self.given.items():
            if column.partition(".")[0] not in there and column not in there:
                return f"has no column '{column}' (--{option.replace('_', '-')}); it has {listed(there)}"
        if self.text_column is None and not there.intersection(TEXT_HABITS):
            return f"has no column of text such as text or content; name it with --text-column: it has {listed(there)}"
        return None

    def needed_of(self, names: Iterable[str]) -> list[str]:
        """Top-level columns that are read, in the table's order."""
        wanted = {*TEXT_HABITS, *ID_HABITS, *URL_HABITS, *CARRIED, *self.given.values(), *self.keep_columns}
        tops = wanted | {name.partition(".")[0] for name in wanted if "." in name}
        return [name for name in names if name in tops]

    def not_in(self, schema: pa.Schema) -> list[str]:
        """Columns to keep that a table lacks."""
        return [name for name in self.keep_columns if type_in(schema, name) is None]

    def kept_of(self, schemas: Iterable[pa.Schema | None]) -> list[pa.Field]:
        """The columns to keep of all tables together; string where these differ. None: the schema of JSON lines."""
        tables = list(schemas)
        if self.keep_columns and not tables:
            raise BadInput("--keep-columns is of Parquet and JSONL files, and there is none in the input; leave it out")
        fields = []
        for name in self.keep_columns:
            found = [pa.string() if table is None else type_in(table, name) for table in tables]
            kinds = [kept_type(kind) for kind in found if kind is not None]
            fields.append(pa.field(name, kinds[0] if kinds and kinds.count(kinds[0]) == len(kinds) else pa.string()))
        return fields

    def text_of(self, row: Mapping[str, Any], offset: int, size: int, limits: ReadLimits) -> Text | Unreadable:
        """A row's text with what is known of it."""
        url, document_id = string_of(row, self.url_column, URL_HABITS), string_of(row, self.id_column, ID_HABITS)
        text = value_of(row, self.text_column, TEXT_HABITS)
        if not isinstance(text, str):
            found = "no text" if text is None else f"a text of type {type(text).__name__}"
            return Unreadable(offset, size, "no_text", url, document_id, f"{found} in the row")
        if len(text) > limits.max_body_bytes:
            limit = limits.max_body_bytes
            return Unreadable(offset, size, "body_too_large", url, document_id, value=len(text), threshold=limit)
        score, tokens = row.get("language_score"), row.get("token_count")
        return Text(
            url=url or "",
            record_id=document_id or "",
            date=string_of(row, "date", ()) or "",
            offset=offset,
            size=size,
            text=sound(text),
            dump=string_of(row, "dump", ()),
            language=string_of(row, "language", ()),
            language_score=float(score) if isinstance(score, (int, float)) else None,
            token_count=tokens if type(tokens) is int and 0 <= tokens < 1 << 62 else None,
            title=string_of(row, "title", ()),
            kept={name: value_of(row, name, ()) for name in self.keep_columns if has_value(row, name)},
        )


def value_of(row: Mapping[str, Any], column: str | None, habits: tuple[str, ...]) -> Any:
    """A column's value, or the first one that there is by habit."""
    for name in (column,) if column is not None else habits:
        value: Any = row.get(name)
        if value is None and "." in name:
            value = row
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            return value
    return None


def has_value(row: Mapping[str, Any], column: str) -> bool:
    """Whether a row has a field of that name, be it null. A dot leads into a nested one."""
    if column in row:
        return True
    inner: Any = row
    for part in column.split("."):
        if not isinstance(inner, Mapping) or part not in inner:
            return False
        inner = inner[part]
    return True


def type_in(schema: pa.Schema, column: str) -> pa.DataType | None:
    """The type of a column, also of one in a struct; None if there is none of that name."""
    if column in schema.names:
        return schema.field(column).type
    inner: Any = schema
    for part in column.split("."):
        index = inner.get_field_index(part) if isinstance(inner, (pa.Schema, pa.StructType)) else -1
        if index < 0:
            return None
        inner = inner.field(index).type
    return inner


def string_of(row: Mapping[str, Any], column: str | None, habits: tuple[str, ...]) -> str | None:
    value = value_of(row, column, habits)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return sound(str(value)) if len(str(value)) <= 1 << 16 else None
    return None


def sound(text: str) -> str:
    """The text without lone surrogates, which JSON can write and UTF-8 can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def listed(names: Iterable[str], most: int = 8) -> str:
    known = sorted(names)
    shown = ", ".join("".join(char if char.isprintable() else "\ufffd" for char in name[:40]) for name in known[:most])
    return (shown or "none") + (", …" if len(known) > most else "")
