"""The step that sets language and script, and the rules by language behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.document import Document, document_schema
from schemas.faults import BadInput
from schemas.verdict import Drop
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.filters.by_language import GopherQualityByLanguage
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.language_scripts import KeepLanguageScripts
from transforms.steps.recipe import CurateRecipe
from transforms.steps.text import labels

TEXT = "O rio leva embora a areia leve, e os grãos pesados de ouro ficam no fundo da bateia."


def document(text: str, language: str | None = None) -> Document:
    return Document(text, "", "", "", "", "", 0, language)


@pytest.mark.parametrize(
    ("found", "reason", "detail"),
    [
        ({"pt": 0.8}, None, "por_Latn"),
        ({"pt": 0.7}, None, "por_Latn"),  # a score is reached
        ({"pt": 0.69}, "low_language_score", "por_Latn"),
        ({"gl": 0.9}, "other_language", "glg_Latn"),
        ({"zxx_Latn": 0.9}, "noise", "und"),
        ({"hin_Latn": 0.9}, "other_script", "hin_Latn"),
        ({"hin_Deva": 0.9}, None, "hin_Deva"),
        ({"nn": 0.4, "da": 0.35, "no": 0.25}, None, "nno_Latn"),  # Norwegian together
        ({"da": 0.45, "nn": 0.3, "no": 0.1}, "other_language", "dan_Latn"),
        ({"xyz_Cyrl": 0.9}, "other_language", "xyz"),
        ({}, "other_language", "und"),
    ],
)
def test_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, float], reason: str | None, detail: str
) -> None:
    monkeypatch.setattr(labels, "probabilities", lambda text, model, k: found)
    step = KeepLanguageScripts(("pt", "hi", "nn"), 0.5, min_scores=(("pt", 0.7),))
    verdict = step(document(TEXT))
    if reason is None:
        assert isinstance(verdict, Document)
        assert verdict.language_script == detail
        assert next(step.checks(verdict)).passed
    else:
        assert isinstance(verdict, Drop)
        assert (verdict.reason, verdict.detail) == (reason, detail)
        assert (verdict.value is None) == (reason in ("noise", "other_script"))  # no score decides these


def test_all_languages_are_kept_where_none_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "probabilities", lambda text, model, k: {"hin_Latn": 0.9})
    kept = KeepLanguageScripts((), 0.5)(document(TEXT))
    assert isinstance(kept, Document) and (kept.language, kept.language_script) == ("hi", "hin_Latn")


def test_relatives_count_alone_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "probabilities", lambda text, model, k: {"hr": 0.5, "sr": 0.4})
    assert isinstance(KeepLanguageScripts(("hr",), 0.65)(document(TEXT)), Document)
    assert isinstance(KeepLanguageScripts(("hr",), 0.65, relatives=False)(document(TEXT)), Drop)


def test_real_text_and_absent_languages(model_path: str) -> None:
    step = KeepLanguageScripts(("pt",), model=model_path)
    step.setup(("pt",))
    step.validate()
    kept = step(document(TEXT))
    assert isinstance(kept, Document) and (kept.language, kept.language_script) == ("pt", "por_Latn")
    with pytest.raises(BadInput, match="has no label for 'aai'"):
        replace(step, languages=("aai",)).validate()


def test_only_recipes_with_the_step_have_its_column() -> None:
    with_step = CurateRecipe((), ExtractText(), (KeepLanguageScripts(("pt",)),))
    assert (with_step.columns, with_step.counts_words) == (("language_script",), False)
    assert "language_script" in document_schema((), with_step.columns).names
    assert "language_script" not in document_schema(("words",)).names
    assert CurateRecipe((), ExtractText(), (KeepGopherQuality(),)).counts_words


def test_rules_by_language_are_those_of_the_documents_language() -> None:
    lax, strict = KeepGopherQuality(min_words=1, min_stop_words=None), KeepGopherQuality(min_words=99)
    step = GopherQualityByLanguage((("pt", lax), ("en", strict)))
    assert step.stage == "gopher_quality" and "words" in step.measures
    assert isinstance(step(document(TEXT, "pt")), Document)
    dropped = step(document(TEXT, "en"))
    assert isinstance(dropped, Drop) and (dropped.reason, dropped.threshold) == ("too_few_words", 99)
    none = step(document(TEXT, "ru"))
    assert isinstance(none, Drop) and (none.reason, none.detail) == ("no_values", "ru")
    assert [check.measure for check in step.checks(document(TEXT, "pt"))][:2] == ["words", "words"]
    assert list(step.checks(document(TEXT, "ru"))) == []


CHINESE = "春天的河水很清。老人在岸边淘金。孩子们坐在石头上看。风从山上吹下来。晚上大家一起回家。"


def test_rules_that_count_by_blanks_do_not_judge_scripts_without() -> None:
    assert isinstance(CleanC4()(document(CHINESE, "zh")), Document)
    assert isinstance(CleanC4()(document(CHINESE, "en")), Drop)  # one word, by blanks
    assert CleanC4().clean("好\n" + CHINESE, "zh").lines == [CHINESE]  # a line of one word goes
    long = CHINESE * 60
    assert CleanC4().clean(long, "zh").lines == [long]  # of 2,640 characters, but none of its words is endless
    assert "short_words" not in {check.rule for check in KeepGopherQuality().checks(document(CHINESE, "zh"))}
    assert "short_words" in {check.rule for check in KeepGopherQuality().checks(document(TEXT, "pt"))}


@pytest.mark.slow
def test_sentences_are_not_asked_for_where_no_mark_ends_them() -> None:
    thai = "แม่น้ำไหลผ่านหมู่บ้าน ชาวบ้านร่อนทองริมฝั่ง เด็กๆ นั่งดูอยู่บนก้อนหิน"
    assert "too_few_sentences" not in {check.rule for check in CleanC4().checks(document(thai, "th"))}
    assert isinstance(CleanC4()(document(thai, "th")), Document)
