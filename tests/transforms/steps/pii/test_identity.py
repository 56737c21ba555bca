"""Numbers of persons in Brazil and Portugal: check digits, forms, and the words that they need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from transforms.steps.pii.entities import ALL_TYPES, IDENTITY_TYPES, TYPES
from transforms.steps.pii.identity import is_cnh, is_nif, is_pis, is_rg, is_voter
from transforms.steps.pii.scrub import ScrubPii

STEP = ScrubPii(types=IDENTITY_TYPES)
EVERYTHING = (ScrubPii(types=ALL_TYPES), ScrubPii(types=ALL_TYPES, style="example"))


@pytest.mark.parametrize(
    ("check", "text", "valid"),
    [
        (is_pis, "120.56874.10-7", True),
        (is_pis, "26827649960", True),
        (is_pis, "125.6124.131-0", True),
        (is_pis, "120.56874.10-8", False),
        (is_pis, "120.56847.10-7", False),  # two digits swapped
        (is_pis, "000.00000.00-0", False),
        (is_pis, "1205687410", False),
        (is_voter, "1023 8501 0671", True),
        (is_voter, "004356870906", True),
        (is_voter, "1023 8501 0672", False),
        (is_voter, "1023 8501 0661", False),
        (is_voter, "1023 8501 2971", False),  # there are 28 states
        (is_voter, "000000000000", False),
        (is_voter, "1023 8501 067", False),
        (is_cnh, "58316794534", True),
        (is_cnh, "62472927637", True),
        (is_cnh, "58316794535", False),
        (is_cnh, "58316794544", False),
        (is_cnh, "11111111111", False),
        (is_cnh, "5831679453", False),
        (is_rg, "31.203.131-2", True),
        (is_rg, "31.203.131-3", False),
        (is_rg, "31.203.113-2", False),
        (is_rg, "11.111.111-1", False),
        (is_rg, "203.131-2", False),
        (is_nif, "501964843", True),
        (is_nif, "PT 501 964 843", True),
        (is_nif, "501964844", False),
        (is_nif, "501946843", False),
        (is_nif, "000000000", False),
        (is_nif, "50196484", False),
    ],
)
def test_check_digits(check: Callable[[str], bool], text: str, valid: bool) -> None:
    assert check(text) is valid


def test_an_x_is_ten_and_a_zero_ten_or_eleven() -> None:
    """One number of each base has the right check digit, and every digit occurs."""
    for check, bases, ends in (
        (is_rg, range(12345678, 12345720), "0123456789X"),
        (is_nif, range(20000001, 20000040), "0123456789"),
    ):
        right = [[end for end in ends if check(f"{base}{end}")] for base in bases]
        assert all(len(one) == 1 for one in right) and {one[0] for one in right} == set(ends)


def test_a_voter_of_sao_paulo_has_one_where_others_have_none() -> None:
    """The sum of 1000 0003 is 2 + 27 = 29; of 1000 0001 it is 11, so the remainder is 0."""
    firsts = {
        state: {text[10] for text in (f"10000001{state}{end:02}" for end in range(100)) if is_voter(text)}
        for state in ("01", "02", "03")
    }
    assert firsts == {"01": {"1"}, "02": {"1"}, "03": {"0"}}


POSITIVES = [
    ("BR_PIS_PASEP", "PIS/PASEP 120.56874.10-7", "120.56874.10-7"),
    ("BR_PIS_PASEP", "NIT: 12056874107", "12056874107"),
    ("BR_PIS_PASEP", "Ana, 120.56874.10-7, admitida", "120.56874.10-7"),  # nothing else is written so
    ("BR_PIS_PASEP", "pis 125.6124.131-0", "125.6124.131-0"),
    ("BR_TITULO_ELEITOR", "título de eleitor 1023 8501 0671", "1023 8501 0671"),
    ("BR_TITULO_ELEITOR", "Título Eleitoral nº 102385010671", "102385010671"),
    ("BR_CNH", "CNH nº 58316794534", "58316794534"),
    ("BR_CNH", "C.N.H. 58316794534", "58316794534"),
    ("BR_CNH", "carteira de habilitação 583167945-34", "583167945-34"),
    ("BR_RG", "RG 31.203.131-2 SSP/SP", "31.203.131-2"),
    ("BR_RG", "R.G. nº 312031312", "312031312"),
    ("BR_RG", "portador da cédula de identidade 31.203.131-2", "31.203.131-2"),
    ("PT_NIF", "NIF 501 964 843", "501 964 843"),
    ("PT_NIF", "contribuinte n.º 501964843", "501964843"),
    ("PT_NIF", "NIPC: PT501964843", "PT501964843"),
]


@pytest.mark.parametrize(("kind", "text", "value"), POSITIVES)
def test_found_where_asked(kind: str, text: str, value: str) -> None:
    for step in (STEP, EVERYTHING[0]):
        assert [(span.type, text[span.start : span.end]) for span in step.find(text, "pt")] == [(kind, value)]
    assert ScrubPii().find(text, "pt") == ()


@pytest.mark.parametrize("step", EVERYTHING, ids=lambda step: step.style)
@pytest.mark.parametrize(("kind", "text", "value"), POSITIVES)
def test_replaced_once_and_for_all(step: ScrubPii, kind: str, text: str, value: str) -> None:
    once = step(text, "id", "pt").text
    assert once == text.replace(value, step.replacement(kind, value))
    assert step(once, "id", "pt").text == once


@pytest.mark.parametrize(
    "text",
    [
        *("PIS 120.56874.10-8", "120.56874.10-8", "12056874107", "conta 12056874107", "PIS\n12056874107"),
        *("título de eleitor 1023 8501 0672", "1023 8501 0671", "cartão 1023 8501 0671 0000", "título 1023 8501 06710"),
        *("CNH 58316794535", "58316794534", "boleto 58316794534", "CNH 583167945341"),
        *("RG 31.203.131-3", "31.203.131-2", "R$ 31.203.131,20", "RG 131.203.131-2", "RG 1.203.131"),
        *("NIF 501964844", "501964843", "501 964 843 habitantes", "NIF 501 964 843 000", "NIF 401964844"),
        *(
            "processo 0001234-56.2020.8.26.0100",
            "ISBN 978-85-359-0277-5",
            "Lei 13.709/2018",
            "lat -23.550520 -46.633308",
        ),
        *("data 12.03.2021", "versão 3.12.4.501", "páginas 120-568", "placar 31-20, 31-13, 1-2", "peça 312031312"),
    ],
)
def test_not_found(text: str) -> None:
    for language in ("pt", "en", None):
        assert STEP.find(text, language) == ()


def test_only_types_asked_for() -> None:
    text = "; ".join(text for _, text, _ in POSITIVES)
    for kind in IDENTITY_TYPES:
        assert {span.type for span in ScrubPii(types=(kind,)).find(text, "pt")} == {kind}
    assert not set(TYPES) & set(IDENTITY_TYPES)
