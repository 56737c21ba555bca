"""Which columns of a table hold text, id and URL, and what a row of it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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
        wanted = {*TEXT_HABITS, *ID_HABITS, *URL_HABITS, *CARRIED, *self.given.values()}
        tops = wanted | {name.partition(".")[0] for name in wanted if "." in name}
        return [name for name in names if name in tops]

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
