"""Words of languages that white space doesn't part as their rules need it: each by the splitter that datatrove asks.

FineWeb2's thresholds were set on datatrove's words, so a language has datatrove's splitter (its assets' file
tokenizer_assignment.csv): jieba for Chinese, SudachiPy in mode A for Japanese, pythainlp's newmm-safe for Thai, pyvi
for Vietnamese, Kiwi for Korean, white space and signs for Hindi. What differs from datatrove:

- A text is split line by line, and a line's words are remembered, as lines repeat on the web and every rule asks again.
  A splitter that looks past a line's end may see another word there.
- A line longer than LONGEST_LINE is split in pieces, and what is behind a language's `max_chars` of a text by a regular
  expression: so the worst text takes a splitter a second or two.
- Kiwi has another model: the one that datatrove names left Kiwi's packages with version 0.22.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from typing import Any

from transforms.steps.text.lean_import import bare_spacy

LONGEST_LINE = 2_000  # characters
MEMORY_BYTES = 64 << 20  # about, of remembered lines of one language; when it is full, all are forgotten
LINE_BYTES, WORD_BYTES = 200, 70  # measured: what a remembered line and each of its words cost beside their characters

SplitLine = Callable[[str], Iterable[str]]

_WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")
_ENDLESS_NUMBER = re.compile(r"[0-9,]{20,}")  # datatrove: Kiwi stumbles over them
# indic-nlp-library's trivial_tokenize: each sign is a word, but in numbers and dates. Dandas and other Indic marks.
_SIGNS = re.escape(string.punctuation.replace("\\", "")) + "\u0964\u0965\uaaf1\uaaf0\uabeb-\uabef\u1c7e\u1c7f"
_INDIC_WORD = re.compile(rf"(?:[^\s{_SIGNS}]|(?<=[0-9])[,.:/](?=[0-9]))+|[{_SIGNS}]")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A language's own splitter.

    load: makes the function that splits a line; heavy imports happen in there
    packages: import names of what it needs
    distributions: their names in an index, whose versions a manifest records
    extra: of setup.py, that brings them
    max_chars: of one text, by what the worst found takes the splitter
    """

    load: Callable[[], SplitLine]
    max_chars: int
    packages: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    extra: str = ""

    def is_installed(self) -> bool:
        return all(find_spec(name) is not None for name in self.packages)


def load_jieba() -> SplitLine:
    import jieba

    # jieba.cut would unmarshal a cache from the machine's temporary folder, where anybody may write.
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer.lcut


def load_sudachi() -> SplitLine:
    import sudachipy

    tokenizer = sudachipy.Dictionary(dict="core").tokenizer(mode=sudachipy.SplitMode.A)
    return lambda line: [morpheme.surface() for morpheme in tokenizer.tokenize(line)]


def load_pythainlp() -> SplitLine:
    from pythainlp.tokenize import word_tokenize

    return lambda line: word_tokenize(line, keep_whitespace=False, engine="newmm-safe")


def load_pyvi() -> SplitLine:
    with bare_spacy():
        from spacy.lang.vi import VietnameseTokenizer
        from spacy.vocab import Vocab

    return VietnameseTokenizer(Vocab(), use_pyvi=True).pyvi_tokenize


def load_kiwi() -> SplitLine:
    from kiwipiepy import Kiwi

    kiwi: Any = Kiwi(num_workers=1)  # its types know the answer to many texts only

    def split(line: str) -> list[str]:
        line = _ENDLESS_NUMBER.sub("", line)
        return [line[token.start : token.end] for token in kiwi.tokenize(line)]

    return split


def load_indic() -> SplitLine:
    return _INDIC_WORD.findall


DICTIONARIES = {
    "zh": Dictionary(load_jieba, 100_000, ("jieba",), ("jieba",), "zh"),
    "ja": Dictionary(load_sudachi, 300_000, ("sudachipy", "sudachidict_core"), ("SudachiPy", "SudachiDict-core"), "ja"),
    "th": Dictionary(load_pythainlp, 100_000, ("pythainlp",), ("pythainlp",), "th"),
    "vi": Dictionary(load_pyvi, 150_000, ("pyvi",), ("pyvi", "scikit-learn"), "vi"),
    "ko": Dictionary(load_kiwi, 50_000, ("kiwipiepy",), ("kiwipiepy", "kiwipiepy-model"), "ko"),
    "hi": Dictionary(load_indic, 1_000_000),
}
SAME_SPLITTER = {"yue": "zh", "wuu": "zh"}  # as datatrove's assignment
NO_SPLITTER = frozenset({"bo", "dz", "km", "lo", "my"})  # written without spaces between words; we have no splitter
UNSPACED = frozenset({"zh", "yue", "wuu", "ja", "th"}) | NO_SPLITTER
# By their splitters a word has one or two characters, so a lower bound on its mean length says nothing.
SHORT_WORDED = frozenset({"zh", "yue", "wuu", "ja", "ko"})
NO_SENTENCE_MARKS = frozenset({"th", "lo"})  # a sentence ends with a space there, as a phrase does


def dictionary_of(language: str) -> Dictionary | None:
    """The language's own splitter; None if it has spaCy's rules, or none at all."""
    return DICTIONARIES.get(SAME_SPLITTER.get(language, language))


def splitters_of(languages: Iterable[str]) -> list[str]:
    """Distributions of these languages' own splitters, whose versions decide about words."""
    found = (dictionary for language in languages if (dictionary := dictionary_of(language)) is not None)
    return list(dict.fromkeys(name for dictionary in found for name in dictionary.distributions))


class LineSplitter:
    """Splits texts by a dictionary, line by line, and remembers lines. Not thread-safe.

    Its words are those of the dictionary, stripped, without empty ones, as datatrove takes them.
    """

    def __init__(self, dictionary: Dictionary, roles: Mapping[str, str]) -> None:
        """roles: of a word in a sentence: 't' ends one, 'w' may begin one, '' neither."""
        self._split, self._roles, self._max_chars = dictionary.load(), roles, dictionary.max_chars
        self._memory: dict[str, tuple[str, ...]] = {}
        self._bytes = 0

    def words(self, text: str) -> tuple[str, ...]:
        return tuple(chain.from_iterable(self._words_by_line(text)))

    def sentences(self, text: str) -> int:
        """Each line by itself; a line has at least one, even an empty line."""
        role = self._roles.__getitem__
        return sum(1 + "".join(map(role, words)).count("tw") for words in self._words_by_line(text))

    def forget(self) -> None:
        self._memory.clear()
        self._bytes = 0

    def _words_by_line(self, text: str) -> Iterator[tuple[str, ...]]:
        left = self._max_chars
        for line in text.split("\n"):
            words = self._line(line[:left])
            yield words if len(line) <= left else (*words, *_WORD_OR_SIGN.findall(line[left:]))
            left = max(left - len(line), 0)

    def _line(self, line: str) -> tuple[str, ...]:
        known = self._memory.get(line)
        if known is None:
            if self._bytes > MEMORY_BYTES:
                self.forget()
            known = self._memory[line] = tuple(
                word for piece in line_pieces(line) for part in self._split(piece) if (word := part.strip())
            )
            self._bytes += LINE_BYTES + 2 * len(line) + WORD_BYTES * len(known)
        return known


def line_pieces(line: str) -> list[str]:
    """The line itself, or pieces of one that is longer than LONGEST_LINE; without halves of UTF-16 pairs."""
    line = line.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return [line[start : start + LONGEST_LINE] for start in range(0, len(line), LONGEST_LINE)]
