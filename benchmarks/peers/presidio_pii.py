"""Presidio's default pattern recognisers on texts, without a language model.

    python -m benchmarks.peers.presidio_pii < TEXTS > FINDS

Reads texts as JSON lines and answers each with [[start, end, type, score], ...]. The analyzer is Presidio's own, in
English, over a blank spaCy pipeline: tokens and, for its words of context, each word in lower case as its lemma.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from typing import Any

TYPES = ["EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN"]


def blank_engine() -> Any:
    """A language engine without a model: recognisers by pattern need tokens alone."""
    import spacy
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
    from spacy.tokens import Doc, Span

    class BlankEngine(NlpEngine):
        """Tokens, and lemmas that are the words in lower case; no entities."""

        engine_name = "blank"

        def load(self) -> None:
            self._model = spacy.blank("en")
            self._model.max_length = 1 << 30

        def is_loaded(self) -> bool:
            return hasattr(self, "_model")

        def process_text(self, text: str, language: str) -> NlpArtifacts:
            doc: Doc = self._model(text)
            lemmas = [token.lower_ for token in doc]
            entities: list[Span] = []
            return NlpArtifacts(entities, doc, [token.idx for token in doc], lemmas, self, language)  # type: ignore

        def process_batch(self, texts: Iterable[str], language: str, *_: Any, **__: Any) -> Iterator[Any]:
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word: str, language: str) -> bool:
            return self._model.vocab[word].is_stop

        def is_punct(self, word: str, language: str) -> bool:
            return self._model.vocab[word].is_punct

        def get_supported_entities(self) -> list[str]:
            return []

        def get_supported_languages(self) -> list[str]:
            return ["en"]

    engine = BlankEngine()
    engine.load()
    return engine


def analyzer() -> Any:
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry

    logging.getLogger("tldextract").setLevel(logging.CRITICAL)  # without a network it uses the list it brings along
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    return AnalyzerEngine(registry=registry, nlp_engine=blank_engine(), supported_languages=["en"])


def find(engine: Any, text: str) -> list[list[Any]]:
    return [[item.start, item.end, item.entity_type, item.score] for item in engine.analyze(text, "en", TYPES)]


def main() -> None:
    engine = analyzer()
    for line in sys.stdin:
        print(json.dumps(find(engine, json.loads(line))))


if __name__ == "__main__":
    main()
