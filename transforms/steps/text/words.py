"""Words and sentences as spaCy counts them, at the price of a dictionary look-up.

The thresholds of Gopher, C4 and FineWeb were tuned on datatrove's words: spaCy's rule-based tokenizer with the tokens
stripped and the empty ones left out. A plain regular expression flips verdicts, so the words must be spaCy's. spaCy
splits each run of non-space characters (a chunk) by itself, whatever stands around it; so a chunk's tokens are
remembered, and only chunks that are new are split, by spaCy's rules without spaCy (spacy_rules.py). What is remembered
is a pure function of the chunk: a result never depends on which documents came before.

Some languages have splitters of their own instead (dictionaries.py).

The words differ from spaCy's in three cases: in chunks longer than LONGEST_CHUNK; in "( :)", where spaCy's rule for the
emoticon "(:" keeps it from seeing ":)"; and in texts of so many different chunks that MAX_WORK is exceeded. None of
them occurs in 1,715 real pages of 19 languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from itertools import accumulate, chain
from threading import RLock
from typing import ClassVar
from unicodedata import category

from schemas.faults import BadInput
from transforms.steps.text.dictionaries import NO_SPLITTER, LineSplitter, dictionary_of
from transforms.steps.text.spacy_rules import RuleTokenizer, has_rules, rules_of

# spaCy's affix rules are quadratic in a chunk of nothing but punctuation: 66 ms for 1,000 characters, 6 s for 10,000.
# So a longer chunk is cut into pieces. The longest in 684 real English pages has 665 characters.
LONGEST_CHUNK = 1_000
PIECE = 100

# spaCy takes about 10 us for a new chunk, 1 for each of its characters and 7 for a sign at its edges, so a megabyte of
# noise would take it 2 to 7 s. So a text's work is limited, in these units, counted over its different chunks in their
# order. A chunk behind the limit is split by a regular expression into words and single signs: "(so)" gives "(", "so",
# ")", as spaCy would. Russian text reaches the limit with about 80,000 words (Gopher's rule takes 100,000 at most),
# English text later.
MAX_WORK = 400_000
CHUNK_WORK, CHARACTER_WORK, EDGE_WORK = 8, 1, 7
SHORT_TEXT_CHARS = MAX_WORK // (CHARACTER_WORK + EDGE_WORK)  # at most so many characters can't exceed MAX_WORK

MEMORY_BYTES = 12 << 20  # about, of remembered chunks of all languages; when it is full, all are forgotten
CHUNK_BYTES = 300  # measured: what one remembered chunk costs beside its characters

SPACY_NAMES = {"no": "nb"}  # fastText's label -> spaCy's package

_SURROGATE = re.compile("[\ud800-\udfff]")  # half of a UTF-16 pair: spaCy raises for it
_line_splitters: list[LineSplitter] = []  # all of the process
_LOCK = RLock()  # Beam runs bundles in threads; one must not clear the memory that another reads
_WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")
_SIGNS = re.compile(r"[\W_]*")
_UNUSUAL_SPACE = re.compile(r"[^\S ]|  ")  # white space that spaCy makes a token of: anything but a single ' '


class NoWordSplitter(BadInput):
    """A language whose words can't be found by white space, and whose splitter there is not or is not installed."""


def _characters(ranges: str) -> frozenset[str]:
    """Characters of 'A B-C …': hexadecimal code points and ranges of them."""
    spans = [[int(end, 16) for end in span.split("-")] for span in ranges.split()]
    return frozenset(chr(code) for span in spans for code in range(span[0], span[-1] + 1))


# Marks that end a sentence: datatrove's 159 (Unicode's Sentence_Terminal and Khmer signs; no quotation marks).
TERMINAL_MARKS = _characters(
    "21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6 "
    "17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 "
    "2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB "
    "FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 "
    "111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 "
    "1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 "
    "16B37-16B38 16B44 16E98 1BC9F 1DA88"
)

# Characters that make no word by themselves: CCNet's list of punctuation as datatrove uses it (with U+FF11, a digit;
# with control characters except tab and newline), and the terminal marks.
PUNCTUATION = TERMINAL_MARKS | _characters(
    "0-8 B-1F 22-2D 2F 3A-3E 40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001 3008-300D "
    "3010-3011 FF05 FF08-FF09 FF0C FF11 FF1A-FF1B FF5E"
)


def require_installed(languages: Iterable[str]) -> None:
    """Raise NoWordSplitter, with what brings it, for a language without a word splitter. Loads nothing."""
    for language in languages:
        if language in NO_SPLITTER:
            raise NoWordSplitter(
                f"no words for {language!r}: it is written without spaces, and there is no word splitter for it. "
                "Leave the language out (KeepLanguages), or put a step of your own in place of those that count words."
            )
        dictionary = dictionary_of(language)
        if dictionary is not None and not dictionary.is_installed():
            raise NoWordSplitter(
                f"no words for {language!r}: its word splitter {dictionary.distributions[0]} is not installed; "
                f"bring it with: pip install -e '.[{dictionary.extra}]'"
            )


def require(*languages: str) -> None:
    """Load the word splitters of these languages. Raises NoWordSplitter for one that has none installed.

    Without languages English's is loaded, as text of an unknown language is split by it: so a run without spaCy fails
    before its first page.
    """
    with _LOCK:
        for language in languages or ("en",):
            _splitter(language)


@lru_cache(maxsize=2)  # the last text's words serve the steps that follow each other on it
def words(text: str, language: str = "en") -> tuple[str, ...]:
    """The words of a text, punctuation included, as spaCy's tokenizer for `language` splits it.

    A language unknown to spaCy is split by its rules for any language ("xx"), one with a splitter of its own by that.
    Raises NoWordSplitter for one whose splitter is not installed, or that has none.
    """
    with _LOCK:
        return _splitter(language).words(text)


def sentence_count(text: str, language: str = "en") -> int:
    """Sentences of a text by spaCy's sentencizer, each line by itself. A line has at least one, even an empty line."""
    with _LOCK:
        return _splitter(language).sentences(text)


def chunks_beyond_limit(chunks: Iterable[str], language: str) -> list[str]:
    """The different chunks of a text, in their order, from the one on at which MAX_WORK is exceeded.

    They are not split by spaCy. chunks: all of the text, in order; language: one that spaCy's rules split.
    """
    with _LOCK:
        splitter = _chunk_splitter(language)
        unusual = [chunk for chunk in dict.fromkeys(chunks) if not splitter.is_plain(chunk)]
    for index, work in enumerate(accumulate(map(_work, unusual))):
        if work > MAX_WORK:
            return unusual[index:]
    return []


def _work(chunk: str) -> int:
    """What spaCy's split of a new chunk costs at most, in units of MAX_WORK."""
    least = CHUNK_WORK + CHARACTER_WORK * len(chunk)
    if chunk.isalnum():
        return least
    edges = _signs_before(chunk) + _signs_before(chunk[::-1])
    return least + EDGE_WORK * min(edges, len(chunk))


def _signs_before(chunk: str) -> int:
    signs = _SIGNS.match(chunk)
    return signs.end() if signs else 0


def split_chunks(chunks: set[str], language: str) -> dict[str, tuple[str, ...]]:
    """The words of each chunk (a run of non-space characters) of a language that spaCy's rules split.

    A plain chunk (`_Splitter.is_plain`) is one word; spaCy only splits the others.
    """
    with _LOCK:
        splitter = _chunk_splitter(language)
        plain = {chunk for chunk in chunks if splitter.is_plain(chunk)}
        unusual = {chunk: pieces(chunk) for chunk in chunks - plain}
        splitter.learn([piece for parts in unusual.values() for piece in parts])
        words_by_chunk: dict[str, tuple[str, ...]] = {chunk: (chunk,) for chunk in plain}
        for chunk, parts in unusual.items():
            words_by_chunk[chunk] = tuple(chain.from_iterable(splitter.tokens[part] for part in parts))
        return words_by_chunk


class _Splitter:
    """spaCy's rules for one language, and the chunks that it has split already.

    loaded: all splitters of the process
    bytes_used: by what they remember, about
    tokens: each remembered chunk's words
    roles: each remembered chunk's words as the sentencizer sees them, a string of `_SentenceRoles`
    """

    loaded: ClassVar[list[_Splitter]] = []
    bytes_used: ClassVar[int] = 0

    def __init__(self, language: str) -> None:
        self.language = language
        rules = rules_of(language)
        self.tokenizer = RuleTokenizer(rules)
        self.role = _SentenceRoles(rules.enders)
        self.special = self.tokenizer.special.keys()
        spaced = [re.escape(rule) for rule in rules.special if len(rule.split()) > 1]  # Spanish "EE. UU."
        spaced.sort(key=len, reverse=True)
        self.spaced_rule = re.compile("|".join(spaced)) if spaced else None
        self.chunk = re.compile("(?:" + "|".join([*spaced, r"\S"]) + ")+")
        self.chunk_or_space = re.compile(self.chunk.pattern + r"|\s+")
        self.tokens: dict[str, tuple[str, ...]] = {}
        self.roles: dict[str, str] = {}
        _Splitter.loaded.append(self)

    def words(self, text: str) -> tuple[str, ...]:
        chunks = self.chunks(text)
        tokens = self.tokens_of(chunks, len(text))
        return tuple(chain.from_iterable(map(tokens.__getitem__, chunks)))

    def sentences(self, text: str) -> int:
        if len(text) <= SHORT_TEXT_CHARS:
            try:
                return self.count_sentences(text, self.roles)
            except KeyError:  # a chunk whose roles are not known yet
                pass
        return self.count_sentences(text, self.roles_of(self.chunks(text), len(text)))

    def is_plain(self, chunk: str) -> bool:
        """Whether spaCy's rules for any language make the chunk one word: small ASCII letters, or ASCII digits."""
        alike = chunk.isascii() and ((chunk.isalpha() and chunk.islower()) or chunk.isdigit())
        return alike and len(chunk) <= LONGEST_CHUNK and chunk not in self.special

    def chunks(self, text: str) -> list[str]:
        """Runs of non-space characters; those over LONGEST_CHUNK in pieces.

        A special case of the language with a space in it (Spanish "EE. UU.") is one run.
        """
        spaced = self.spaced_rule is not None and self.spaced_rule.search(text)
        runs = self.chunk.findall(text) if spaced else text.split()
        if max(map(len, runs), default=0) > LONGEST_CHUNK:
            return [piece for run in runs for piece in pieces(run)]
        return runs

    def tokens_of(self, chunks: list[str], length: int) -> Mapping[str, tuple[str, ...]]:
        """The words of each chunk of a text of `length` characters, by the chunk."""
        rest = chunks_beyond_limit(chunks, self.language) if length > SHORT_TEXT_CHARS else ()
        if not rest:
            self.learn(chunks)
            return self.tokens
        # Not `self.tokens`: another text may have put a chunk of `rest` there, and a result must not depend on that.
        within = set(chunks).difference(rest)
        self.learn(within)
        split = {chunk: self.tokens[chunk] for chunk in within}
        return split | {chunk: tuple(_WORD_OR_SIGN.findall(chunk)) for chunk in rest}

    def roles_of(self, chunks: list[str], length: int) -> Mapping[str, str]:
        """The sentence roles of each chunk's words, by the chunk."""
        tokens = self.tokens_of(chunks, length)
        if tokens is not self.tokens:
            return {chunk: self._roles_in(words) for chunk, words in tokens.items()}
        for chunk in set(chunks).difference(self.roles):
            self.roles[chunk] = self._roles_in(tokens[chunk])
        return self.roles

    def learn(self, chunks: Iterable[str]) -> None:
        """Split the chunks that are new."""
        if _Splitter.bytes_used > MEMORY_BYTES:
            _forget_chunks()
        new = set(chunks).difference(self.tokens)
        if not new:
            return
        self.tokens.update((chunk, (chunk,) if self.is_plain(chunk) else self._split(chunk)) for chunk in new)
        _Splitter.bytes_used += CHUNK_BYTES * len(new) + 2 * sum(map(len, new))

    def _split(self, chunk: str) -> tuple[str, ...]:
        """The words of a chunk, as spaCy's tokens of it alone are, stripped, without empty ones."""
        tokens = self.tokenizer.split(_SURROGATE.sub("\ufffd", chunk))
        return tuple(filter(None, map(str.strip, tokens)))

    def _roles_in(self, tokens: tuple[str, ...]) -> str:
        if len(tokens) == 1 and tokens[0].isalnum():
            return "w"
        return "".join(map(self.role.__getitem__, tokens))

    def count_sentences(self, text: str, roles: Mapping[str, str]) -> int:
        """Sentences of all lines: in the roles of a line's words, each 'tw' is where another sentence begins.

        Raises KeyError for a chunk that `roles` lacks.
        """
        return sum(1 + self._line_roles(line, roles).count("tw") for line in text.split("\n"))

    def _line_roles(self, line: str, roles: Mapping[str, str]) -> str:
        if not _UNUSUAL_SPACE.search(line):
            return "".join(map(roles.__getitem__, self.chunks(line)))
        parts = []
        for run in self.chunk_or_space.findall(line):
            if run.isspace():
                parts.append("" if run == " " else "w")
            else:
                parts.extend(map(roles.__getitem__, pieces(run)))
        return "".join(parts)


class _SentenceRoles(dict[str, str]):
    """A token's role in spaCy's sentencizer: 't' ends a sentence, 'w' may begin one, '' (other punctuation) neither."""

    def __init__(self, enders: Iterable[str]) -> None:
        super().__init__(dict.fromkeys(enders, "t"))

    def __missing__(self, token: str) -> str:
        if not token.isalnum() and all(category(character)[0] == "P" for character in token):
            return ""
        return "w"


def pieces(chunk: str) -> list[str]:
    """The chunk itself, or pieces of one that is longer than LONGEST_CHUNK."""
    if len(chunk) <= LONGEST_CHUNK:
        return [chunk]
    # Split at white space first, for a run of special cases with a space in them: no piece may begin with white space.
    return [part[start : start + PIECE] for part in chunk.split() for start in range(0, len(part), PIECE)]


def forget_words() -> None:
    """Forget all remembered texts and chunks, so that the next text costs what it would cost a new process."""
    with _LOCK:
        words.cache_clear()
        _forget_chunks()
        for splitter in _line_splitters:
            splitter.forget()


def _forget_chunks() -> None:
    for splitter in _Splitter.loaded:
        splitter.tokens.clear()
        splitter.roles.clear()
    _Splitter.bytes_used = 0


@cache
def _splitter(language: str) -> _Splitter | LineSplitter:
    require_installed((language,))
    return _chunk_splitter(language) if dictionary_of(language) is None else _line_splitter(language)


@cache
def _line_splitter(language: str) -> LineSplitter:
    dictionary = dictionary_of(language)
    assert dictionary is not None
    splitter = LineSplitter(dictionary, _chunk_splitter("xx").role)
    _line_splitters.append(splitter)
    return splitter


@cache
def _chunk_splitter(language: str) -> _Splitter:
    known = SPACY_NAMES.get(language, language)
    known = known if has_rules(known) else "xx"
    return _Splitter(known) if known == language else _chunk_splitter(known)
