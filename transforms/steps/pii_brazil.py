"""Brazil's numbers as Presidio recognisers: CPF, CNPJ, CEP and random PIX keys, with their check digits.

Sources: Receita Federal for CPF (modulo 11) and for CNPJ, whose letters count as their ASCII code minus 48 (Instrução
Normativa RFB 2.229/2024); Correios for CEP; Banco Central for PIX keys (a random key is a UUID).
"""

from __future__ import annotations

from presidio_analyzer import Pattern, PatternRecognizer

FORMATTED, BARE = 0.85, 0.3  # a bare number needs words around that say what it is


def weighted(values: list[int], weights: list[int]) -> int:
    rest = sum(value * weight for value, weight in zip(values, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def is_cpf(text: str) -> bool:
    digits = [int(char) for char in text if char.isdigit()]
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    first = weighted(digits[:9], list(range(10, 1, -1)))
    return digits[9:] == [first, weighted([*digits[:9], first], list(range(11, 1, -1)))]


def is_cnpj(text: str) -> bool:
    values = [ord(char) - 48 for char in text.upper() if char.isalnum() and char.isascii()]
    if len(values) != 14 or len(set(values)) == 1 or max(values[12:]) > 9:
        return False
    first = weighted(values[:12], [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
    return values[12:] == [first, weighted([*values[:12], first], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])]


class Recogniser(PatternRecognizer):
    """A recogniser of one entity. `bare` is the pattern of a number without its marks."""

    def __init__(self, entity: str, formatted: str, bare: str | None = None) -> None:
        patterns = [Pattern(f"{entity} (formatted)", formatted, FORMATTED)]
        patterns += [Pattern(f"{entity} (bare)", bare, BARE)] if bare else []
        super().__init__(supported_entity=entity, patterns=patterns, supported_language="pt")


class CpfRecogniser(Recogniser):
    def __init__(self) -> None:
        super().__init__(
            "BR_CPF", r"(?<![\w.-])\d{3}\.\d{3}\.\d{3}[-–]\d{2}(?![\w-])", r"(?<![\w.,/-])\d{9}-?\d{2}(?![\w-])"
        )

    def invalidate_result(self, pattern_text: str) -> bool:
        return not is_cpf(pattern_text)


class CnpjRecogniser(Recogniser):
    def __init__(self) -> None:
        formatted = r"(?<![\w.-])[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}[-–]\d{2}(?![\w-])"
        super().__init__("BR_CNPJ", formatted, r"(?<![\w.,/-])[0-9A-Z]{8}/?[0-9A-Z]{4}-?\d{2}(?![\w-])")

    def invalidate_result(self, pattern_text: str) -> bool:
        return not is_cnpj(pattern_text)


class CepRecogniser(PatternRecognizer):
    """Without check digits, so every form needs a word such as CEP, or a state, before it."""

    def __init__(self) -> None:
        pattern = Pattern("BR_CEP", r"(?<![\w.,/-])\d{2}\.?\d{3}-?\d{3}(?![\w-])", BARE)
        super().__init__(supported_entity="BR_CEP", patterns=[pattern], supported_language="pt")

    def invalidate_result(self, pattern_text: str) -> bool:
        return not pattern_text.strip("0.-")


class PixKeyRecogniser(PatternRecognizer):
    """A random key. E-mail, telephone, CPF and CNPJ as keys are found as what they are."""

    def __init__(self) -> None:
        uuid = r"(?<![\w-])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![\w-])"
        pattern = Pattern("BR_PIX_KEY", uuid, BARE)
        super().__init__(supported_entity="BR_PIX_KEY", patterns=[pattern], supported_language="pt")

    def invalidate_result(self, pattern_text: str) -> bool:
        return not pattern_text.strip("0-")
