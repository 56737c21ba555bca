"""The types of personal data, what takes their place, and how sure a find is."""

from __future__ import annotations

from typing import NamedTuple

TYPES = (
    *("EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN"),
    *("BR_CPF", "BR_CNPJ", "BR_CEP", "BR_PIX_KEY"),
)
IDENTITY_TYPES = ("BR_PIS_PASEP", "BR_TITULO_ELEITOR", "BR_CNH", "BR_RG", "PT_NIF")  # for who asks for them
ALL_TYPES = (*TYPES, *IDENTITY_TYPES)
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
    "BR_PIS_PASEP": "000.00000.00-0",
    "BR_TITULO_ELEITOR": "0000 0000 0000",
    "BR_CNH": "00000000000",
    "BR_RG": "00.000.000-0",
    "PT_NIF": "000 000 000",
    "PERSON": "Jane Doe",
}
EXAMPLE_VALUES = frozenset(EXAMPLES.values())


class Span(NamedTuple):
    """A find.

    start, end: characters of the text
    type: Presidio's name of the entity
    score: 0 to 1
    """

    start: int
    end: int
    type: str
    score: float
