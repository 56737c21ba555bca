"""The words of justext's hundred stop lists as one set, read when a page first needs them, in a third of the time.

trafilatura makes a set for each language, a tuple of all, and a lower-cased set of that, each word a string of its own.
"""

from __future__ import annotations

from pathlib import Path

import justext.core
from trafilatura import external


def stop_words() -> set[str]:
    """All words of all languages, in lower case."""
    words: set[str] = set()
    for path in Path(justext.core.__file__).with_name("stoplists").glob("*.txt"):
        lines = b"\n".join(path.read_bytes().splitlines()).decode()
        words.update(lines.lower().lower().split("\n"))  # twice, as theirs: a word's lower case may have another
    return words


def install() -> None:
    """Have trafilatura ask for this set the first time that it needs one."""

    def load() -> set[str]:
        external.JT_STOPLIST = words = stop_words()
        return words

    as_ever = justext.core.define_stoplist
    external.jt_stoplist_init = load
    justext.core.define_stoplist = lambda words: words if words is external.JT_STOPLIST else as_ever(words)
