"""Which recogniser looks at which candidates, and which of its finds count."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import regex

from transforms.steps.pii import addresses, context, emails, words
from transforms.steps.pii.entities import EXAMPLE_VALUES, EXAMPLES, LIKELY, SURE, WEAK, Span
from transforms.steps.pii.identity import IDENTITY_NUMBERS
from transforms.steps.pii.phones import PhoneFinder
from transforms.steps.text.lean_import import without_frameworks

_SSN = re.compile(r"(?<![\w.,/-])(\d{3})([- .]?)(\d{2})\2(\d{4})(?![\w/]|[-.]\d)")
_CARD = re.compile(
    r"(?<![\w.,/+-])\d{4}[ -]?(?:\d{4}[ -]?\d{4}[ -]?\d{1,4}(?:[ -]?\d{3})?|\d{6}[ -]?\d{4,5})(?![\w/]|[-.,]\d)"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ -]?[A-Za-z0-9]{4}")


class Recognisers:
    """Loaded once a process. Raises ValueError if the model for names is absent."""

    def __init__(self, types: tuple[str, ...], names_model: str | None, keep_help_lines: bool = False) -> None:
        from transforms.steps.pii.brazil import CepRecogniser, CnpjRecogniser, CpfRecogniser, PixKeyRecogniser

        with without_frameworks():
            from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, IbanRecognizer, UsSsnRecognizer

        self._types = frozenset(types)
        self._cpf, self._cnpj = CpfRecogniser(), CnpjRecogniser()
        self._cep, self._pix = CepRecogniser(), PixKeyRecogniser()
        iban = IbanRecognizer()
        [form] = iban.patterns
        self._iban_form = regex.compile(form.regex, iban.global_regex_flags or 0)
        self._is_iban = remembered(iban.validate_result)
        self._is_card = remembered(CreditCardRecognizer().validate_result)
        self._is_no_ssn = remembered(UsSsnRecognizer().invalidate_result)
        self._phones = PhoneFinder(keep_help_lines)
        self._names = load_names(names_model) if names_model is not None else None
        self._identity_numbers = [item for item in IDENTITY_NUMBERS if item.entity in types]
        self._families: dict[str, tuple[Callable[[str, str], Iterator[Span]], ...]] = {
            "at": (self._emails,),
            "digits": (
                addresses.ipv4,
                self._numbers,
                self._cards,
                self._ibans,
                self._ssns,
                self._brazilian,
                self._identity,
            ),
            "colons": (addresses.ipv6,),
            "slashed": (self._brazilian,),
            "pix": (self._pix_keys,),
            "spelled": (self._spelled,),
            "vanity": (self._vanity,),
        }

    def find(self, family: str, text: str, start: int, end: int, language: str) -> Iterator[Span]:
        """What stands in text[start:end], as spans of the text.

        A window's edge may cut a word or a number, so a find that touches one counts only at the text's own ends; the
        neighbouring window has it whole.
        """
        window = text[start:end]
        for finder in self._families[family]:
            for item in finder(window, language):
                inside = (item.start > 0 or start == 0) and (item.end < len(window) or end == len(text))
                if inside and item.type in self._types and window[item.start : item.end] not in EXAMPLE_VALUES:
                    yield Span(item.start + start, item.end + start, item.type, item.score) if start else item

    def names(self, text: str) -> Iterator[Span]:
        assert self._names is not None
        for entity in self._names(text[: self._names.max_length]).ents:
            replaced = entity.text.startswith("<") or entity.text == EXAMPLES["PERSON"]
            if entity.label_ in ("PERSON", "PER") and not replaced:
                yield Span(entity.start_char, entity.end_char, "PERSON", WEAK)

    def _emails(self, window: str, language: str) -> Iterator[Span]:
        return emails.written(window)

    def _spelled(self, window: str, language: str) -> Iterator[Span]:
        return emails.spelled(window)

    def _numbers(self, window: str, language: str) -> Iterator[Span]:
        for start, end, score in self._phones.find(window, language):
            yield Span(start, end, "PHONE_NUMBER", score)

    def _vanity(self, window: str, language: str) -> Iterator[Span]:
        for start, end, score in self._phones.vanity(window):
            yield Span(start, end, "PHONE_NUMBER", score)

    def _cards(self, window: str, language: str) -> Iterator[Span]:
        for match in _CARD.finditer(window):
            if not (is_issued(match[0]) and self._is_card(match[0])):
                continue
            has_word = context.near(window, *match.span(), words.CARD)
            if has_word or not context.follows(window, match.start(), words.NO_NUMBER):
                yield Span(*match.span(), "CREDIT_CARD", SURE if has_word else LIKELY)

    def _ibans(self, window: str, language: str) -> Iterator[Span]:
        if _IBAN.search(window):
            upper = window.upper()  # in it a word after the number may seem a part of it
            for variant in dict.fromkeys((window, upper)):
                for start, end in self._iban_ranges(variant) if len(variant) == len(window) else ():
                    if not window[end : end + 1].isalnum():  # Presidio may end amid a group
                        yield Span(start, end, "IBAN_CODE", SURE)

    def _iban_ranges(self, text: str) -> Iterator[tuple[int, int]]:
        """(start, end) of what the recogniser's analyze() is sure of: its explanations cost more than the search."""
        for match in self._iban_form.finditer(text):
            start = match.start()
            for group in (3, 2, 1):  # ever shorter; the first that is not refused, sure or not, ends it
                end = match.end(group) if match.end(group) > 0 else match.end()
                valid = self._is_iban(text[start:end])
                if valid:
                    yield start, end
                if valid is not False:
                    break

    def _ssns(self, window: str, language: str) -> Iterator[Span]:
        for match in _SSN.finditer(window):
            has_word = context.near(window, *match.span(), words.SSN)
            dashed = match[2] == "-" and not context.follows(window, match.start(), words.NO_NUMBER)
            if (has_word or dashed) and match[1] < "900" and not self._is_no_ssn(match[0]):
                yield Span(*match.span(), "US_SSN", SURE if has_word else LIKELY)

    def _brazilian(self, window: str, language: str) -> Iterator[Span]:
        for recogniser, names in ((self._cpf, words.CPF), (self._cnpj, words.CNPJ)):
            for start, end, score in recogniser.matches(window, bare=context.among(window, names)):
                has_word = context.near(window, start, end, names)
                if has_word or score >= LIKELY:
                    yield Span(start, end, recogniser.kind, SURE if has_word else LIKELY)
        yield from self._post_codes(window)

    def _post_codes(self, window: str) -> Iterator[Span]:
        has_word, has_dash = context.among(window, words.CEP), "-" in window or "–" in window
        if not (has_word or has_dash):
            return
        for start, end, _ in self._cep.matches(window):
            dashed = not window[start:end].replace(".", "").isdigit()
            named = has_word and context.follows(window, start, words.CEP, 5 if dashed else 4)
            if named or (dashed and context.is_addressed(window, start, end)):
                yield Span(start, end, "BR_CEP", LIKELY)

    def _identity(self, window: str, language: str) -> Iterator[Span]:
        for item in self._identity_numbers:
            yield from item.find(window)

    def _pix_keys(self, window: str, language: str) -> Iterator[Span]:
        for start, end, _ in self._pix.matches(window):
            if context.near(window, start, end, words.PIX, context.BEFORE):
                yield Span(start, end, "BR_PIX_KEY", LIKELY)


remembered = lru_cache(10_000)  # a page's own number stands on each of its pages


@remembered
def is_issued(number: str) -> bool:
    """Whether a card's first digits and length are those of a network (ISO/IEC 7812 ranges in use)."""
    digits = "".join(char for char in number if char.isdigit())
    lengths = {"4": (16, 19), "5": (16,), "6": (16, 17, 18, 19), "3": (14, 15, 16), "2": (16,)}
    first = digits[0]
    if first == "5" and digits[1] not in "012345678":
        return False
    if first == "3" and digits[1] not in "04568" + "7":
        return False
    if first == "2" and not 2221 <= int(digits[:4]) <= 2720:
        return False
    return len(digits) in lengths.get(first, ()) and len(set(digits)) > 1


def load_names(model: str) -> Any:
    with without_frameworks():
        import spacy

    try:
        return spacy.load(model, disable=["lemmatizer", "tagger", "attribute_ruler"])
    except OSError as error:
        raise ValueError(
            f"spaCy has no model '{model}' here; install it with `python -m spacy download {model}`, or leave "
            "names_model out"
        ) from error
