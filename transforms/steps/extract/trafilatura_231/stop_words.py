"""The words of justext's hundred stop lists as one set, read when a page first needs them, in a third of the time.

trafilatura makes a set for each language, a tuple of all, and a lower-cased set of that, each word a string of its own.
"""

from __future__ import annotations

from pathlib import Path

import justext.core
from trafilatura import external


def stop_words() -> frozenset[str]:
    """All words of all languages, in lower case."""
    folder = Path(justext.core.__file__).with_name("stoplists")
    lines = b"\n".join(b"\n".join(path.read_bytes().splitlines()) for path in sorted(folder.glob("*.txt")))
    return frozenset(lines.decode().lower().lower().split("\n"))  # twice, as theirs: a word's lower case has another


def install() -> None:
    """Have trafilatura ask for this set the first time that it needs one."""

    def load() -> frozenset[str]:
        external.JT_STOPLIST = words = stop_words()
        return words

    as_ever = justext.core.define_stoplist
    external.jt_stoplist_init = load
    justext.core.define_stoplist = lambda words: words if words is external.JT_STOPLIST else as_ever(words)
