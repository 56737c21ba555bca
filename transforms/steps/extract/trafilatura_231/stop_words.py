"""The words of justext's hundred stop lists, read when a page first needs them, in half the memory of a set.

trafilatura makes a set for each language, a tuple of all, and a lower-cased set of that, each word a string of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import justext.core
from trafilatura import external

BUCKETS = 1 << 14  # of ten words each, so that a look into one takes a quarter of a microsecond


class StopWords:
    """A set of words without line breaks, held as the lines of some long strings: 150,000 strings take 18 MiB."""

    def __init__(self, words: Iterable[str]) -> None:
        buckets: list[list[str]] = [[""] for _ in range(BUCKETS)]
        for word in words:
            buckets[hash(word) % BUCKETS].append(word)
        self._lines = ["\n".join([*bucket, ""]) for bucket in buckets]  # each begins and ends with a line break

    def __contains__(self, word: str) -> bool:
        return f"\n{word}\n" in self._lines[hash(word) % BUCKETS]

    def __iter__(self) -> Iterator[str]:
        for lines in self._lines:
            yield from lines.split("\n")[1:-1]


def stop_words() -> StopWords:
    """All words of all languages, in lower case."""
    words: set[str] = set()
    for path in Path(justext.core.__file__).with_name("stoplists").glob("*.txt"):
        lines = b"\n".join(path.read_bytes().splitlines()).decode()
        words.update(lines.lower().lower().split("\n"))  # twice, as theirs: a word's lower case may have another
    return StopWords(words)


def install() -> None:
    """Have trafilatura ask for these words the first time that it needs them."""

    def load() -> StopWords:
        external.JT_STOPLIST = words = stop_words()
        return words

    as_ever = justext.core.define_stoplist
    external.jt_stoplist_init = load
    justext.core.define_stoplist = lambda words: words if words is external.JT_STOPLIST else as_ever(words)
