"""A corpus on disk: deduplicated, scrubbed documents, who duplicates whom, signatures, spans of personal data."""

from collections.abc import Iterable

import pyarrow as pa

from schemas.document import FINEWEB_COLUMNS, OWN_COLUMNS, optional_columns

# One row per document of a cluster of two or more; documents that nothing duplicates have none.
CLUSTER_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("dump", pa.string()),
        ("cluster_id", pa.string()),  # id of its smallest member by (dump, id), earlier corpora included
        ("cluster_size", pa.int64()),
        ("survivor_id", pa.string()),
        ("survivor_url", pa.string()),
        ("first_seen_dump", pa.string()),
        ("match", pa.string()),  # exact | near, to the survivor; null for the survivor itself
        ("earlier", pa.bool_()),  # whether the survivor is in a corpus given by --against
    ]
)

# The same where a document goes only for one that contains it. A cluster is then a document that stays and those that
# it stands for, and a document that was compared and stays with nothing to stand for has a row without cluster_id.
VERIFIED_CLUSTER_SCHEMA = pa.schema(
    [
        *CLUSTER_SCHEMA,
        ("contained", pa.float64()),  # share of its words in `compared_id`, by runs of three; null if never compared
        ("compared_id", pa.string()),  # its survivor or, of a document that stays, the one that contains most of it
        ("compared_url", pa.string()),
    ]
)

# One row per span replaced. start and end count characters of the text before scrubbing; never the value itself.
PII_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("type", pa.string()),
        ("score", pa.float64()),
    ]
)


def corpus_schema(
    weighted: bool = False,
    measures: Iterable[str] = (),
    columns: Iterable[str] = (),
    kept: Iterable[pa.Field] = (),
) -> pa.Schema:
    """Arrow schema of a corpus' `data/<language>/*.parquet`: FineWeb's columns, warc_offset, title, the document's
    cluster, and the quality values that it was measured by.

    weighted: with rehydration_weight, how often FineWeb2 would repeat a document for having so many copies.
    measures: names of the quality values; without any there is no such column.
    columns: names of the optional columns that the documents have.
    kept: columns of one's own tables that the documents have.
    """
    own = [*OWN_COLUMNS, *optional_columns(columns), ("cluster_id", pa.string()), ("cluster_size", pa.int64())]
    weight = [("rehydration_weight", pa.int64())] if weighted else []
    values = pa.struct([pa.field(name, pa.float64()) for name in measures])
    return pa.schema([*FINEWEB_COLUMNS, *own, *weight, *([("quality", values)] if len(values) else []), *kept])


def signature_schema(bands: int, finished: bool = True, lines: bool = False) -> pa.Schema:
    """Arrow schema of `signatures/*.parquet`, with which later crawls are compared instead of with the text.

    Of its columns, `exact` is the 16-byte hash of the normalised text; `bands` are little-endian uint64 hashes, null
    for a text too short for MinHash; `kept` says whether the document is in the corpus.

    bands: number of bands
    finished: whether the corpus is finished, so that `kept` is known and a column
    lines: whether lines lead to other documents: `lines`, a little-endian uint64 for each long one, is then a column
    """
    columns = [
        ("id", pa.string()),
        ("url", pa.string()),
        ("dump", pa.string()),
        ("chars", pa.int64()),
        ("exact", pa.binary(16)),
        ("bands", pa.binary(8 * bands)),
    ]
    columns += [("lines", pa.binary())] if lines else []
    return pa.schema([*columns, *([("kept", pa.bool_())] if finished else [])])
