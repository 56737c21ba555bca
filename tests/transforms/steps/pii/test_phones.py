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
    # North America without brackets, with other dashes, blanks about them, and letters for keys
    ("en", "Call 212–555–0143 today", "212–555–0143"),
    ("en", "212‑555‑0143", "212‑555‑0143"),
    ("en", "Office 212 555-0143, room 4", "212 555-0143"),
    ("en", "Office: 212/555-0143", "212/555-0143"),
    ("en", "Office: 212 - 555 - 0143", "212 - 555 - 0143"),
    ("en", "Office: 1 212 555 0143", "1 212 555 0143"),
    ("en", "Office: 1 (415) 555-0117", "1 (415) 555-0117"),
    ("en", "Office: (415)-555-0117", "(415)-555-0117"),
    ("en", "Order at 1-800-FLOWERS now", "1-800-FLOWERS"),
    ("en", "Dial 1-800-GOT-JUNK.", "1-800-GOT-JUNK"),
    ("en", "1 800 FLOWERS", "1 800 FLOWERS"),
    ("en", "(800) FLOWERS", "(800) FLOWERS"),
    ("en", "1-800-4-CANCER", "1-800-4-CANCER"),
    ("en", "1-888-555-CARS", "1-888-555-CARS"),
    ("en", "visit 1-800-contacts", "1-800-contacts"),
    ("en", "call 877-AIRLINE", "877-AIRLINE"),
    ("en", "tel.212-555-0143", "212-555-0143"),
    # Brazil: carriers as xx, numbers of the whole country, eight digits behind a word
    ("pt", "(0xx19) 3242-1234", "(0xx19) 3242-1234"),
    ("pt", "0XX19 3242-1234", "0XX19 3242-1234"),
    ("pt", "0**19 3242-1234", "0**19 3242-1234"),
    ("pt", "Ligue 0**51 2444-7714", "0**51 2444-7714"),
    ("pt", "(11)-3242-1234", "(11)-3242-1234"),
    ("pt", "(11) - 3242-1234", "(11) - 3242-1234"),
    ("pt", "Padaria 19-3242-1234", "19-3242-1234"),
    ("pt", "(19) 3242-1234/1235", "(19) 3242-1234/1235"),
    ("pt", "PABX 3242-1234", "3242-1234"),
    ("pt", "Saúde 24: 808 24 24 24", "808 24 24 24"),
    ("en", "T: 212 555 0143", "212 555 0143"),
    ("en", "020-7946-0018", "020-7946-0018"),
    ("de", "+49 (0)30 / 123 45 67", "+49 (0)30 / 123 45 67"),
    ("pt", "Central 4004-1234", "4004-1234"),
    ("pt", "Capitais: 3003-1234", "3003-1234"),
    ("pt", "Ligue 4003 1234", "4003 1234"),
    ("pt", "SAC 0800-7771234", "0800-7771234"),
    ("pt", "SAC 0800 55 1234", "0800 55 1234"),
    ("pt", "0800.777.1234", "0800.777.1234"),
    ("pt", "0300 777 1234", "0300 777 1234"),
    ("pt", "Tel.: 3242.1234", "3242.1234"),
    ("pt", "Tel 32421234", "32421234"),
    ("pt", "fone 3242 1234", "3242 1234"),
    ("pt", "ligue já para o 3242-1234", "3242-1234"),
    ("pt", "Fone: 98765-4321", "98765-4321"),
    ("pt", "Tel.3242-1234", "3242-1234"),
    # Portugal
    ("pt", "Linha gratuita 800 100 200", "800 100 200"),
    ("pt", "Custo 707 200 300", "707 200 300"),
    ("pt", "Apoio 808 200 200", "808 200 200"),
    ("pt", "Tlm. 912345678", "912345678"),
    ("pt", "Tlm.: 91 234 56 78", "91 234 56 78"),
    ("pt", "(+351) 912 345 678", "(+351) 912 345 678"),
    # Germany
    ("de", "Rathaus, 030 / 123 45 67", "030 / 123 45 67"),
    ("de", "Tel. 089/1234567", "089/1234567"),
    ("de", "Presse 030 / 2325 786 -122", "030 / 2325 786 -122"),
    ("de", "Fax (030) 123 45 67", "(030) 123 45 67"),
    ("de", "Telefon: 0 30 / 123 45 67", "0 30 / 123 45 67"),
    ("de", "Telefon 03012345678", "03012345678"),
    # Other languages that have words of their own
    ("ja", "電話03-3234-5678まで", "03-3234-5678"),
    ("ja", "お電話は0120-123-456へ", "0120-123-456"),
    ("ja", "TEL:03(3234)5678", "03(3234)5678"),
    ("ja", "電話番号は０３－３２３４－５６７８です", "０３－３２３４－５６７８"),
    ("ja", "電話0332345678", "0332345678"),
    ("zh", "电话：010-62345678", "010-62345678"),
    ("zh", "手机13812345678", "13812345678"),
    ("zh", "聯絡電話：03-584-7231", "03-584-7231"),
    ("ru", "Телефон: 8 (495) 123-45-67", "8 (495) 123-45-67"),
    ("ru", "Звоните 8-800-555-35-35", "8-800-555-35-35"),
    ("ru", "тел. 123-45-67", "123-45-67"),
    ("it", "Telefono 02 12345678", "02 12345678"),
    ("it", "Tel. 06/1234567", "06/1234567"),
    ("it", "Numero verde 800 123456", "800 123456"),
    ("it", "chiamare 347.1234567", "347.1234567"),
    ("nl", "Bel 020-1234567", "020-1234567"),
    ("nl", "Telefoon (020) 123 45 67", "(020) 123 45 67"),
    ("nl", "bel 0475 12 34 56", "0475 12 34 56"),
    ("fr", "Téléphone 0142685300", "0142685300"),
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


NEAR_MISSES = [
    # words and models behind 800 and its kin, numbers that are counted
    *("en|The 800 FLOWERS in the garden", "en|an 800-page novel, 888-word essay, 1-800-day war", "en|1-800-more"),
    *("en|In 1888 Augustus came", "en|Model 877-AIRLINE", "en|800 DOLLARS and 877 PEOPLE", "en|see 1-800-flowers.com"),
    *("en|Order 1-800-555-0199 pieces", "en|SKU 212/555-0143", "en|2019 - 2021 - 2023", "en|scores 212 - 198 - 2043"),
    *("en|ISBN 0 306 40615 2", "en|ISBN-13: 978–0–306–40615–7", "en|pp. 2125-2143, 4004-4019", "en|US$ 212-555-0143"),
    *("en|(0x19) 3242-1234", "en|Call 3242-1234", "en|Central 4004-1234", "en|Tel 32421234"),
    # pages, years, laws, parts, sums
    *("pt|páginas 4004-4012", "pt|p. 3003-3985", "pt|entre 4003-4007", "pt|ligue 2019-2020", "pt|de 1500-1822"),
    *("pt|Lei 3003-1234", "pt|Art. 3003-1234 da lei", "pt|peça 4004-1234", "pt|nota fiscal 4004-1234"),
    *("pt|R$ 4004-1234", "pt|32421234 habitantes", "pt|Processo 3242-1234", "pt|ISSN 3242-1234", "pt|placa 5004-1234"),
    *("pt|0800 horas", "pt|das 0800-1700", "pt|800 100 200 pessoas", "pt|venderam 707 200 300 euros"),
    *("pt|população de 212 345 678 habitantes", "pt|€ 212 345 678", "pt|fone 1242-1234", "pt|3242-1234 (0xx) 19"),
    *(
        "pt|11-2019-2020",
        "pt|05-2021-2022",
        "pt|processo (19) 3242-1234/2020",
        "pt|lei 19-3242-1234",
        "en|p: 4004-4012",
    ),
    *("pt|peça 19-3242-1234", "pt|12-03-2021 e 13-04-2022", "pt|ISSN 1234-5678, 2345-6789", "en|at: 212 555 0143"),
    *("pt|1998-1999/2000-2001", "pt|CNPJ 11222333/0001-8122", "pt|NIF 234 567 890", "pt|600 100 200"),
    *(
        "de|Aktenzeichen 030 / 123 45 67",
        "de|Seite 030 / 031",
        "de|030 / 031, 04/11/2014",
        "de|am 05/06 2020",
        "de|05/06/2020 und 12/2019",
    ),
    *(
        "de|Bestellnummer 089/1234567",
        "de|Az. 012/34567",
        "de|von 2019/2020 bis 2020/2021",
        "de|am 01.02.2020 / 03.04.2020",
    ),
    *("it|ordine 06/1234567", "it|800 metri, 800 123 euro", "it|01/02/2020 - 03/04/2020", "it|Partita IVA 12345678901"),
    *("nl|bestelnummer 020-1234567", "nl|0900 tot 1700", "nl|12/05/2020 10.30"),
    *("ja|注文番号03-1234-5678", "ja|2020-12-05", "ja|価格1234-5678円", "ja|ISBN978-3-16-148410-0", "ja|0332345678"),
    *("ru|заказ 123-45-67", "ru|12-34-56", "ru|123-45-67", "ru|ИНН 7707083893", "ru|01-02-2020"),
    *("zh|订单13812345678", "zh|13812345678", "zh|2020-12-05 12:30"),
    *("fr|01 02 03 04 05 06 07 08 09 10", "fr|commande 01 42 68 53 00", "es|912 345 678 habitantes"),
]


@pytest.mark.parametrize("row", NEAR_MISSES)
def test_near_misses_in_a_language(row: str) -> None:
    language, _, text = row.partition("|")
    assert STEP.find(text, language) == ()


@pytest.mark.parametrize(
    ("language", "text", "values"),
    [
        ("pt", "Telefones: 3242-1234, 3242-5678", ["3242-1234", "3242-5678"]),
        ("pt", "Tel: 3242-1234/3242-5678", ["3242-1234", "3242-5678"]),
        ("pt", "(19) 3242-1234, 3242-5678 ou 3242-9999.", ["(19) 3242-1234", "3242-5678", "3242-9999"]),
        ("pt", "(19) 3242-1234 e 99123-4567", ["(19) 3242-1234", "99123-4567"]),
        ("pt", "códigos 1234-5678, 3242-1234", []),
        ("pt", "itens (19) 3242-1234x ou 3242-5678", []),
        ("pt", "(19) 3242-1234 (19) 3242-5678", ["(19) 3242-1234", "(19) 3242-5678"]),
        ("en", "(212) 555-0143 (212) 555-0144 (212) 555-0145", ["(212) 555-0143", "(212) 555-0144", "(212) 555-0145"]),
        ("en", "212 555 0143 212 555 0144", []),  # without marks they may be anything
    ],
)
def test_several_in_a_row(language: str, text: str, values: list[str]) -> None:
    assert [text[span.start : span.end] for span in STEP.find(text, language)] == values


@pytest.mark.parametrize(
    ("language", "text", "stays"),
    [
        ("en", "Call 1-800-273-8255 or 1-800-273-TALK", True),
        ("en", "Poison control: (800) 222-1222", True),
        ("en", "Childline 0800 1111, 0808 2000 247", True),
        ("pt", "Disque-Intoxicação 0800 722 6001", True),
        ("pt", "SNS 24: 808 24 24 24, (+351) 808 24 24 24", True),
        ("de", "TelefonSeelsorge 0800 111 0 111, +49 800 1110222", True),
        ("en", "Call 1-800-273-8256", False),
        ("en", "Call +1 800 273 8255", True),
        ("en", "Call +44 800 222 1222", False),  # another country's
        ("pt", "Tel 0800 722 6002", False),
        ("en", "call 1-800-FLOWERS", False),
    ],
)
def test_help_lines_stay_where_asked(language: str, text: str, stays: bool) -> None:
    keeping = ScrubPii(types=("PHONE_NUMBER",), keep_help_lines=True)
    assert (keeping.find(text, language) == ()) is stays
    if "0800 1111" not in text and "24 24 24" not in text:  # those are no numbers to the library in these forms
        assert STEP.find(text, language) != ()


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
