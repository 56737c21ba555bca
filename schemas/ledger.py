"""The ledger: one row per HTTP response seen, with its fate."""

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


def ledger_schema(keep_dropped: bool = False) -> pa.Schema:
    """Arrow schema of `ledger/*.parquet`. With `keep_dropped` a `text` column holds dropped documents' text."""
    return pa.schema([*LEDGER_COLUMNS, *([("text", pa.string())] if keep_dropped else [])])
