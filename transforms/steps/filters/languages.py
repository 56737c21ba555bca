"""Set each document's language; keep the wanted languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from transforms.steps.step import LANGUAGE_MODEL, AssetRef, DocumentStep
from transforms.steps.text.language_model import load_model, probabilities, require_labels


@dataclass(frozen=True)
class KeepLanguages(DocumentStep):
    """Sets a document's language and score; keeps the listed languages above a score. No languages listed: all."""

    stage: ClassVar[str] = "language"
    measures: ClassVar[tuple[str, ...]] = ()  # language_score is a column of its own

    languages: tuple[str, ...] = setting(("en",), "languages kept; empty keeps all", "FineWeb section 3.3: English")
    min_score: float = setting(0.65, "score must be greater", "FineWeb, arXiv 2406.17557 section 3.3")
    min_scores: tuple[tuple[str, float], ...] = setting(
        (), "scores for single languages instead", "as FineWeb2, arXiv 2506.20920"
    )
    model: str = setting("lid.176.ftz", "fastText model: an asset's name or a path", "FineWeb uses lid.176.bin")

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        load_model(self.model)

    def validate(self) -> None:
        """Raises BadInput for a language that the model doesn't have."""
        require_labels((*self.languages, *(language for language, _ in self.min_scores)), self.model)

    def assets(self) -> tuple[AssetRef, ...]:
        return (AssetRef("language_model", LANGUAGE_MODEL, self.model),)

    def bound(self, paths: Mapping[str, str]) -> Self:
        return replace(self, model=paths["language_model"])

    def threshold(self, language: str) -> float:
        return dict(self.min_scores).get(language, self.min_score)

    def identify(self, document: Document) -> Document:
        scores = probabilities(document.text, self.model, k=1)
        language, score = next(iter(scores.items()), ("und", 0.0))
        return replace(document, language=language, language_score=score)

    def checks(self, document: Document) -> Iterator[Check]:
        known = document if document.language is not None else self.identify(document)
        yield Check(
            "low_language_score",
            "language_score",
            known.language_score or 0.0,
            ">",
            self.threshold(known.language or ""),
        )

    def __call__(self, document: Document) -> Document | Drop:
        known = self.identify(document)
        language, score = known.language or "und", known.language_score or 0.0
        reason = "other_language" if self.languages and language not in self.languages else None
        if reason is None and not next(self.checks(known)).passed:
            reason = "low_language_score"
        if reason is None:
            return known
        return Drop(
            self.stage,
            reason,
            score,
            self.threshold(language),
            detail=language,
            language=language,
            language_score=score,
        )
