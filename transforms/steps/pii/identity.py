"""Numbers of persons in Brazil and Portugal that are looked for where a recipe asks: each with its check digits.

Sources: Caixa Econômica Federal for PIS/PASEP (NIT and NIS are the same number); TSE, Resolução 21.538/2003, article
12, for the título de eleitor; Denatran for the CNH (modulo 11 twice, as its systems do it); SSP-SP for São Paulo's RG,
other states have other check digits or none; Decreto-Lei 14/2013 and Autoridade Tributária for Portugal's NIF.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import mul

from transforms.steps.pii import context, words
from transforms.steps.pii.entities import LIKELY, SURE, Span

# First digits of a NIF: persons 1, 2, 3 and 45; companies, state and others 5, 6 and the pairs.
NIF_STARTS = (
    "1",
    "2",
    "3",
    "45",
    "5",
    "6",
    "70",
    "71",
    "72",
    "74",
    "75",
    "77",
    "78",
    "79",
    "8",
    "90",
    "91",
    "98",
    "99",
)
STATES_OF_VOTERS = 28  # 01 to 27, and 28 for abroad
STRICT_STATES = (1, 2)  # São Paulo and Minas Gerais write 1 for a remainder of 0


def digits_of(text: str) -> list[int]:
    return [int(char) for char in text if char.isdigit()]


def total(values: list[int], weights: range | list[int]) -> int:
    return sum(map(mul, values, weights))


def is_pis(text: str) -> bool:
    values = digits_of(text)
    rest = total(values, [3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return len(values) == 11 and len(set(values)) > 1 and values[10] == (0 if rest < 2 else 11 - rest)


def is_voter(text: str) -> bool:
    """Of a título de eleitor: eight digits, two of the state, two that check them."""
    values = digits_of(text)
    if len(values) != 12 or not any(values):
        return False
    state = values[8] * 10 + values[9]
    if not 1 <= state <= STATES_OF_VOTERS:
        return False

    def check(remainder: int) -> int:
        return 1 if remainder == 0 and state in STRICT_STATES else remainder % 10

    first = check(total(values[:8], range(2, 10)) % 11)
    return values[10:] == [first, check(total([*values[8:10], first], range(7, 10)) % 11)]


def is_cnh(text: str) -> bool:
    """Of a driving licence.

    Where the first remainder is 10, 2 is taken off the second; systems differ in how they write what is then below 0,
    so both ways count.
    """
    values = digits_of(text)
    if len(values) != 11 or len(set(values)) == 1:
        return False
    first, second = (total(values[:9], weights) % 11 for weights in (range(9, 0, -1), range(1, 10)))
    taken = 2 if first == 10 else 0
    ways = {0 if second == 10 else max(second - taken, 0), (second - taken) % 11 % 10}
    return values[9] == first % 10 and values[10] in ways


def is_rg(text: str) -> bool:
    """Of an identity card of São Paulo; X is ten."""
    values = digits_of(text[:-1])
    if not 7 <= len(values) <= 8 or len(set(values)) == 1:
        return False
    expected = -total([0] * (8 - len(values)) + values, range(2, 10)) % 11
    return text[-1].upper() == ("X" if expected == 10 else str(expected))


def is_nif(text: str) -> bool:
    values = digits_of(text)
    digits = "".join(map(str, values))
    if len(values) != 9 or not digits.startswith(NIF_STARTS) or len(set(values)) == 1:
        return False
    rest = total(values[:8], range(9, 1, -1)) % 11
    return values[8] == (0 if rest < 2 else 11 - rest)


@dataclass(frozen=True)
class IdentityNumber:
    """A number with check digits.

    entity: its type
    form: every way of writing it
    names: words of which one must stand near
    is_valid: whether its check digits are right
    own_form: a way of writing that nothing else has, which needs no word; None if there is none
    """

    entity: str
    form: re.Pattern[str]
    names: frozenset[str]
    is_valid: Callable[[str], bool]
    own_form: re.Pattern[str] | None = None

    def find(self, window: str) -> Iterator[Span]:
        named = context.among(window, self.names)
        form = self.form if named else self.own_form
        for match in form.finditer(window) if form else ():
            if not self.is_valid(match[0]):
                continue
            if named and context.near(window, *match.span(), self.names):
                yield Span(*match.span(), self.entity, SURE)
            elif self.own_form and self.own_form.fullmatch(match[0]):
                yield Span(*match.span(), self.entity, LIKELY)


def form_of(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,/-])(?<!\d )(?:{pattern})(?![\w/]|[-.,]\d| \d{{3}}(?!\d))")


IDENTITY_NUMBERS = (
    IdentityNumber(
        "BR_PIS_PASEP",
        form_of(r"\d{3}\.?(?:\d{5}\.?\d{2}|\d{4}\.?\d{3}) ?[-–./]? ?\d|\d \d{3} \d{3} \d{3} \d"),
        words.PIS,
        is_pis,
        own_form=form_of(r"\d{3}\.(?:\d{5}\.\d{2}|\d{4}\.\d{3})[-–./]\d"),
    ),
    IdentityNumber(
        "BR_TITULO_ELEITOR", form_of(r"\d{4}([ .]?)\d{4}\1\d{4}|\d{8}-?\d{2}-?\d{2}"), words.VOTER, is_voter
    ),
    IdentityNumber("BR_CNH", form_of(r"\d{9}-?\d{2}|\d{3}([ .])\d{3}\1\d{3}[ .-]\d{2}"), words.CNH, is_cnh),
    IdentityNumber("BR_RG", form_of(r"\d{1,2}([ .]?)\d{3}\1\d{3} ?[-–]? ?[\dXx]"), words.RG, is_rg),
    IdentityNumber("PT_NIF", form_of(r"(?:PT ?)?\d{3}([ .]?)\d{3}\1\d{3}"), words.NIF, is_nif),
)
