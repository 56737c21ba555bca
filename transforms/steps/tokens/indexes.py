"""Indexes that other loaders want beside a file of tokens: where documents end, in their own bytes.

datatrove (0.10.1, datatrove/pipeline/tokens/tokenizer.py): `<file>.index`, little-endian uint64, where each document
ends in tokens; a loader takes what follows an end as the next document, so that nothing can be left out.
Megatron-LM (megatron/core/datasets/indexed_dataset.py): `<prefix>.idx` beside `<prefix>.bin`; documents can be left
out.
"""

from __future__ import annotations

import struct

import numpy as np

from schemas.faults import BadInput

MEGATRON_MAGIC, MEGATRON_VERSION = b"MMIDIDX\x00\x00", 1
# Its codes of types: 1 uint8, 2 int8, 3 int16, 4 int32, 5 int64, 6 float64, 7 float32, 8 uint16. It knows no uint32;
# numbers of a vocabulary below 2**31 are the same bytes as int32.
MEGATRON_CODES = {2: 8, 4: 4}


def datatrove_index(ends: np.ndarray) -> bytes:
    """ends: where each document ends, in tokens, in order."""
    return ends.astype("<u8").tobytes()


def megatron_index(starts: np.ndarray, lengths: np.ndarray, token_bytes: int) -> bytes:
    """starts, lengths: of each document, in tokens. token_bytes: 2 or 4.

    Raises BadInput for a document of 2**31 tokens or more, which its int32 can't tell.
    """
    if len(lengths) and int(lengths.max()) >= 1 << 31:
        longest = int(lengths.max())
        raise BadInput(f"a document of {longest:,} tokens is too long for Megatron's index; leave out that format")
    count = len(lengths)
    header = MEGATRON_MAGIC + struct.pack("<QBQQ", MEGATRON_VERSION, MEGATRON_CODES[token_bytes], count, count + 1)
    pointers = starts.astype("<i8") * token_bytes
    documents = np.arange(count + 1, dtype="<i8")  # each of one sequence
    return header + lengths.astype("<i4").tobytes() + pointers.tobytes() + documents.tobytes()
