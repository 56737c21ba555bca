"""Which languages are supported, and why another is not; what a text, or a folder of documents, is in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines.assets.registry import resolve_language_model
from pipelines.reports.formats import on_one_line
from pipelines.stages.datasets import READABLE, Input, open_input
from schemas.storage import join, read_table
from schemas.wording import plural
from transforms.steps.text.dictionaries import NO_SPLITTER, dictionary_of
from transforms.steps.text.labels import TOP_LABELS, identify, languages_of, read_label
from transforms.steps.text.language_model import probabilities
from transforms.steps.text.languages import RELATIVES, SUPPORTED, fineweb2_values, languages, name_of
from transforms.steps.text.spacy_rules import has_rules
from transforms.steps.text.words import SPACY_NAMES

MODEL = "lid.176.ftz"
SHOWN_LABELS = 5
FULL, PARTLY, NOT = "full", "partly", "not"


class Support(NamedTuple):
    """How far a language is supported.

    level: full, partly or not
    why: in words; what would have to be brought where that helps
    """

    level: str
    why: str


def support_of(code: str, model: str) -> Support:
    """model: path of a fastText model."""
    known = languages().get(code)
    if known is None:
        return Support(NOT, "no language of the table")
    if code not in languages_of(model):
        return Support(NOT, "the language model has no label for it")
    if code in NO_SPLITTER:
        return Support(NOT, "written without spaces, and there is no word splitter")
    dictionary = dictionary_of(code)
    if dictionary is not None and not dictionary.is_installed():
        return Support(NOT, f"its word splitter is not installed: pip install -e '.[{dictionary.extra}]'")
    words = words_by(code)
    values = "no values of FineWeb2 here" if fineweb2_values(code) is None else "FineWeb2's values"
    if code in SUPPORTED:
        return Support(FULL, f"{'FineWeb' if code == 'en' else 'FineWeb2'}'s values; words by {words}")
    return Support(PARTLY, f"{values}; words by {words}; not in the tests")


def words_by(code: str) -> str:
    """What splits a language into words."""
    dictionary = dictionary_of(code)
    if dictionary is not None:
        return dictionary.distributions[0] if dictionary.distributions else "spaces and signs"
    own = has_rules(SPACY_NAMES.get(code, code))
    return "spaCy" if own else "spaCy's rules for any language"


def list_languages(model_name: str | None) -> Iterator[str]:
    """A line for each language of the table, those with full support first."""
    model = str(resolve_language_model(model_name or MODEL))
    rows = [(code, support_of(code, model)) for code in languages()]
    order = {code: number for number, code in enumerate(SUPPORTED)}
    rows.sort(key=lambda row: ((FULL, PARTLY, NOT).index(row[1].level), order.get(row[0], 0), row[0]))
    counts = ", ".join(f"{sum(each.level == level for _, each in rows)} {level}" for level in (FULL, PARTLY, NOT))
    yield f"language model {model_name or MODEL}: {plural(len(rows), 'language')} ({counts})"
    for code, support in rows:
        known = languages()[code]
        yield f"  {code:<4} {known.label:<9} {support.level:<6}  {known.names}: {support.why}"


def describe_text(text: str, model_name: str | None) -> Iterator[str]:
    """The model's labels for a text with their scores, what they mean, and how far that language is supported."""
    model = str(resolve_language_model(model_name or MODEL))
    found = identify(text, model)
    shown = "noise" if found.language is None else f"{shown_name(found.language)}, {found.label or found.language}"
    yield f"{shown}, score {found.score:.4f}"
    if found.language is not None:
        yield "{}: {}".format(*support_of(found.language, model))
    yield f"labels of {model_name or MODEL}:"
    for label, score in list(probabilities(text, model, k=TOP_LABELS).items())[:SHOWN_LABELS]:
        language, _ = read_label(label)
        others = next((group for group in RELATIVES if language in group), ())
        together = f"; counted together: {', '.join(others)}" if others else ""
        name = "noise" if language is None else shown_name(language)
        yield f"  {on_one_line(label):<10} {score:.4f}  {name}{together}"


def describe_documents(folder: str, model_name: str | None) -> Iterator[str]:
    """For each language of a finished folder of documents its number, scores and labels, and how far it is supported.

    Raises BadInput for a folder that is not finished.
    """
    model = str(resolve_language_model(model_name or MODEL))
    opened = Input(folder.rstrip("/"), open_input(folder, READABLE))
    by_language: dict[str, list[str]] = {}
    for file in opened.data:
        by_language.setdefault(file.path.split("/")[1], []).append(join(opened.path, file.path))
    yield f"{plural(opened.documents, 'document')} in {plural(len(by_language), 'language')}"
    for language, paths in sorted(by_language.items()):
        scores, labels = scores_in(paths)
        code, _ = read_label(language)
        support = support_of(code or "", model)
        low = f"{min(scores):.2f}" if scores else "–"
        mean = f"{sum(scores) / len(scores):.2f}" if scores else "–"
        yield (
            f"  {language:<9} {len(scores):>9,} documents, score {mean} (lowest {low})"
            f"{', ' + ', '.join(labels) if labels else ''}  {shown_name(language)}: {support.level}, {support.why}"
        )


def shown_name(language: str) -> str:
    """Its names; of one that isn't known the label, which a model's file may have chosen, fit for a terminal."""
    return name_of(language) or on_one_line(language)


def scores_in(paths: Iterable[str]) -> tuple[list[float], list[str]]:
    """Scores of all documents of files, and their labels of language and script."""
    scores: list[float] = []
    labels: set[str] = set()
    for path in paths:
        table = read_table(path, ["language_score"])
        scores += [score or 0.0 for score in table["language_score"].to_pylist()]
        labels |= labels_in(path)
    return scores, sorted(labels)


def labels_in(path: str) -> set[str]:
    from transforms.documents import columns_in

    if "language_script" not in columns_in(path):
        return set()
    return {label for label in read_table(path, ["language_script"])["language_script"].unique().to_pylist() if label}
