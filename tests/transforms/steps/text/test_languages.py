"""The table of languages, and what models' labels mean by it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pipelines.assets.registry import resolve_language_model
from schemas.faults import BadInput
from transforms.steps.text.labels import identify, languages_of, read_label, require_languages, script_of
from transforms.steps.text.language_model import labels_of
from transforms.steps.text.languages import (
    RELATIVES,
    SUPPORTED,
    UnknownLanguage,
    codes,
    find_language,
    fineweb2_file,
    fineweb2_source,
    fineweb2_values,
    has_values,
    languages,
    name_of,
    relatives_of,
)

LID = str(resolve_language_model("lid.176.ftz"))
VALUES = {
    *("language_score", "dup_line_frac", "top_n_grams", "dup_n_grams", "line_punct_thr", "new_line_ratio"),
    *("min_avg_word_length", "max_avg_word_length", "max_non_alpha_words_ratio", "stopwords", "rehydration"),
}


def test_every_supported_language_has_names_and_values() -> None:
    assert len(SUPPORTED) == len(set(SUPPORTED)) == 21
    for code in SUPPORTED:
        language = languages()[code]
        assert language.name and language.own_name and has_values(code)
    assert fineweb2_values("en") is None and not has_values("sv") and not has_values("nonsense")


def test_values_are_fineweb2s() -> None:
    held = fineweb2_file()
    assert held["licence"] == "Apache-2.0" and len(held["commit"]) == 40
    assert all(set(values) == VALUES for values in held["languages"].values())
    assert {find_language(label).label for label in held["languages"]} == set(held["languages"])
    russian = fineweb2_values("ru") or {}
    assert (russian["language_score"], russian["line_punct_thr"], russian["dup_n_grams"][0]) == (0.9, 0.231, [5, 0.168])
    assert fineweb2_source("rus_Cyrl") == f"huggingface/fineweb-2 at {held['commit'][:7]}, configs/rus_Cyrl.yml"
    for values in held["languages"].values():
        sizes = [size for size, _ in values["rehydration"]]
        assert sizes == sorted(sizes) and sizes[0] == 1
        assert all(1 <= weight <= 10 for _, weight in values["rehydration"])


@pytest.mark.parametrize(
    ("name", "code", "label"),
    [
        ("pt", "pt", "por_Latn"),
        ("por", "pt", "por_Latn"),
        ("por_Latn", "pt", "por_Latn"),
        ("ZH", "zh", "cmn_Hani"),
        ("zho_Hani", "zh", "cmn_Hani"),
        ("ara", "ar", "arb_Arab"),
        ("pes_Arab", "fa", "fas_Arab"),
        ("nor", "nb", "nob_Latn"),
        ("als", "sq", "als_Latn"),
        ("srp_Latn", "sr", "srp_Cyrl"),
    ],
)
def test_languages_by_all_their_codes(name: str, code: str, label: str) -> None:
    assert (find_language(name).code, find_language(name).label) == (code, label)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("portugese", "no language is called 'portugese'; did you mean pt?"),
        ("Русский", "did you mean ru?"),
        ("0000000", "known: af, am"),
        ("por_Cyrl", "Portuguese is not written in 'Cyrl'; known: Latn"),
    ],
)
def test_unknown_languages_are_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UnknownLanguage) as refused:
        find_language(name)
    assert message in str(refused.value)


def test_codes_are_of_one_language_each() -> None:
    known = [code for each in languages().values() for code in {each.code, each.code3, *each.macro}]
    assert len(known) == len(set(known)) == len(codes())
    assert all(
        len(each.code3) == 3 and all(len(script) == 4 for script in each.scripts) for each in languages().values()
    )
    assert {code for group in RELATIVES for code in group} <= set(languages())


def test_names() -> None:
    assert name_of("pt") == name_of("por_Latn") == "Portuguese (português)"
    assert (name_of("en"), name_of("xyz"), name_of(None)) == ("English", "", "")
    assert relatives_of("no") == ("no",) and relatives_of("hr") == ("hr", "bs", "sr", "sh")


# --- Labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "language", "script"),
    [
        ("pt", "pt", ""),
        ("por_Latn", "pt", "Latn"),
        ("cmn_Hani", "zh", "Hani"),
        ("zho_Hans", "zh", "Hans"),
        ("als", "gsw", ""),  # lid.176's
        ("als_Latn", "sq", "Latn"),
        ("no", "nb", ""),
        ("nob_Latn", "nb", "Latn"),
        ("aai_Latn", "aai", "Latn"),
        ("zxx_Latn", None, "Latn"),
        ("und_Xsux", None, "Xsux"),
    ],
)
def test_labels_of_models(label: str, language: str | None, script: str) -> None:
    assert read_label(label) == (language, script)


def test_every_label_of_lid_176_is_a_language_of_the_table() -> None:
    assert {read_label(label)[0] for label in labels_of(LID)} == set(languages())


@pytest.mark.parametrize(
    ("text", "language", "script"),
    [
        ("Ово је текст на српском.", "sr", "Cyrl"),
        ("Ovo je tekst na srpskom.", "sr", "Latn"),
        ("यह लेख", "hi", "Deva"),
        ("yah lekh hai", "hi", "Latn"),
        ("123", "hi", "Deva"),
        ("abc", "ru", "Cyrl"),  # a language with one script is not looked at
        ("abc", "klingon", ""),
    ],
)
def test_the_letters_tell_the_script(text: str, language: str, script: str) -> None:
    assert script_of(text, language) == script


def test_relatives_are_added_up() -> None:
    text = "Vlada je danas na sjednici usvojila izmjene zakona o porezu na dohodak. " * 3
    alone, together = identify(text, LID, relatives=False), identify(text, LID)
    assert alone.language in relatives_of("hr") and together.language in relatives_of("hr")
    assert together.score > alone.score + 0.1


def test_languages_that_a_model_lacks_are_refused() -> None:
    require_languages(SUPPORTED, LID)
    assert {"nb", "gsw"} <= languages_of(LID)
    with pytest.raises(BadInput, match=r"lid\.176\.ftz has no label for 'aai'; did you mean"):
        require_languages(("pt", "aai"), LID)


def relabelled(path: Path, labels: dict[str, str]) -> Path:
    """lid.176.ftz with other labels: what stands for a GlotLID of a gigabyte."""
    data = Path(LID).read_bytes()
    header = 4 + 4 + 12 * 4 + 8  # magic, version, 12 int32 and a double of settings
    size, _, _, _, pruned = struct.unpack_from("<iiiqq", data, header)
    at = header + struct.calcsize("<iiiqq")
    entries = []
    for _ in range(size):
        end = data.index(b"\0", at)
        word, rest = data[at:end].decode(), data[end : end + 1 + 8 + 1]
        label = word.removeprefix("__label__")
        entries.append((f"__label__{labels.get(label, label)}" if label != word else word).encode() + rest)
        at = end + 1 + 8 + 1
    assert pruned >= -1
    path.write_bytes(data[: header + struct.calcsize("<iiiqq")] + b"".join(entries) + data[at:])
    return path


@pytest.fixture(scope="module")
def glot(tmp_path_factory: pytest.TempPathFactory) -> str:
    labels = {each.code: each.label for each in languages().values()} | {"no": "nob_Latn", "als": "gsw_Latn"}
    labels |= {"eo": "zxx_Latn", "zh": "zho_Hans", "ru": "aai_Cyrl"}
    return str(relabelled(tmp_path_factory.mktemp("model") / "glot.ftz", labels))


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("O rio leva embora a areia leve, e os grãos pesados de ouro ficam no fundo da bateia.", "pt", "por_Latn"),
        ("Ĉi tio estas teksto en Esperanto, kiun la modelo nomas bruo.", None, None),
        ("Это текст на русском языке, который модель называет иначе.", "aai", None),
    ],
)
def test_a_model_with_labels_of_language_and_script(
    glot: str, text: str, language: str | None, label: str | None
) -> None:
    found = identify(text, glot)
    assert (found.language, found.label) == (language, label)
    require_languages(("pt", "zh", "nb"), glot)
    with pytest.raises(BadInput, match=r"glot\.ftz has no label for 'ru'"):
        require_languages(("ru",), glot)
