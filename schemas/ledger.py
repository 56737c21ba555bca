"""The ledger: one row per HTTP response seen, with its fate."""

from collections.abc import Iterable

import pyarrow as pa

CONTENT_TYPE_CHARS = 200  # of the header's value; some are pages long
TRUNCATED_CHARS = 40  # of WARC-Truncated's value, which is one of four words

LEDGER_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("url", pa.string()),
    ("record_id", pa.string()),
    ("warc_file", pa.string()),
    ("warc_offset", pa.int64()),
    ("bytes", pa.int64()),
    ("http_status", pa.int32()),
    ("content_type", pa.string()),
    ("body_sha1", pa.string()),
    ("truncated", pa.string()),
    ("fate", pa.string()),
    ("stage", pa.string()),
    ("reason", pa.string()),
    ("value", pa.float64()),
    ("threshold", pa.float64()),
    ("detail", pa.string()),
    ("language", pa.string()),
    ("language_score", pa.float64()),
)
# Of recipes alone that have the step which measures them: lines that were taken out of a page's text as its site's
# template, and the share of the text's characters in such lines, whether they went or not.
MEASURED_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("template_lines", pa.int64()),
    ("template_share", pa.float64()),
)


def ledger_schema(keep_dropped: bool = False, measures: Iterable[str] = ()) -> pa.Schema:
    """Arrow schema of `ledger/*.parquet`. With `keep_dropped` a `text` column holds dropped documents' text.

    measures: names of the quality values that the recipe's steps measure.
    """
    measured = set(measures)
    own = [column for column in MEASURED_COLUMNS if column[0] in measured]
    return pa.schema([*LEDGER_COLUMNS, *own, *([("text", pa.string())] if keep_dropped else [])])
