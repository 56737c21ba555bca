"""Brazil's numbers: check digits, forms, and the words that those without either need."""

from __future__ import annotations

import pytest

from transforms.steps.pii.brazil import is_cnpj, is_cpf
from transforms.steps.pii.scrub import ScrubPii

STEP = ScrubPii()
STYLES = (STEP, ScrubPii(style="example"))
KEY = "123e4567-e89b-12d3-a456-426614174000"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("529.982.247-25", True),
        ("52998224725", True),
        ("111.444.777-35", True),
        ("529.982.247-26", False),
        ("529.982.247-15", False),
        ("529.982.274-25", False),  # two digits swapped
        ("111.111.111-11", False),  # its check digits are right, but it is never issued
        ("5299822472", False),
        ("529982247255", False),
    ],
)
def test_cpf(text: str, valid: bool) -> None:
    assert is_cpf(text) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("11.222.333/0001-81", True),
        ("11222333000181", True),
        ("12.ABC.345/01DE-35", True),  # the example of Receita Federal
        ("12abc34501de35", True),
        ("11.222.333/0001-82", False),
        ("11.222.333/0001-71", False),
        ("12.ABC.345/01DE-36", False),
        ("12.ABD.345/01DE-35", False),
        ("12.ABC.345/01DE-3A", False),  # check digits are digits
        ("00.000.000/0000-00", False),
        ("1122233300018", False),
    ],
)
def test_cnpj(text: str, valid: bool) -> None:
    assert is_cnpj(text) is valid


POSITIVES = [
    ("BR_CPF", "CPF 529.982.247-25", "529.982.247-25"),
    ("BR_CPF", "Assinado por Ana (529.982.247-25).", "529.982.247-25"),
    ("BR_CPF", "529.982.247–25", "529.982.247–25"),
    ("BR_CPF", "cpf: 52998224725", "52998224725"),
    ("BR_CPF", "inscrita no CPF sob o nº 529982247-25, doravante", "529982247-25"),
    ("BR_CPF", "Chave pix (CPF): 529.982.247-25", "529.982.247-25"),
    ("BR_CPF", "The Brazilian tax number (CPF) 52998224725 is hers", "52998224725"),
    ("BR_CPF", "CPF 529 982 247 25", "529 982 247 25"),
    ("BR_CPF", "C.P.F.: 529.982.247 - 25", "529.982.247 - 25"),
    ("BR_CPF", "Ana (529 982 247-25)", "529 982 247-25"),
    ("BR_CPF", "529. 982. 247-25", "529. 982. 247-25"),
    ("BR_CNPJ", "11.222.333 / 0001 - 81", "11.222.333 / 0001 - 81"),
    ("BR_CNPJ", "CNPJ 11.222.333/0001-81", "11.222.333/0001-81"),
    ("BR_CNPJ", "Norte S.A. (11.222.333/0001-81)", "11.222.333/0001-81"),
    ("BR_CNPJ", "cnpj 11222333000181.", "11222333000181"),
    ("BR_CNPJ", "CNPJ 11222333/0001-81", "11222333/0001-81"),
    ("BR_CNPJ", "Fornecedor 12.ABC.345/01DE-35, item 2", "12.ABC.345/01DE-35"),
    ("BR_CNPJ", "CNPJ: 12ABC34501DE35", "12ABC34501DE35"),
    ("BR_CEP", "CEP 01310-100", "01310-100"),
    ("BR_CEP", "O CEP da rua é 01310-100.", "01310-100"),
    ("BR_CEP", "cep: 01310100", "01310100"),
    ("BR_CEP", "CEP 01.310-100", "01.310-100"),
    ("BR_CEP", "código postal 01310-100", "01310-100"),
    ("BR_CEP", "Av. Brasil, 9, São Paulo - SP, 01310-100", "01310-100"),
    ("BR_CEP", "Recife/PE 50010-000", "50010-000"),
    ("BR_CEP", "C.E.P. 01310-100", "01310-100"),
    ("BR_CEP", "C.E.P.: 01310100", "01310100"),
    ("BR_CEP", "CEP 01310 - 100", "01310 - 100"),
    ("BR_CEP", "13083-970 Campinas", "13083-970"),
    ("BR_CEP", "Campinas 13083-970", "13083-970"),
    ("BR_CEP", "Av. Brasil, 9, São Paulo, 01310-100", "01310-100"),
    ("BR_CEP", "Rua Um, 2, 13083–970 – Campinas", "13083–970"),
    ("BR_CEP", "13560-970 São Carlos, SP", "13560-970"),
    ("BR_CEP", "37500-903, Itajubá - MG", "37500-903"),
    ("BR_CEP", "Av. BPS, 1303, 37500-903 Itajubá", "37500-903"),
    ("BR_PIX_KEY", f"Chave PIX: {KEY}", KEY),
    ("BR_PIX_KEY", f"Faça um pix para {KEY.upper()}!", KEY.upper()),
    ("BR_PIX_KEY", f"Copy {KEY} into your bank's Pix screen", KEY),
]


@pytest.mark.parametrize(("kind", "text", "value"), POSITIVES)
def test_found(kind: str, text: str, value: str) -> None:
    for language in ("pt", "en", None):
        assert [(span.type, text[span.start : span.end]) for span in STEP.find(text, language)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        *("CPF 529.982.247-26", "CPF 111.111.111-11", "cpf 52998224726", "item 52998224725", "529982247-25"),
        *("9529.982.247-25", "529.982.247-250", "A529.982.247-25", "529.982.247-25-1"),
        *("CNPJ 11.222.333/0001-82", "11222333000181", "CNPJ 00.000.000/0000-00", "pregão 11222333/0001-81"),
        *("CNPJ 12.ABC.345/01DE-36", "12ABC34501DE35", "7.11.222.333/0001-81", "CNPJ X11222333000181"),
        *("01310-100", "12345-678 itens", "01310100", "CEP 00.000-000", "CEP 1310-100", "SP 01310100"),
        *("529 982 247 25", "529 982 247 26", "item 529 982 247 25", "cpf 529 982 247 26", "123 529 982 247-25"),
        *("no lote Santista 12345-678", "em santos 12345-678", "Santos: 13083970"),
        *("12345-678 Parafuso Allen", "37500-903 Itajubá", "12345-678 Natália disse", "13083-970 campinas"),
        *("peça 13083-970 Motor", "12345-678 Francamente - X", "13083970 Campinas", "13083-9701 Campinas"),
        *("XX 01310-100", "CEP\n01310-100", "CEP 01310-1000", "cep 101310-100"),
        *(KEY, f"commit {KEY}", f"Id da requisição: {KEY}", f"o pix caiu\nsessão {KEY}", f"Pix: {KEY[:-1]}"),
        *("processo 0001234-56.2020.8.26.0100", "R$ 1.234.567,89", "pedido 12345678901", "Lei 8.078/1990"),
        *("Inscrição estadual 123.456.789.112", "RG 12.345.678-9 SSP/SP", "CNAE 6201-5/01", "NCM 8471.30.12"),
        "Linha digitável 23793.38128 60000.000003 00000.000400 1 84340000012345",
    ],
)
def test_not_found(text: str) -> None:
    for language in ("pt", "en", None):
        assert STEP.find(text, language) == ()


@pytest.mark.parametrize("step", STYLES, ids=lambda step: step.style)
@pytest.mark.parametrize(("kind", "text", "value"), POSITIVES)
def test_replaced_once_and_for_all(step: ScrubPii, kind: str, text: str, value: str) -> None:
    once = step(text, "id", "pt").text
    assert once == text.replace(value, step.replacement(kind, value))
    assert step(once, "id", "pt").text == once


@pytest.mark.parametrize("step", STYLES, ids=lambda step: step.style)
@pytest.mark.parametrize("joint", ["\n", " ", ", ", " - "])
def test_all_in_one_text(step: ScrubPii, joint: str) -> None:
    once = step(joint.join(text for _, text, _ in POSITIVES), "id", "pt")
    assert len(once.spans) >= len(POSITIVES)  # on one line a word tells about numbers of its neighbours
    assert step(once.text, "id", "pt").text == once.text


def test_types_are_found_apart() -> None:
    text = f"CPF 529.982.247-25, CNPJ 11.222.333/0001-81, CEP 01310-100, Pix {KEY}"
    for kind in ("BR_CPF", "BR_CNPJ", "BR_CEP", "BR_PIX_KEY"):
        assert [span.type for span in ScrubPii(types=(kind,)).find(text, "pt")] == [kind]
