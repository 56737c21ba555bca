"""What a text's words say of it, and the names in the classes of its containers: "reply" or "cookies" tell more than
numbers do, and "entry-content" more than depths.

The words stand in model.json, with votes as the trees have them: those of a text of few words, those of a longer one,
and those of a heading for all that stands below it. They are words of many sites, learned from none alone. Languages
of which few pages were marked have no words there, and nothing is said of their texts here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from transforms.steps.extract.blocks.features import LEVEL_OF, Columns
from transforms.steps.extract.blocks.layout import Layout
from transforms.steps.extract.blocks.shape import Shape, share
from transforms.steps.extract.blocks.tags import LONGEST_REMEMBERED, WORDS, remember

FEW = 8  # words; a text of fewer is a label, a link or a heading, and its words say something else
SETS = ("few", "many", "heading")
NAMES = [
    *("known_words", "votes_of_words", "mean_vote", "least_vote", "most_vote"),
    *("heading_sum_vote", "heading_least_vote", "heading_most_vote"),
]
LETTERS = 0x3000  # code points below which there are letters that words are made of; Han and kana are not split
SHORTEST, LONGEST = 2, 20  # letters of a word
MOST = 1000  # known words of a text that are asked, so that sums stay small
FNV_BASIS, FNV_PRIME, BITS_64 = 0xCBF29CE484222325, 0x100000001B3, 2**64 - 1


def folded_letters() -> np.ndarray:
    """Of each code point of the first plane the small letter that it is read as, 0 if it is no letter of a word."""
    table = np.zeros(0x10001, np.uint16)
    for code in range(LETTERS):
        if chr(code).isalpha():
            small = chr(code).lower()
            table[code] = ord(small) if len(small) == 1 else code
    return table


FOLD = folded_letters()
FOLD_TEXT = {code: chr(small) if small else " " for code, small in enumerate(FOLD.tolist())}


class _Folding(dict[int, str]):
    def __missing__(self, code: int) -> str:
        return " "


FOLDING = _Folding(FOLD_TEXT)


def words_of(text: str) -> list[str]:
    """The words of a text in small letters."""
    return [word for word in text.translate(FOLDING).split() if SHORTEST <= len(word) <= LONGEST]


def hash_of(word: str) -> int:
    """FNV-1a over code points, 64 bits."""
    state = FNV_BASIS
    for letter in word:
        state = (state ^ ord(letter)) * FNV_PRIME & BITS_64
    return state


def hashed(words: Collection[str]) -> tuple[np.ndarray, np.ndarray]:
    """A hash table with free places: the hash that stands in each place, and its word's row, -1 in a free one."""
    places = 1 << max(4, (4 * len(words)).bit_length())
    keys, rows = np.zeros(places, np.uint64), np.full(places, -1, np.int32)
    for row, word in enumerate(words):
        key = hash_of(word)
        place = key & (places - 1)
        while rows[place] >= 0:
            place = (place + 1) & (places - 1)
        keys[place], rows[place] = key, row
    return keys, rows


@dataclass(frozen=True)
class Lexicon:
    """Words and what they vote.

    index: row of each word.
    votes: words × SETS.
    """

    index: dict[str, int]
    votes: np.ndarray

    @classmethod
    def of(cls, data: dict[str, list[int]]) -> Lexicon:
        """data: votes of each word, in the order of SETS."""
        votes = np.array(list(data.values()), np.int32).reshape(len(data), len(SETS))
        return cls({word: row for row, word in enumerate(data)}, votes)

    def add(self, out: Columns, page: Layout, shape: Shape) -> None:
        """The columns that words give."""
        words = shape.words()
        heading = LEVEL_OF[shape.code[shape.node]] > 0
        counts = self.counts(page.texts, words < FEW, heading)
        out.add_all(NAMES, counts)
        # How much of the page's language the words are of: rules of marking differ from language to language.
        out.add(page_known=share(counts[0].sum(), words.sum()))

    def counts(self, texts: list[str], few: np.ndarray, heading: np.ndarray) -> np.ndarray:
        """What the words of each text, and those of the heading above it, say: int32, NAMES × texts.

        few: whether a text has few words; heading: whether it is a heading
        """
        found = np.empty((len(NAMES), len(texts)), np.int32)
        above = [0, 0, 0]
        for number, text in enumerate(texts):
            rows = [self.index[word] for word in words_of(text) if word in self.index][:MOST]
            own = said_by(self.votes[rows, 0 if few[number] else 1].tolist())
            if heading[number]:
                above = said_by(self.votes[rows, 2].tolist())
            found[:, number] = [len(rows), own[0], own[0] // (len(rows) + 1), *own[1:], *above]
        return found


def said_by(votes: list[int]) -> list[int]:
    """The sum of some words' votes, the least and the largest."""
    return [sum(votes), min(votes, default=0), max(votes, default=0)]


NOTHING_SAID = [0, 0, 0]
NEAREST = (1, 3, 12)  # containers of a block whose classes are asked together
CLASS_NAMES = [f"class_{name}_{nearest}" for nearest in NEAREST for name in ("sum", "least", "most")] + ["class_top"]


def names_of(name: str) -> list[str]:
    """One of a container's classes, and the words that it is made of."""
    return [name.strip("0123456789-_").lower(), *map(str.lower, WORDS.findall(name))]


@dataclass(frozen=True)
class ClassNames:
    """Names in classes and what they vote.

    votes: of each name.
    met: of a container's classes, the sum, the least and the largest of the votes.
    known: of one class, the names that have a vote.
    """

    votes: dict[str, int]
    met: dict[str, list[int]] = field(default_factory=dict, compare=False)
    known: dict[str, list[str]] = field(default_factory=dict, compare=False)

    def said_by_class(self, sign: str) -> list[int]:
        """sign: as a Tag has it."""
        key = sign[:LONGEST_REMEMBERED]
        if (said := self.met.get(key)) is None:
            names: set[str] = set()
            for name in key.split()[1:]:
                if (known := self.known.get(name)) is None:
                    known = list(filter(self.votes.__contains__, names_of(name)))
                    remember(self.known, name, known)
                if known:
                    names.update(known)
            said = said_by([self.votes[name] for name in names]) if names else NOTHING_SAID
            remember(self.met, key, said)
        return said

    def add(self, out: Columns, shape: Shape) -> None:
        """The columns that classes give: of a block's own container, of the nearest, and the strongest of all."""
        signs = shape.sign.take(shape.chain)
        with_text = np.bincount(signs.ravel(), minlength=len(shape.signs)).tolist()
        known = [
            self.said_by_class(sign) if n else NOTHING_SAID for sign, n in zip(shape.signs, with_text, strict=True)
        ]
        said = np.array(known, np.int32).T.take(signs, axis=1)
        rows = []
        for nearest in NEAREST:
            rows += [said[0, :nearest].sum(axis=0), said[1, :nearest].min(axis=0), said[2, :nearest].max(axis=0)]
        strongest = np.abs(said[0]).argmax(axis=0)
        out.add_all(CLASS_NAMES, np.stack([*rows, said[0, strongest, np.arange(len(strongest))]]))
