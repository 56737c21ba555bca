"""Gopher's repetition rules: one row that fails each, one that just passes, and a plain-Python reference."""

import random
import re
from collections import Counter
from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest

from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition, repeats
from transforms.steps.text.ngrams import MAX_PASSES, NGrams, first_positions
from transforms.steps.text.words import words

WORDS = ["".join(letters) for letters in product("bdfgklpvz", "aou", "bdfgklpvz")]  # 3 letters each, 243 of them
STEP = KeepGopherRepetition()


def document(text: str) -> Document:
    return Document(text, "id", "dump", "url", "date", "file", 0, language="en")


def only(rule: str) -> KeepGopherRepetition:
    """The step with every other rule off."""
    return replace(STEP, **{name: None for name in STEP.measures if name != rule})


def lines(*lengths: int, repeated: int = 0, separator: str = "\n") -> str:
    """Different lines of these lengths, then the first one `repeated` times more."""
    made = [(WORDS[i] * length)[:length] for i, length in enumerate(lengths)]
    return separator.join(made + made[:1] * repeated)


def block_twice(n: int, total: int) -> str:
    """`total` words of 3 letters: a block of n words, other words, the block again."""
    return " ".join(WORDS[: total - n] + WORDS[:n])


def top(total: int) -> str:
    return " ".join(WORDS[:total])


ROWS = [
    # rule, value of the text that fails, the text; value of the text that passes, the text
    ("dup_para_frac", 4 / 10, lines(*[9] * 6, repeated=4, separator="\n\n\n")),
    ("dup_para_frac", 3 / 10, lines(*[9] * 7, repeated=3, separator="\n\n")),
    ("dup_para_char_frac", 30 / 149, lines(30, 85, repeated=1, separator="\n\n")),
    ("dup_para_char_frac", 30 / 150, lines(30, 86, repeated=1, separator="\n\n")),
    ("dup_line_frac", 4 / 10, lines(*[9] * 6, repeated=4)),
    ("dup_line_frac", 3 / 10, lines(*[9] * 7, repeated=3, separator="\n\n")),
    ("dup_line_char_frac", 30 / 149, lines(30, 87, repeated=1)),
    ("dup_line_char_frac", 30 / 150, lines(30, 88, repeated=1)),
    ("top_2_gram", 7 / 31, top(8)),
    ("top_2_gram", 7 / 35, top(9)),
    ("top_3_gram", 11 / 59, top(15)),
    ("top_3_gram", 11 / 63, top(16)),
    ("top_4_gram", 15 / 91, top(23)),
    ("top_4_gram", 15 / 95, top(24)),
    ("dup_5_gram", 15 / 99, block_twice(5, 25)),
    ("dup_5_gram", 15 / 103, block_twice(5, 26)),
    ("dup_6_gram", 18 / 127, block_twice(6, 32)),
    ("dup_6_gram", 18 / 131, block_twice(6, 33)),
    ("dup_7_gram", 21 / 159, block_twice(7, 40)),
    ("dup_7_gram", 21 / 163, block_twice(7, 41)),
    ("dup_8_gram", 24 / 199, block_twice(8, 50)),
    ("dup_8_gram", 24 / 203, block_twice(8, 51)),
    ("dup_9_gram", 27 / 243, block_twice(9, 61)),
    ("dup_9_gram", 27 / 247, block_twice(9, 62)),
    ("dup_10_gram", 30 / 299, block_twice(10, 75)),
    ("dup_10_gram", 30 / 303, block_twice(10, 76)),
]


@pytest.mark.parametrize(("rule", "value", "text"), ROWS[::2])
def test_drops(rule: str, value: float, text: str) -> None:
    verdict = only(rule)(document(text))
    assert isinstance(verdict, Drop)
    assert (verdict.stage, verdict.reason, verdict.value) == ("gopher_repetition", rule, value)
    assert verdict.threshold == getattr(STEP, rule)


@pytest.mark.parametrize(("rule", "value", "text"), ROWS[1::2])
def test_keeps(rule: str, value: float, text: str) -> None:
    verdict = only(rule)(document(text))
    assert isinstance(verdict, Document)
    assert verdict.quality == {rule: value}


def test_every_rule_has_its_rows_and_its_source() -> None:
    assert [rule for rule, _, _ in ROWS[::2]] == [rule for rule, _, _ in ROWS[1::2]] == list(STEP.measures)
    thresholds = {field.name: field for field in fields(STEP) if field.name != "markdown"}
    assert tuple(thresholds) == STEP.measures
    assert all("A1" in field.metadata["source"] and field.metadata["about"] for field in thresholds.values())


def test_the_first_failing_rule_is_the_reason_and_prose_passes_them_all() -> None:
    verdict = STEP(document("again\n\n" * 9))
    assert isinstance(verdict, Drop) and verdict.reason == "dup_para_frac"
    kept = STEP(document(" ".join(WORDS)))
    assert isinstance(kept, Document) and tuple(kept.quality) == STEP.measures


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ("\n\n\n", "dup_line_frac"), ("x", None), (" ", None)])
def test_texts_with_next_to_nothing(text: str, reason: str | None) -> None:
    verdict = STEP(document(text))
    assert (verdict.reason if isinstance(verdict, Drop) else None) == reason
    assert all(check.value >= 0 for check in STEP.checks(document(text)))


def test_all_rules_off() -> None:
    off = replace(STEP, **dict.fromkeys(STEP.measures))
    assert list(off.checks(document("again " * 99))) == []


def reference(text: str, tokens: list[str]) -> dict[str, float]:
    """datatrove's definitions in plain Python, on strings."""

    def top_chars(n: int) -> int:
        grams = Counter(" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
        return max((len(gram) * count for gram, count in grams.most_common(1)), default=0)

    def repeated_chars(n: int) -> int:
        seen, chars, i = set(), 0, 0
        while i + n <= len(tokens):
            gram = "".join(tokens[i : i + n])
            if gram in seen:
                chars, i = chars + len(gram), i + n
            else:
                seen.add(gram)
                i += 1
        return chars

    values = {}
    for unit, parts in (("para", re.split("\n{2,}", text.strip())), ("line", re.split("\n+", text))):
        later = [part for i, part in enumerate(parts) if part in parts[:i]]
        values[f"dup_{unit}_frac"] = len(later) / len(parts)
        values[f"dup_{unit}_char_frac"] = sum(map(len, later)) / len(text)
    values |= {f"top_{n}_gram": top_chars(n) / len(text) for n in (2, 3, 4)}
    return values | {f"dup_{n}_gram": repeated_chars(n) / len(text) for n in range(5, 11)}


@pytest.mark.slow
def test_values_equal_the_reference() -> None:
    rng = random.Random(0)
    for _ in range(1_500):
        alphabet = rng.sample(["a", "b", "ab", "ba", "aa", "é", "漢", "😀", "b.", "\0"], rng.randint(1, 5))
        gaps = rng.choices([" ", "\n", "\n\n"], [8, 1, 1], k=rng.randint(1, 60))
        text = "".join(rng.choice(alphabet) + gap for gap in gaps)
        values = {check.rule: check.value for check in STEP.checks(document(text))}
        assert values == reference(text, list(words(text))), repr(text)


def test_n_grams_are_equal_by_spelling() -> None:
    assert NGrams(["ab", "c", "x", "a", "bc"], "").repeated_chars(2) == 3  # "ab"+"c" is "a"+"bc" without a separator
    assert NGrams(["ab", "c", "x", "a", "bc"], " ").repeated_chars(2) == 0
    assert NGrams(["\0", "a", "x", "a", "\0"], "").repeated_chars(2) == 0
    assert NGrams(["a", "bb", "a", "bb", "ccc", "a", "ccc", "a"], " ").top_chars(2) == 2 * len("a bb")  # first of a tie
    assert NGrams([], " ").top_chars(2) == NGrams(["a"], " ").top_chars(2) == NGrams([], "").repeated_chars(5) == 0
    assert NGrams(["\ud800", "a"], " ").top_chars(2) == 3


@pytest.mark.parametrize("kinds", [1, 2, 30, 5000])
@pytest.mark.parametrize("high_bits", [0, 30, 64])  # few: hashes that were made to meet in one cell of a table
def test_first_positions_are_those_of_a_sort(kinds: int, high_bits: int) -> None:
    draw = np.random.default_rng(kinds)
    values = draw.integers(0, 2**64 - 1, kinds, dtype=np.uint64) >> np.uint64(min(64 - high_bits, 63))
    for size in (0, 1, 2, 9, 1000, 20_000):
        hashes = draw.choice(values, size)
        _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
        assert (first_positions(hashes) == first[which]).all()


def test_hashes_that_meet_in_every_turn_are_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PASSES > 1
    monkeypatch.setattr("transforms.steps.text.ngrams.MIXERS", np.ones(MAX_PASSES, np.uint64))
    hashes = np.array([5, 3, 4, 3, 9, 8, 7, 6, 5, 2, 1, 2, 3], np.uint64)
    assert first_positions(hashes).tolist() == [0, 1, 2, 1, 4, 5, 6, 7, 0, 9, 10, 9, 1]


@pytest.mark.parametrize("alphabet", ["a", "ab", "abcd", "abcdefghij"])
def test_repeated_n_grams_are_those_of_a_plain_reading(alphabet: str) -> None:
    draw = random.Random(alphabet)
    for _ in range(200):
        tokens = draw.choices(alphabet, k=draw.randint(0, 120))
        for n in (2, 5, 10):
            assert NGrams(tokens, "").repeated_chars(n) == read_plainly(tokens, n)


def read_plainly(tokens: list[str], n: int) -> int:
    seen: set[str] = set()
    chars = at = 0
    while at <= len(tokens) - n:
        gram = "".join(tokens[at : at + n])
        chars, at = (chars + len(gram), at + n) if gram in seen else (chars, at + 1)
        seen.add(gram)
    return chars


def test_repeats_count_every_later_one() -> None:
    assert repeats(["ab", "c", "ab", "ab"]) == (2, 4)
    assert repeats([]) == (0, 0)
