"""Telephone numbers: by their form, or by the words around where many things look alike."""

from __future__ import annotations

import pytest

from transforms.steps.pii.scrub import ScrubPii

STEP = ScrubPii(types=("PHONE_NUMBER",))
STYLES = (STEP, ScrubPii(style="example"))

POSITIVES = [
    ("en", "ring +1 212 555-0143.", "+1 212 555-0143"),
    ("en", "call (415) 555-0117 now", "(415) 555-0117"),
    ("en", "Jane Doe | 212-555-0143 | Sales", "212-555-0143"),
    ("en", "Reservations 212.555.0143.", "212.555.0143"),
    ("en", "1-800-273-8255", "1-800-273-8255"),
    ("en", "phone 212 555 0143", "212 555 0143"),
    ("en", "text 2125550143!", "2125550143"),
    ("en", "Mobile:+12125550143", "+12125550143"),
    ("en", "tel:+1-212-555-0143", "+1-212-555-0143"),
    ("en", "at 020 7946 0018 daily", "020 7946 0018"),
    ("en", "07911 123456", "07911 123456"),
    ("en", "Mr Hughes, 01442 684027", "01442 684027"),
    ("en", "+44 (0)20 7946 0018", "+44 (0)20 7946 0018"),
    ("en", "+49 30 901820", "+49 30 901820"),
    ("en", "+61 2 9374 4000", "+61 2 9374 4000"),
    ("en", "from abroad 0044 20 7946 0018", "0044 20 7946 0018"),
    ("pt", "Ligue (20) 91234-5678", "(20) 91234-5678"),
    ("pt", "Tel.: +55 11 91234-5678", "+55 11 91234-5678"),
    ("pt", "(11)3456-7890", "(11)3456-7890"),
    ("pt", "(011) 3456-7890", "(011) 3456-7890"),
    ("pt", "Zap:(48)95182-1548", "(48)95182-1548"),
    ("pt", "(34) 9 8514-4763", "(34) 9 8514-4763"),
    ("pt", "corretora - 21 98765-4321", "21 98765-4321"),
    ("pt", "0800 123 4567", "0800 123 4567"),
    ("pt", "telefone 11 3456-7890", "11 3456-7890"),
    ("pt", "celular 11912345678", "11912345678"),
    ("pt", "whatsapp 55 11 91234-5678", "55 11 91234-5678"),
    ("pt", "+55 (11) 91234-5678", "+55 (11) 91234-5678"),
    ("pt", "em Lisboa, 912 345 678", "912 345 678"),
    (None, "(415) 555-0117", "(415) 555-0117"),
    ("es", "llame al 612 345 678", "612 345 678"),
    ("fr", "01 42 68 53 00", "01 42 68 53 00"),
    ("de", "030 9018200", "030 9018200"),
]


@pytest.mark.parametrize(("language", "text", "value"), POSITIVES)
def test_found(language: str | None, text: str, value: str) -> None:
    assert [text[span.start : span.end] for span in STEP.find(text, language)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        *("2125550143", "212 555 0143", "11912345678", "912345678", "555-0100", "call 911", "call 12345"),
        *("order 415-555-0117", "pedido 11 91234-5678", "Case number 212-555-7788", "protocolo (11) 3456-7890"),
        *("415-555-0117x", "x415-555-0117", "415-555-0117-2", "$415.555.0117", "415-555-0117%", "@4155550117"),
        *("12-05-2020", "call 2020-05-12", "1990-2020", "tel 1990 – 2020", "12.05.2020 10:30", "phone 01 02 2020"),
        *("ISBN 978-3-16-148410-0", "ISSN 1234-5679", "doi 10.1038/212-555-0143", "score 21-18, 21-15 25-23"),
        *("-23.550520, -46.633308", "1,234,567,890", "R$ 1.234.567,89", "version 21.255.501.43"),
        *("processo 0001234-56.2020.8.26.0100", "04-12-23-31-45-58", "12 34 56 78 90", "1 2 3 4 5 6 7 8"),
        *("006-83-4889", "000-000-0000", "+1 000 000 0000", "+999 123 456 789", "call +12"),
        *("123e4567-e89b-12d3-a456-426614174000", "8.8.8.8", "call 10:2125550143", "10:30:45 2125550143"),
    ],
)
def test_not_found(text: str) -> None:
    for language in ("en", "pt", None):
        assert STEP.find(text, language) == ()


def test_a_sure_number_scores_above_a_likely_one() -> None:
    scores = [STEP.find(text, "en")[0].score for text in ("call 212-555-0143", "212-555-0143", "call 2125550143")]
    assert scores == [1.0, 0.85, 0.6]


@pytest.mark.parametrize("step", STYLES, ids=lambda step: step.style)
@pytest.mark.parametrize(("language", "text", "value"), POSITIVES)
def test_replaced_once_and_for_all(step: ScrubPii, language: str | None, text: str, value: str) -> None:
    once = step(text, "id", language).text
    assert once == text.replace(value, step.replacement("PHONE_NUMBER", value))
    assert step(once, "id", language).text == once


@pytest.mark.parametrize("step", STYLES, ids=lambda step: step.style)
@pytest.mark.parametrize("joint", ["\n", " ", ", ", " / "])
def test_all_in_one_text(step: ScrubPii, joint: str) -> None:
    once = step(joint.join(text for _, text, _ in POSITIVES), "id", "pt")
    assert step(once.text, "id", "pt").text == once.text
