"""Long lines of a text as hashes: what leads from a document to a longer one that contains it.

MinHash does not, for what half of another document is has at most a Jaccard similarity of a half with it.
"""

from __future__ import annotations

import numpy as np

from transforms.steps.dedup.shingles import hash_word

ASKED_LINES = 3  # the longest: of a document nine tenths of which stand in another, one of three nearly always does
MAX_LINES = 256  # of a text, the longest; each is a row that shuffles


def long_lines(lower: str, min_chars: int) -> bytes:
    """8 bytes for each line of so many characters or more, each line once, the longest first.

    Case and white space do not count, as for exact duplicates.

    lower: the text in lower case
    """
    lines = {evenly_spaced(line) for line in lower.split("\n") if len(line) >= min_chars}
    ordered = sorted((line for line in lines if len(line) >= min_chars), key=lambda line: (-len(line), line))
    return b"".join(map(hash_word, ordered[:MAX_LINES]))


def evenly_spaced(line: str) -> str:
    """A line with each run of white space as one blank, and none at its ends."""
    if line.isprintable() and "  " not in line and line[:1] != " " != line[-1:]:
        return line  # most are: the blank is the one white space that is printable
    return " ".join(line.split())


def as_rows(lines: list[bytes | None], nodes: np.ndarray, asked: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All lines of some documents: their hashes, the node that each belongs to, and whether this one asks by it.

    A document asks by its longest lines who else has them, for these say most; it answers by all.

    lines: of each document, as `long_lines` gives them
    nodes: of each document, uint64
    asked: number of lines that a document asks by
    """
    counts = np.array([len(packed or b"") // 8 for packed in lines], np.int64)
    hashes = np.frombuffer(b"".join(packed or b"" for packed in lines), np.dtype("<u8"))
    place = np.arange(len(hashes)) - np.repeat(np.cumsum(counts) - counts, counts)
    return hashes, np.repeat(nodes, counts), place < asked
