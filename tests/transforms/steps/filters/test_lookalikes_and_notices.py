"""Spam in borrowed letters, and pages of a notice alone."""

from __future__ import annotations

import pytest

from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.filters.lookalikes import DropLookalikes, mixed_share
from transforms.steps.filters.notices import DropNotices

ARTICLE = "The river carries gold from the hills, and people have washed it since anyone can remember. " * 6


def document(text: str) -> Document:
    return Document(text, "id", "dump", "https://example.org/", "", "a.warc.gz", 0, "en")


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Вuу сhеар реnѕ", 2 / 2),  # of the four words two have more than three letters
        ("The word золото means gold", 0),
        ("A length of 5 µm and a load of 3 kΩ", 0),
        ("Zητήστε βοήθεια από αυτούς τους ανθρώπους", 1 / 5),
        ("", 0),
    ],
)
def test_words_that_mix_scripts_are_counted(text: str, share: float) -> None:
    assert mixed_share(text) == pytest.approx(share)


def test_spam_in_borrowed_letters_goes_and_an_article_stays() -> None:
    verdict = DropLookalikes()(document("Вuу сhеар реnѕ tоdау with good price"))
    assert isinstance(verdict, Drop) and (verdict.stage, verdict.reason) == ("lookalikes", "lookalikes")
    kept = DropLookalikes()(document(ARTICLE))
    assert isinstance(kept, Document) and kept.quality == {"lookalike_words": 0}


@pytest.mark.parametrize(
    "text",
    [
        "# Oops\n\nThe page you are looking for could not be found. Try the search instead.",
        "Please enable JavaScript to continue using this application.",
        "Página não encontrada. Volte para o início e tente de novo.",
    ],
)
def test_a_notice_alone_goes(text: str) -> None:
    verdict = DropNotices()(document(text))
    assert isinstance(verdict, Drop) and verdict.reason == "notice"


@pytest.mark.parametrize(
    "text",
    [
        ARTICLE + "\nPlease log in to comment.",
        "\n".join([ARTICLE] * 4) + "\n" + "Page not found. " * 200,  # long: judged by other rules
        ARTICLE,
    ],
)
def test_an_article_with_a_notice_stays(text: str) -> None:
    assert isinstance(DropNotices()(document(text)), Document)
