"""Brazil's numbers as Presidio recognisers: CPF, CNPJ, CEP and random PIX keys, with their check digits.

Sources: Receita Federal for CPF (modulo 11) and for CNPJ, whose letters count as their ASCII code minus 48 (Instrução
Normativa RFB 2.229/2024); Correios for CEP; Banco Central for PIX keys (a random key is a UUID).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from operator import mul

import regex

from transforms.steps.text.lean_import import without_frameworks

with without_frameworks():
    from presidio_analyzer import Pattern, PatternRecognizer

FORMATTED, BARE = 0.85, 0.3  # a bare number needs words around that say what it is
FIRST_CPF = list(range(10, 1, -1))
FIRST_CNPJ = [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]


def weighted(values: list[int], weights: list[int]) -> int:
    rest = sum(map(mul, values, weights)) % 11
    return 0 if rest < 2 else 11 - rest


@lru_cache(10_000)  # two expressions may ask about the same number
def is_cpf(text: str) -> bool:
    digits = list(map(int, filter(str.isdigit, text)))
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    first = weighted(digits[:9], FIRST_CPF)
    return digits[9:] == [first, weighted([*digits[:9], first], [11, *FIRST_CPF])]


@lru_cache(10_000)
def is_cnpj(text: str) -> bool:
    values = [ord(char) - 48 for char in text.upper() if char.isalnum() and char.isascii()]
    if len(values) != 14 or len(set(values)) == 1 or max(values[12:]) > 9:
        return False
    first = weighted(values[:12], FIRST_CNPJ)
    return values[12:] == [first, weighted([*values[:12], first], [6, *FIRST_CNPJ])]


class Recogniser(PatternRecognizer):
    """A recogniser of one entity by its patterns."""

    marks: tuple[str, ...] = ("",)  # a text without all of them has no formatted number

    def __init__(self, entity: str, *patterns: Pattern) -> None:
        super().__init__(supported_entity=entity, patterns=list(patterns), supported_language="pt")
        self.kind = entity
        self._compiled = [(regex.compile(item.regex, self.global_regex_flags or 0), item.score) for item in patterns]

    def matches(self, text: str, bare: bool = True) -> Iterator[tuple[int, int, float]]:
        """(start, end, score) of what analyze() finds: its explanations of each find cost more than the search.

        bare: whether numbers without their marks are asked for.
        """
        marked = any(mark in text for mark in self.marks)
        for expression, score in self._compiled:
            if not (marked if score == FORMATTED else bare):
                continue
            for match in expression.finditer(text):
                if not self.invalidate_result(match[0]):
                    yield *match.span(), score


def both(entity: str, formatted: str, bare: str) -> tuple[Pattern, Pattern]:
    """bare: the pattern of a number without its marks."""
    return Pattern(f"{entity} (formatted)", formatted, FORMATTED), Pattern(f"{entity} (bare)", bare, BARE)


class CpfRecogniser(Recogniser):
    marks = ("-", "–")

    def __init__(self) -> None:
        formatted = r"(?<![\w.-])(?:\d{3}\. ?\d{3}\. ?|(?<!\d )\d{3} \d{3} )\d{3} ?[-–] ?\d{2}(?![\w-])"
        bare = r"(?<![\w.,/-])(?:\d{9} ?-? ?|(?<!\d )\d{3}([ .-])\d{3}\1\d{3}\1)\d{2}(?![\w-])"
        super().__init__("BR_CPF", *both("BR_CPF", formatted, bare))

    def invalidate_result(self, pattern_text: str) -> bool:
        return not is_cpf(pattern_text)


class CnpjRecogniser(Recogniser):
    marks = ("/",)

    def __init__(self) -> None:
        formatted = r"(?<![\w.-])[0-9A-Z]{2}\. ?[0-9A-Z]{3}\. ?[0-9A-Z]{3} ?/ ?[0-9A-Z]{4} ?[-–] ?\d{2}(?![\w-])"
        bare = r"(?<![\w.,/-])[0-9A-Z]{8}/?[0-9A-Z]{4}-?\d{2}(?![\w-])"
        super().__init__("BR_CNPJ", *both("BR_CNPJ", formatted, bare))

    def invalidate_result(self, pattern_text: str) -> bool:
        return not is_cnpj(pattern_text)


class CepRecogniser(Recogniser):
    """Without check digits, so every form needs a word such as CEP or a state before it, or a place behind it."""

    def __init__(self) -> None:
        super().__init__("BR_CEP", Pattern("BR_CEP", r"(?<![\w.,/-])\d{2}\.?\d{3}(?: ?[-–] ?)?\d{3}(?![\w-])", BARE))

    def invalidate_result(self, pattern_text: str) -> bool:
        return not pattern_text.strip("0.-")


class PixKeyRecogniser(Recogniser):
    """A random key. E-mail, telephone, CPF and CNPJ as keys are found as what they are."""

    def __init__(self) -> None:
        uuid = r"(?<![\w-])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![\w-])"
        super().__init__("BR_PIX_KEY", Pattern("BR_PIX_KEY", uuid, BARE))

    def invalidate_result(self, pattern_text: str) -> bool:
        return not pattern_text.strip("0-")
