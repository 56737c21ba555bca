"""One set of rules with thresholds for each language, as FineWeb2 has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, Final

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.step import DocumentStep
from transforms.steps.text.languages import fineweb2_source, fineweb2_values, languages

TABLE: Final = "FineWeb2's table"
PIPELINE: Final = "FineWeb2, fineweb-2-pipeline.py"


@dataclass(frozen=True)
class ByLanguage(DocumentStep):
    """Judges a document by the rules of its language; one in a language without rules is dropped as `no_values`.

    The rules of all languages are of one class, whose stage and measures are this step's.
    """

    counts_words: ClassVar[bool] = True
    # Settings of the rules -> where their values are from, in place of the source that the class names.
    sources: ClassVar[Mapping[str, str]] = {}

    rules: tuple[tuple[str, Any], ...] = setting((), "rules by language")

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load the languages' word splitters. Raises NoWordSplitter."""
        for language, rules in self.rules:
            rules.setup((language,))

    def merged(self) -> Iterator[tuple[Field[Any], Any]]:
        """Each setting of the rules, as a field that says where its values are from, and its value.

        The value is ((language, value), …) where languages differ. Stop words are put together, as they have theirs.
        """
        if not self.rules:
            return
        for setting_of_one in fields(self.rules[0][1]):
            values = [(language, getattr(rules, setting_of_one.name)) for language, rules in self.rules]
            differ = any(value != values[0][1] for _, value in values)
            if setting_of_one.name == "stop_words":
                value: Any = tuple(pair for _, pairs in values for pair in pairs)
            else:
                value = tuple(values) if differ else values[0][1]
            yield self._sourced(setting_of_one), value

    def _sourced(self, setting_of_one: Field[Any]) -> Field[Any]:
        source = self.sources.get(setting_of_one.name, "")
        if source == TABLE:
            tables = [fineweb2_source(languages()[code].label) for code, _ in self.rules if fineweb2_values(code)]
            english = "" if len(tables) == len(self.rules) else "English as FINEWEB, from Gopher and FineWeb"
            source = "; ".join(filter(None, (tables[0] if len(tables) == 1 else fineweb2_source(), english)))
        sourced = field(metadata={**setting_of_one.metadata, **({"source": source} if source else {})})
        sourced.name = setting_of_one.name
        return sourced

    def rules_for(self, language: str | None) -> DocumentStep | None:
        return dict(self.rules).get(language or "")

    def checks(self, document: Document) -> Iterator[Check]:
        rules = self.rules_for(document.language)
        yield from rules.checks(document) if rules is not None else ()

    def __call__(self, document: Document) -> Document | Drop:
        rules = self.rules_for(document.language)
        return Drop(self.stage, "no_values", detail=document.language) if rules is None else rules(document)


@dataclass(frozen=True)
class GopherRepetitionByLanguage(ByLanguage):
    """Gopher's repetition rules with FineWeb2's shares for the document's language."""

    stage: ClassVar[str] = KeepGopherRepetition.stage
    measures: ClassVar[tuple[str, ...]] = KeepGopherRepetition.measures
    sources: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("dup_para_frac", "dup_para_char_frac", "dup_line_char_frac"), PIPELINE),
        **dict.fromkeys(("dup_line_frac", *(f"top_{n}_gram" for n in (2, 3, 4))), TABLE),
        **dict.fromkeys((f"dup_{n}_gram" for n in range(5, 11)), TABLE),
    }


@dataclass(frozen=True)
class FineWebByLanguage(ByLanguage):
    """FineWeb's rules on lines with FineWeb2's shares for the document's language."""

    stage: ClassVar[str] = KeepFineWeb.stage
    measures: ClassVar[tuple[str, ...]] = KeepFineWeb.measures
    sources: ClassVar[Mapping[str, str]] = {
        "min_line_punct": TABLE,
        "max_list_ratio": TABLE,
        "max_short_lines": PIPELINE,
        "max_char_dup": PIPELINE,
    }


@dataclass(frozen=True)
class GopherQualityByLanguage(ByLanguage):
    """Gopher's quality rules with FineWeb2's bounds and stop words for the document's language."""

    stage: ClassVar[str] = KeepGopherQuality.stage
    measures: ClassVar[tuple[str, ...]] = KeepGopherQuality.measures
    sources: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("min_mean_word_length", "max_mean_word_length", "min_alpha_words", "stop_words"), TABLE
    )
