"""How much of a text stands in another one: its words, by runs of three that the other has too.

Words here are as they are written, but for case: a number is itself and no 0 as for MinHash, so pages that differ in
their numbers differ. Scripts that write no blanks between words are compared by characters.
"""

from __future__ import annotations

import re

import numpy as np

from transforms.steps.dedup.shingles import hash_word, shingles

RUN = 3  # words; runs of one or two are met by chance in any long text
MAX_REMEMBERED = 500_000  # words, about 60 MB
# Thai, Lao, Tibetan, Burmese, Khmer, kana, and Chinese characters
_WITHOUT_BLANKS = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_ALONE = re.compile(f"[{_WITHOUT_BLANKS}]")
_WORD = re.compile(f"[{_WITHOUT_BLANKS}]|[^\\s{_WITHOUT_BLANKS}]+")


class WordRuns:
    """The runs of RUN words of texts. It remembers words. Not thread-safe: one for each thread."""

    def __init__(self) -> None:
        self._hashes: dict[str, bytes] = {}

    def __call__(self, text: str) -> np.ndarray:
        """A uint32 hash of each run, in the order of the text: (words - RUN + 1,). A shorter text is one run.

        Of 32 bits, since a run of one text is any of another's n runs by chance once in 2**32 / n.
        """
        lower = text.lower()
        # What blanks part is found by split four times as fast.
        words = lower.split() if lower.isascii() or _ALONE.search(lower) is None else _WORD.findall(lower)
        if not words:
            return np.empty(0, np.uint32)
        try:
            packed = b"".join(map(self._hashes.__getitem__, words))
        except KeyError:
            if len(self._hashes) > MAX_REMEMBERED:
                self._hashes.clear()
            for word in set(words).difference(self._hashes):
                self._hashes[word] = hash_word(word)
            packed = b"".join(map(self._hashes.__getitem__, words))
        hashes = shingles(np.frombuffer(packed, np.dtype("<u8")), min(RUN, len(words)))
        return (hashes >> np.uint64(32)).astype(np.uint32)


def share_contained(runs: np.ndarray, others: np.ndarray) -> float:
    """Share of a text's words that belong to a run of the other text; 0 for a text without words.

    One changed word costs that word and not the three runs that it is in.

    runs: of the text, in its order
    others: of the other text, sorted
    """
    if not len(runs) or not len(others):
        return 0.0
    places = np.minimum(np.searchsorted(others, runs), len(others) - 1)
    found = others[places] == runs
    covered = np.zeros(len(runs) + RUN - 1, bool)
    for place in range(RUN):
        covered[place : place + len(runs)] |= found
    return float(covered.mean())
