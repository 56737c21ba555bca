"""IP addresses beside budget codes, sections and versions."""

from __future__ import annotations

import pytest

from transforms.steps.pii.scrub import ScrubPii

STEP = ScrubPii(types=("IP_ADDRESS",))


@pytest.mark.parametrize(
    "text",
    [
        # natures of expense and revenue in Brazil's budgets
        *("3.3.90.39", "dotação 3.3.90.30, 3.3.90.36 e 3.3.90.39", "elemento 3.1.1.2 do servidor", "4.4.90.52 da rede"),
        *("pagamento de servidores, 3.1.90.11", "natureza da despesa 3.1.90.13", "receita 1.7.2.8", "33.90.39.14"),
        *("elemento de despesa 44.90.52.12", "rubrica 3.3.90.39 do IP 2020", "conta 1.1.2.3 do servidor"),
        # sections, scores and plans of accounts
        *("Section 3.1.1.2 and 4.5.12.3", "3.3.3.3 points", "Table 5.9.12.34 lists it", "item 5.2.77.41 do edital"),
        *(
            "We upgraded from 8.9.5.8 to 18.4.30.90",
            "Requires library 13.0.10.54 or newer",
            "da 2.6.31.3 atualizamos 11.9.39.239",
        ),
        *("9.8.77.66", "1.2.99.99", "version 8.8.8.8", "endereço 3.3.90.39, sala 2"),
    ],
)
def test_codes_are_no_addresses(text: str) -> None:
    for language in ("pt", "en", None):
        assert STEP.find(text, language) == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ping 3.3.90.39", "3.3.90.39"),
        ("o IP 5.9.12.34 foi bloqueado", "5.9.12.34"),
        ("host 5.9.12.34 is up", "5.9.12.34"),
        ("http://3.3.90.39/x", "3.3.90.39"),
        ("5.9.12.34:8080", "5.9.12.34"),
        ("O servidor 1.1.1.1", "1.1.1.1"),  # a resolver that is known
        ("o servidor 200.147.3.157", "200.147.3.157"),
        ("We upgraded it, and 151.101.30.90 went down", "151.101.30.90"),  # no version begins so
        ("the library in the old town of Kent asks 18.4.30.90", "18.4.30.90"),  # the word is too far
        ("We upgraded the server 18.4.30.90", "18.4.30.90"),
        ("from 13.3.90.39", "13.3.90.39"),  # no code begins so
        ("em 33.95.39.14", "33.95.39.14"),
    ],
)
def test_addresses_of_a_code_s_form(text: str, value: str) -> None:
    assert [text[span.start : span.end] for span in STEP.find(text, "pt")] == [value]
