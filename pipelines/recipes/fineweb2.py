"""FineWeb2's filters for languages of its table (arXiv 2506.20920), with its published values for each language.

Values, their source and licence: transforms/steps/text/fineweb2.json. What differs from FineWeb2:

- Its scores are GlotLID's; lid.176, which ships with Bateia, has others. `--language-model FILE` names GlotLID.
- It removes duplicates before its filters; here they are removed after, and `cluster_size` counts those that were kept.
- English is not in its table: FINEWEB's values, in FineWeb2's order and with the rules that it leaves out left out.
- The longest document of a cluster is kept; FineWeb2 keeps any.
- A language gate drops pages before extraction that are improbably in one of the languages, where lid.176 is asked.
- Personal data as in FINEWEB: more types, and placeholders.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.recipe import Recipe
from schemas.faults import BadInput
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.by_language import (
    FineWebByLanguage,
    GopherQualityByLanguage,
    GopherRepetitionByLanguage,
)
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import STOP_WORDS, KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.filters.language_scripts import KeepLanguageScripts
from transforms.steps.filters.repair import RepairText
from transforms.steps.text.languages import (
    SUPPORTED,
    find_language,
    fineweb2_values,
    has_values,
    languages,
    nearest,
    relatives_of,
)

NAME = "fineweb2"
ENGLISH: dict[str, Any] = {  # FINEWEB's, by the names of FineWeb2's table
    "language_score": 0.65,
    "dup_line_frac": 0.30,
    "top_n_grams": ((2, 0.20), (3, 0.18), (4, 0.16)),
    "dup_n_grams": ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10)),
    "line_punct_thr": 0.12,
    "new_line_ratio": 0.3,
    "min_avg_word_length": 3,
    "max_avg_word_length": 10,
    "max_non_alpha_words_ratio": 0.8,
    "stopwords": dict(STOP_WORDS)["en"],
}


def fineweb2(*names: str, model: str | None = None) -> Recipe:
    """FineWeb2's recipe for these languages, by their codes ("pt", "por" or "por_Latn"); without any for SUPPORTED.

    model: a fastText language model, an asset's name or a path; None for lid.176.ftz
    Raises BadInput for a language that the table doesn't have.
    """
    codes = read_codes(names) if names else SUPPORTED
    values = {code: values_of(code) for code in codes}
    scores = tuple((code, float(held["language_score"])) for code, held in values.items())
    language = KeepLanguageScripts(codes, min_scores=scores)
    documents = (
        language if model is None else replace(language, model=model),
        GopherRepetitionByLanguage(tuple((code, repetition(held)) for code, held in values.items())),
        FineWebByLanguage(tuple((code, lines(held)) for code, held in values.items())),
        GopherQualityByLanguage(tuple((code, quality(code, held)) for code, held in values.items())),
        RepairText(),
    )
    extract = FINEWEB.curate.extract
    if model is None:
        extract = replace(extract, gate=LanguageGate(gate_labels(codes)))
    return FINEWEB.vary(
        replace(FINEWEB.curate, extract=extract, documents=documents),
        Deduplicate(scope="language", rehydrate=True, rehydrate_by_language=True),
        name=NAME,
        about="web text in the languages of FineWeb2's table, by its values for each, deduplicated over all crawls",
    )


def gate_labels(codes: Iterable[str]) -> tuple[str, ...]:
    """lid.176's labels of these languages and their relatives, any of which lets a page through the language gate."""
    related = dict.fromkeys(relative for code in codes for relative in relatives_of(code))
    return tuple("no" if code == "nb" else code for code in related)


def read_codes(names: Iterable[str]) -> tuple[str, ...]:
    """Codes of languages that the table has, each once. Raises BadInput with the nearest for any other."""
    codes = tuple(dict.fromkeys(find_language(name).code for name in names))
    for code in codes:
        if not has_values(code):
            known = [each for each in languages() if has_values(each)]
            raise BadInput(f"FineWeb2's table here has no values for {code!r}; {nearest(code, known)}")
    return codes


def values_of(code: str) -> dict[str, Any]:
    return fineweb2_values(code) or ENGLISH


def repetition(held: dict[str, Any]) -> KeepGopherRepetition:
    top = {f"top_{n}_gram": share for n, share in held["top_n_grams"]}
    repeated = {f"dup_{n}_gram": share for n, share in held["dup_n_grams"]}
    return KeepGopherRepetition(
        dup_para_frac=None,
        dup_para_char_frac=None,
        dup_line_frac=held["dup_line_frac"],
        dup_line_char_frac=None,
        **top,
        **repeated,
    )


def lines(held: dict[str, Any]) -> KeepFineWeb:
    return KeepFineWeb(
        min_line_punct=held["line_punct_thr"],
        max_short_lines=None,
        max_char_dup=0.1,
        max_list_ratio=held["new_line_ratio"],
    )


def quality(code: str, held: dict[str, Any]) -> KeepGopherQuality:
    return KeepGopherQuality(
        min_mean_word_length=held["min_avg_word_length"] or None,
        max_mean_word_length=held["max_avg_word_length"],
        min_alpha_words=held["max_non_alpha_words_ratio"],  # its name is another's: the least share with a letter
        stop_words=((code, tuple(held["stopwords"])),),
    )
