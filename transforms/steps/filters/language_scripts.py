"""Set each document's language and script, as FineWeb2 labels them; keep the wanted ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.text.labels import Identified, identify, require_languages
from transforms.steps.text.languages import languages


@dataclass(frozen=True)
class KeepLanguageScripts(KeepLanguages):
    """Sets a document's language, script and score; keeps the listed languages in their usual script, from a score on.

    Source: FineWeb2 (arXiv 2506.20920), section 3.1, and its pipeline's code: a label is a language in a script, and
    the score of each language has a threshold of its own, which it must reach. Ours: probabilities of Norwegian, of
    Serbo-Croatian and of Malay and Indonesian languages are added up before; a model that names no script is asked for
    the language only, and the letters tell the script; what a model labels as noise (GlotLID's zxx and und) is dropped
    as `noise`. FineWeb2's thresholds are of GlotLID's scores; other models' differ.
    """

    columns: ClassVar[tuple[str, ...]] = ("language_script",)

    min_score: float = setting(0.65, "score to be reached", "FineWeb, arXiv 2406.17557 section 3.3")
    min_scores: tuple[tuple[str, float], ...] = setting(
        (), "scores for single languages instead", "FineWeb2, configs/<label>.yml: of GlotLID; English: FineWeb"
    )
    relatives: bool = setting(True, "add up the probabilities of Norwegian, Serbo-Croatian, Malay languages", "ours")

    def validate(self) -> None:
        """Raises BadInput for a language that the model doesn't have."""
        require_languages((*self.languages, *(language for language, _ in self.min_scores)), self.model)

    def identify(self, document: Document) -> Document:
        found = self._identified(document)
        return replace(
            document, language=found.language or "und", language_score=found.score, language_script=found.label
        )

    def _identified(self, document: Document) -> Identified:
        return identify(document.text, self.model, self.relatives)

    def checks(self, document: Document) -> Iterator[Check]:
        known = document if document.language is not None else self.identify(document)
        least = self.threshold(known.language or "")
        yield Check("low_language_score", "language_score", known.language_score or 0.0, ">=", least)

    def __call__(self, document: Document) -> Document | Drop:
        found = self._identified(document)
        language = found.language or "und"
        known = replace(document, language=language, language_score=found.score, language_script=found.label)
        reason = self._reason(found, known)
        if reason is None:
            return known
        scored = reason in ("other_language", "low_language_score")
        return Drop(
            self.stage,
            reason,
            found.score if scored else None,
            self.threshold(language) if scored else None,
            detail=found.label or language,
            language=language,
            language_score=found.score,
        )

    def _reason(self, found: Identified, document: Document) -> str | None:
        if found.language is None:
            return "noise"
        if self.languages and found.language not in self.languages:
            return "other_language"
        usual = languages().get(found.language)
        if self.languages and usual is not None and found.script not in ("", usual.scripts[0]):
            return "other_script"
        return None if next(self.checks(document)).passed else "low_language_score"
