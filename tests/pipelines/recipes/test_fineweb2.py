"""FineWeb2's recipe: values by language, what is shown of them, and what is refused before a page is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pipelines.assets.bind import bind
from pipelines.recipes import RECIPES, find_recipe
from pipelines.recipes.describe import settings_of_step
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.fineweb2 import fineweb2
from schemas.document import Document
from schemas.faults import BadInput
from transforms.steps.dedup.settings import REHYDRATION, rehydration_steps, rehydration_weight
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.by_language import FineWebByLanguage, GopherQualityByLanguage, GopherRepetitionByLanguage
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.filters.language_scripts import KeepLanguageScripts
from transforms.steps.filters.repair import RepairText
from transforms.steps.text import dictionaries
from transforms.steps.text.languages import SUPPORTED

Call = Callable[..., CompletedProcess[str]]


def test_a_language_has_its_published_values() -> None:
    language, repetition, lines, quality, repair = fineweb2("rus_Cyrl").curate.documents
    assert isinstance(language, KeepLanguageScripts)
    assert (language.languages, language.min_scores) == (("ru",), (("ru", 0.9),))
    assert isinstance(repetition, GopherRepetitionByLanguage)
    [(code, rules)] = repetition.rules
    assert code == "ru" and isinstance(rules, KeepGopherRepetition)
    assert (rules.dup_para_frac, rules.dup_para_char_frac, rules.dup_line_char_frac) == (None, None, None)
    assert (rules.dup_line_frac, rules.top_2_gram, rules.dup_5_gram, rules.dup_10_gram) == (0.322, 0.184, 0.168, 0.109)
    assert isinstance(lines, FineWebByLanguage)
    [(_, line_rules)] = lines.rules
    assert (line_rules.max_short_lines, line_rules.max_char_dup) == (None, 0.1)
    assert (line_rules.min_line_punct, line_rules.max_list_ratio) == (0.231, 0.139)
    assert isinstance(quality, GopherQualityByLanguage)
    [(_, words)] = quality.rules
    assert (words.min_mean_word_length, words.max_mean_word_length, words.min_alpha_words) == (3, 11, 0.713)
    assert (words.min_words, words.min_stop_words) == (50, 2)
    assert dict(words.stop_words)["ru"][:3] == ("в", "и", "на")
    assert isinstance(repair, RepairText)


def test_english_has_finewebs_values_in_fineweb2s_order() -> None:
    _, repetition, lines, quality, _ = fineweb2("en").curate.documents
    assert isinstance(repetition, GopherRepetitionByLanguage) and isinstance(lines, FineWebByLanguage)
    assert isinstance(quality, GopherQualityByLanguage)
    english = {type(step): step for step in FINEWEB.curate.documents}
    off = {"dup_para_frac": None, "dup_para_char_frac": None, "dup_line_char_frac": None}
    assert dict(repetition.rules)["en"] == replace(english[KeepGopherRepetition], **off)  # type: ignore[type-var]
    alike = replace(english[KeepGopherQuality], stop_words=())  # type: ignore[type-var]
    assert replace(dict(quality.rules)["en"], stop_words=()) == alike


def test_without_languages_it_is_for_all_that_are_supported() -> None:
    assert RECIPES["fineweb2"] == fineweb2() == fineweb2(*SUPPORTED)
    assert RECIPES["fineweb2"].curate.languages == SUPPORTED
    gated = fineweb2("pt").vary(LanguageGate(("pt",)), name="gated")
    assert RECIPES["portuguese"].curate == gated.curate
    assert fineweb2("pt", "por", "zho").curate.languages == ("pt", "zh")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: find_recipe("fineweb", ("pt",)),
            "recipe 'fineweb' has its own languages; --languages is for",
        ),
        (lambda: fineweb2("ptt"), "no language is called 'ptt'; did you mean"),
        (lambda: fineweb2("sv"), "FineWeb2's table here has no values for 'sv'; did you mean"),
    ],
)
def test_what_it_is_refused_for(call: Callable[[], object], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        call()
    assert message in str(refused.value)


def test_an_absent_splitter_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, bateia: Call, tmp_path: Path
) -> None:
    monkeypatch.setattr(dictionaries, "find_spec", lambda name: None)
    bind(fineweb2("pt", "hi"), no_blocklist=True)
    with pytest.raises(BadInput, match="'zh': its word splitter jieba is not installed"):
        bind(fineweb2("pt", "zh"), no_blocklist=True)
    (tmp_path / "a.warc").write_bytes(b"WARC/1.0\r\n")
    out = tmp_path / "out"
    ended = bateia(
        *("curate", "--recipe", "fineweb2", "--languages", "pt,th", "--no-blocklist"),
        *("--input", tmp_path / "a.warc", "--output", out),
    )
    assert (ended.returncode, out.exists()) == (2, False)
    assert ended.stderr.splitlines() == [
        "bateia: no words for 'th': its word splitter pythainlp is not installed; bring it with: pip install -e '.[th]'"
    ]


def test_show_prints_values_with_their_sources(bateia: Call) -> None:
    shown = " ".join(bateia("show", "fineweb2", "--languages", "ru").stdout.split())
    for value in (
        "min_scores ru: 0.9",
        "dup_line_frac 0.322 max share of lines that repeat an earlier one [huggingface/fineweb-2 at d0defb2",
        "max_short_lines off",
        "max_char_dup 0.1",
        "rehydrate_by_language yes",
    ):
        assert value in shown
    assert "configs/rus_Cyrl.yml" in shown and "CleanC4" not in shown
    both = " ".join(bateia("show", "fineweb2", "--languages", "ru,en").stdout.split())
    assert "dup_line_frac ru: 0.322; en: 0.3" in both and "English as FINEWEB" in both
    refused = bateia("show", "fineweb2", "--languages", "rusian")
    assert refused.returncode == 2 and "did you mean ru?" in refused.stderr
    none = bateia("show", "fineweb2", "--languages", " , ")
    assert none.returncode == 2 and "names no language; give codes such as pt,es,zh" in none.stderr


def test_settings_of_several_languages_are_one_row_each() -> None:
    rows = {row["name"]: row for row in settings_of_step(fineweb2("ru", "de").curate.documents[2])}
    assert rows["min_line_punct"]["value"] == "ru: 0.231; de: 0.0"
    assert rows["max_char_dup"]["value"] == "0.1"
    assert rows["short_line_chars"]["source"].startswith("FineWeb, arXiv")


def test_weights_of_a_language_are_fineweb2s() -> None:
    assert [rehydration_weight(size, "pt") for size in (1, 2, 3, 21, 22, 176, 177, 10_000)] == [1, 3, 4, 10, 9, 2, 1, 1]
    assert rehydration_steps("en") is REHYDRATION and rehydration_weight(100, "en") == rehydration_weight(100) == 8


# --- Scripts come out as they went in ---------------------------------------------------------------------------------

ZWNJ, ZWJ = "\u200c", "\u200d"
SCRIPTS = {
    "zwnj": f"می{ZWNJ}خواهم کتاب{ZWNJ}ها را بخوانم",
    "arabic shapes": "ﷺ ﻻ لا الله ﭐ ـــ",
    "arabic marks": "مُحَمَّدٌ",
    "conjuncts": f"क्षत्रिय ज्ञान श्री र{ZWJ}्य क्{ZWNJ}ष",
    "thai": "น้ำ ก็ ปี่ เกี๊ยะ",
    "jamo": "\u1112\u1161\u11ab\u1100\u1173\u11af 한글",
    "width": "ＡＢＣ　ｶﾞ「全角」、。！？",
    "ligatures": "ﬁn ĳs „so“ ‘x’ …",
    "hebrew": "שָׁלוֹם",
    "emoji": f"👩{ZWJ}👧 🇧🇷 ❤\ufe0f",
    "decomposed": "e\u0301 o\u0302\u0323",
}


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=list(SCRIPTS))
def test_repair_leaves_scripts_alone(text: str) -> None:
    assert RepairText().repaired(text) == text


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("CÃ´te dâ€™Azur", "Côte d’Azur"),
        ("a\x00b\x1bc", "abc"),
        ("S&amp;P", "S&P"),
        ("one\n|\n| | |\ntwo", "one\n\n\ntwo"),
        ("a | b\n||\nc", "a | b\n\n\nc"),
    ],
)
def test_repair(text: str, repaired: str) -> None:
    assert RepairText().repaired(text) == repaired


def test_repair_keeps_documents_and_drops_empty_ones() -> None:
    same = Document("text", "", "", "", "", "", 0)
    assert RepairText()(same) is same
    assert RepairText(encoding=False)(replace(same, text="Ã´")) == replace(same, text="Ã´")
    dropped = RepairText()(replace(same, text="|\n| |"))
    assert not isinstance(dropped, Document) and dropped.reason == "empty"
