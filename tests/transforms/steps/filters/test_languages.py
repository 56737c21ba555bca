"""The language step: label, score, thresholds."""

from dataclasses import replace

import pytest

from schemas.document import Document
from schemas.faults import BadInput
from schemas.verdict import Drop
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.text.language_model import nearest_label, probabilities

ENGLISH = "The river carries the light sand away,\nand the heavy grains of gold stay at the bottom of the pan."
PORTUGUESE = "O rio leva embora a areia leve,\ne os grãos pesados de ouro ficam no fundo da bateia."


def document(text: str) -> Document:
    return Document(text, "", "", "", "", "", 0)


@pytest.fixture
def english(model_path: str) -> KeepLanguages:
    return KeepLanguages(("en",), 0.65, model=model_path)


def test_kept_documents_carry_language_and_score(english: KeepLanguages) -> None:
    kept = english(document(ENGLISH))
    assert isinstance(kept, Document)
    assert kept.language == "en"
    assert kept.language_score is not None and 0.65 < kept.language_score <= 1.0


def test_new_lines_are_spaces(model_path: str) -> None:
    assert probabilities(ENGLISH, model_path) == probabilities(ENGLISH.replace("\n", " "), model_path)


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        (PORTUGUESE, {}, "other_language"),
        (ENGLISH, {"min_score": 1.0}, "low_language_score"),
        (ENGLISH, {"min_scores": (("en", 1.0),)}, "low_language_score"),
        (ENGLISH, {"languages": (), "min_score": 1.0}, "low_language_score"),
        (PORTUGUESE, {"languages": ("en", "pt")}, None),
        (PORTUGUESE, {"languages": ()}, None),
        (ENGLISH, {"min_score": 1.0, "min_scores": (("en", 0.65),)}, None),
        ("", {}, "low_language_score"),
    ],
)
def test_verdicts(english: KeepLanguages, text: str, changes: dict, reason: str | None) -> None:
    verdict = replace(english, **changes)(document(text))
    if reason is None:
        assert isinstance(verdict, Document)
    else:
        assert isinstance(verdict, Drop)
        assert (verdict.stage, verdict.reason) == ("language", reason)
        assert verdict.value == verdict.language_score


def test_a_missing_model_fails_at_setup() -> None:
    with pytest.raises(ValueError):
        KeepLanguages(model="absent.ftz").setup()


@pytest.mark.parametrize(
    ("language", "nearest"),
    [
        ("eng_Latn", "en"),
        ("por", "pt"),
        ("zh-CN", "zh"),
        ("EN", "en"),
        ("pt_BR", "pt"),
        ("deu_Latn", "de"),
        ("cebb", "ceb"),
    ],
)
def test_a_language_that_the_model_lacks_is_refused_with_the_nearest(model_path, language, nearest) -> None:
    KeepLanguages((nearest,), model=model_path).validate()
    for step in (
        KeepLanguages((language,), model=model_path),
        KeepLanguages(min_scores=((language, 0.5),), model=model_path),
    ):
        with pytest.raises(BadInput, match=f"no language '{language}'; did you mean {nearest}"):
            step.validate()


def test_the_nearest_label_of_a_model_with_scripts() -> None:
    labels = ("eng_Latn", "srp_Cyrl", "srp_Latn")
    assert nearest_label("en", labels) == "eng_Latn"
    assert nearest_label("sr", labels) == "srp_Cyrl"
    assert nearest_label("qqqqq", labels) is None


def test_the_gate_checks_its_languages_too(model_path) -> None:
    ExtractText(gate=LanguageGate(("en",), model=model_path)).validate()
    with pytest.raises(BadInput, match="did you mean en"):
        ExtractText(gate=LanguageGate(("eng",), model=model_path)).validate()
