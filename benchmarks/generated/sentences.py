"""Sentences in English and Portuguese with made-up personal data, labels that say where it stands, and hard negatives.

Values are of random digits, with right check digits where a type has them. A seed gives the same sentences always,
another seed another set.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.generated.values import NOISE, VALUES, Dice

TYPES = (
    *("EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN"),
    *("BR_CPF", "BR_CNPJ", "BR_CEP", "BR_PIX_KEY"),
)
PER_TYPE, PER_KIND = 110, 32  # sentences of each language


class Label(NamedTuple):
    """Where a value of a type stands in a text: characters from start to end."""

    start: int
    end: int
    type: str


class Sentence(NamedTuple):
    """A text and what there is to find in it.

    language: en or pt.
    kind: the type that the template is about, or what kind of hard negative it is.
    labels: every value; empty for a hard negative.
    """

    text: str
    language: str
    kind: str
    labels: tuple[Label, ...]


TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
TEMPLATES: dict[str, dict[str, str]] = TABLES["templates"]
NEGATIVES: dict[str, dict[str, str]] = TABLES["negatives"]
FILLERS: dict[str, list[str]] = TABLES["fillers"]

_FIELD = re.compile(r"\{(\w+)(!?)\}")


def fill(template: str, language: str, kind: str, dice: Dice) -> Sentence:
    """A template with a value for each {FIELD}; {FIELD!} where nothing in the sentence says what the value is."""
    text, labels, copied = "", [], 0
    for match in _FIELD.finditer(template):
        text, copied = text + template[copied : match.start()], match.end()
        name = match[1]
        value = VALUES[name](dice, language, not match[2]) if name in VALUES else NOISE[name](dice)
        if name in VALUES:
            labels.append(Label(len(text), len(text) + len(value), name))
        text += value
    return Sentence(text + template[copied:], language, kind, tuple(labels))


def between(sentence: Sentence, before: str, after: str) -> Sentence:
    """The sentence with text around it, its labels moved along."""
    labels = tuple(Label(start + len(before), end + len(before), kind) for start, end, kind in sentence.labels)
    return sentence._replace(text=before + sentence.text + after, labels=labels)


def sentences(seed: int) -> Iterator[Sentence]:
    """Equal seeds give equal sentences; other seeds give other values, and other sentences around them."""
    dice = random.Random(seed)
    for language in ("en", "pt"):
        for table, count in ((TEMPLATES, PER_TYPE), (NEGATIVES, PER_KIND)):
            for kind, templates in table[language].items():
                lines = templates.strip().split("\n")
                for index in range(count):
                    filler = fill(dice.choice(FILLERS[language]), language, kind, dice).text
                    made = fill(lines[index % len(lines)], language, kind, dice)
                    yield between(made, *dice.choice([*[("", "")] * 2, (f"{filler} ", ""), ("", f"\n{filler}")]))
