"""Which recogniser looks at which candidates, and which of its finds count."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import regex

from transforms.steps.pii import context
from transforms.steps.pii.phones import PhoneFinder
from transforms.steps.text.lean_import import without_frameworks

TYPES = (
    *("EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN"),
    *("BR_CPF", "BR_CNPJ", "BR_CEP", "BR_PIX_KEY"),
)
SURE, LIKELY, WEAK = 1.0, 0.85, 0.6

# Reserved for examples (RFC 2606, 5737, 3849; 555-01xx in North America) or never issued, so none is found again.
EXAMPLES = {
    "EMAIL_ADDRESS": "email@example.com",
    "IP_ADDRESS": "192.0.2.1",
    "IPV6": "2001:db8::1",
    "PHONE_NUMBER": "555-0100",
    "CREDIT_CARD": "0000 0000 0000 0000",
    "IBAN_CODE": "XX00 0000 0000 0000 0000",
    "US_SSN": "000-00-0000",
    "BR_CPF": "000.000.000-00",
    "BR_CNPJ": "00.000.000/0000-00",
    "BR_CEP": "00000-000",
    "BR_PIX_KEY": "00000000-0000-0000-0000-000000000000",
    "PERSON": "Jane Doe",
}
EXAMPLE_VALUES = frozenset(EXAMPLES.values())

_LOCAL = r"[\w!#$%&'*+/=?^`{|}~-]"
_EMAIL = re.compile(
    rf"(?<!{_LOCAL})(?<!\.){_LOCAL}{{1,64}}(?:\.{_LOCAL}{{1,64}}){{0,8}}"
    r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?![\w-])"
)
_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|js|css|html?|pdf|mp4|ico|zip)$", re.IGNORECASE)  # icon@2x.png
# After a letter and a slash stands a product's version: nginx/1.18.0.99
_IPV4 = re.compile(r"(?<![\w.,-])(?<![A-Za-z]/)(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d|-\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){1,7}(?::|[0-9A-Fa-f]{1,4})(?:[0-9A-Fa-f:]{0,34})(?![\w:])")
_PORT = re.compile(r"[:/]\d")
_SSN = re.compile(r"(?<![\w.,/-])(\d{3})([- .]?)(\d{2})\2(\d{4})(?![\w/]|[-.]\d)")
_CARD = re.compile(
    r"(?<![\w.,/+-])\d{4}[ -]?(?:\d{4}[ -]?\d{4}[ -]?\d{1,4}(?:[ -]?\d{3})?|\d{6}[ -]?\d{4,5})(?![\w/]|[-.,]\d)"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ -]?[A-Za-z0-9]{4}")
SMALL_OCTET = 40  # addresses of small numbers only are more often versions and sections


class Found(NamedTuple):
    """start, end: characters of the text. type: Presidio's name of the entity. score: 0 to 1."""

    start: int
    end: int
    type: str
    score: float


class Recognisers:
    """Loaded once a process. Raises ValueError if the model for names is absent."""

    def __init__(self, types: tuple[str, ...], names_model: str | None) -> None:
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
        self._phones = PhoneFinder()
        self._names = load_names(names_model) if names_model is not None else None
        self._families: dict[str, tuple[Callable[[str, str], Iterator[Found]], ...]] = {
            "at": (self._emails,),
            "digits": (self._ipv4, self._numbers, self._cards, self._ibans, self._ssns, self._brazilian),
            "colons": (self._ipv6,),
            "slashed": (self._brazilian,),
            "pix": (self._pix_keys,),
        }

    def find(self, family: str, text: str, start: int, end: int, language: str) -> Iterator[Found]:
        """What stands in text[start:end], by places in the text; its edges are whole words' only by luck, and a find
        that touches one is left to the neighbouring window or to the text's end."""
        window = text[start:end]
        for finder in self._families[family]:
            for item in finder(window, language):
                inside = (item.start > 0 or start == 0) and (item.end < len(window) or end == len(text))
                if inside and item.type in self._types and window[item.start : item.end] not in EXAMPLE_VALUES:
                    yield Found(item.start + start, item.end + start, item.type, item.score) if start else item

    def names(self, text: str) -> Iterator[Found]:
        assert self._names is not None
        for entity in self._names(text[: self._names.max_length]).ents:
            replaced = entity.text.startswith("<") or entity.text == EXAMPLES["PERSON"]
            if entity.label_ in ("PERSON", "PER") and not replaced:
                yield Found(entity.start_char, entity.end_char, "PERSON", WEAK)

    def _emails(self, window: str, language: str) -> Iterator[Found]:
        for match in _EMAIL.finditer(window):
            if not _FILE.search(match[0]) and not match[0].startswith("git@"):  # a repository's address
                start = match.start() + len(match[0]) - len(match[0].lstrip("'`{|"))
                yield Found(start, match.end(), "EMAIL_ADDRESS", SURE)

    def _ipv4(self, window: str, language: str) -> Iterator[Found]:
        for match in _IPV4.finditer(window):
            if not is_public(match[0]) or context.follows(window, match.start(), context.NO_IP, 2):
                continue
            small = max(map(int, match[0].split("."))) < SMALL_OCTET
            told = context.near(window, *match.span(), context.IP) or is_service(window, match)
            if told or not small:
                yield Found(*match.span(), "IP_ADDRESS", LIKELY if told else WEAK)

    def _ipv6(self, window: str, language: str) -> Iterator[Found]:
        for match in _IPV6.finditer(window):
            for value in (match[0], match[0].rpartition(":")[0]):  # a colon or a port may follow
                if is_public(value):
                    yield Found(match.start(), match.start() + len(value), "IP_ADDRESS", SURE)
                    break

    def _numbers(self, window: str, language: str) -> Iterator[Found]:
        for start, end, score in self._phones.find(window, language):
            yield Found(start, end, "PHONE_NUMBER", score)

    def _cards(self, window: str, language: str) -> Iterator[Found]:
        for match in _CARD.finditer(window):
            if not (is_issued(match[0]) and self._is_card(match[0])):
                continue
            told = context.near(window, *match.span(), context.CARD)
            if told or not context.follows(window, match.start(), context.NO_NUMBER):
                yield Found(*match.span(), "CREDIT_CARD", SURE if told else LIKELY)

    def _ibans(self, window: str, language: str) -> Iterator[Found]:
        if _IBAN.search(window):
            upper = window.upper()  # in it a word after the number may seem a part of it
            for variant in dict.fromkeys((window, upper)):
                for start, end in self._iban_places(variant) if len(variant) == len(window) else ():
                    if not window[end : end + 1].isalnum():  # Presidio may end amid a group
                        yield Found(start, end, "IBAN_CODE", SURE)

    def _iban_places(self, text: str) -> Iterator[tuple[int, int]]:
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

    def _ssns(self, window: str, language: str) -> Iterator[Found]:
        for match in _SSN.finditer(window):
            told = context.near(window, *match.span(), context.SSN)
            dashed = match[2] == "-" and not context.follows(window, match.start(), context.NO_NUMBER)
            if (told or dashed) and match[1] < "900" and not self._is_no_ssn(match[0]):
                yield Found(*match.span(), "US_SSN", SURE if told else LIKELY)

    def _brazilian(self, window: str, language: str) -> Iterator[Found]:
        for recogniser, words in ((self._cpf, context.CPF), (self._cnpj, context.CNPJ)):
            for start, end, score in recogniser.places(window, bare=context.among(window, words)):
                told = context.near(window, start, end, words)
                if told or score >= LIKELY:
                    yield Found(start, end, recogniser.kind, SURE if told else LIKELY)
        told = context.among(window, context.CEP) or ("-" in window and context.CAPITALS.search(window) is not None)
        for start, end, _ in self._cep.places(window) if told else ():
            dashed = "-" in window[start:end]
            told = context.follows(window, start, context.CEP, 5 if dashed else 4) or (
                dashed and context.in_address(window, start)
            )
            if told:
                yield Found(start, end, "BR_CEP", LIKELY)

    def _pix_keys(self, window: str, language: str) -> Iterator[Found]:
        for start, end, _ in self._pix.places(window):
            if context.near(window, start, end, context.PIX, context.BEFORE):
                yield Found(start, end, "BR_PIX_KEY", LIKELY)


remembered = lru_cache(10_000)  # a page's own number stands on each of its pages


@remembered
def is_public(value: str) -> bool:
    """Whether it is an address that is routed on the public internet; IPv6: of the block in use, 2000::/3."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and (address.version == 4 or int(address) >> 125 == 1)


def is_service(window: str, match: re.Match[str]) -> bool:
    """Whether a port, a network's length or a path follows, or a URL's slashes stand before."""
    return _PORT.match(window, match.end()) is not None or window.endswith(("//", "@"), 0, match.start())


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
