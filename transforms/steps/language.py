"""Language identification by fastText's lid.176, and the step that keeps the wanted languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar

from schemas.document import Document
from schemas.verdict import Check, Drop


@lru_cache(maxsize=2)
def load_model(path: str) -> Any:
    """Load a fastText model, once per process. Raises ValueError if the file is missing or no model."""
    import fasttext  # the package fasttext-predict: fastText's own inference code

    return fasttext.load_model(path)


def probabilities(text: str, model: str, k: int = 5) -> dict[str, float]:
    """Return the `k` most probable languages of `text` and their probabilities, the most probable first.

    New lines become spaces, as in FineWeb (the model reads one line). Empty for a text with no known character n-gram.
    """
    line = text.replace("\n", " ").encode("utf-8", "replace").decode()  # half a character is none in UTF-8
    labels, scores = load_model(model).predict(line, k=k)
    return {
        label.removeprefix("__label__"): min(float(score), 1.0) for label, score in zip(labels, scores, strict=True)
    }


@dataclass(frozen=True)
class KeepLanguages:
    """Sets a document's language and score; keeps the listed languages above a score. No languages listed: all."""

    stage: ClassVar[str] = "language"
    measures: ClassVar[tuple[str, ...]] = ()  # language_score is a column of its own

    languages: tuple[str, ...] = field(
        default=("en",), metadata={"about": "languages kept; empty keeps all", "source": "FineWeb section 3.3: English"}
    )
    min_score: float = field(
        default=0.65, metadata={"about": "score must be greater", "source": "FineWeb, arXiv 2406.17557 section 3.3"}
    )
    min_scores: tuple[tuple[str, float], ...] = field(
        default=(), metadata={"about": "scores for single languages instead", "source": "as FineWeb2, arXiv 2506.20920"}
    )
    model: str = field(
        default="lid.176.ftz",
        metadata={"about": "fastText model: an asset's name or a path", "source": "FineWeb uses lid.176.bin"},
    )

    def setup(self) -> None:
        load_model(self.model)

    def threshold(self, language: str) -> float:
        return dict(self.min_scores).get(language, self.min_score)

    def identify(self, document: Document) -> Document:
        found = probabilities(document.text, self.model, k=1)
        language, score = next(iter(found.items()), ("und", 0.0))
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
