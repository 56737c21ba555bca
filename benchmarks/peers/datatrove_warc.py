"""datatrove's WarcReader on one file, run by the interpreter that datatrove is installed in.

    VENV/bin/python benchmarks/peers/datatrove_warc.py FILE

Prints the SHA-1 of the body behind each document it gives, one a line, then what it raised, if it did.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from typing import Any

from datatrove.pipeline.readers import WarcReader, warc

process_record = warc.process_record


def process_and_print_hash(record: Any) -> Any:
    """process_record, printing the body's hash: documents hold text, from which the bytes can't be had back."""
    body = record.content_stream().read()
    record.content_stream = lambda: io.BytesIO(body)
    document = process_record(record)
    if document:
        print(hashlib.sha1(body).hexdigest(), flush=True)
    return document


def main() -> None:
    path = Path(sys.argv[1])
    warc.process_record = process_and_print_hash
    try:
        for _ in WarcReader(str(path.parent), glob_pattern=path.name)():
            pass
    except BaseException as fault:
        print("raised", type(fault).__name__, flush=True)


if __name__ == "__main__":
    main()
