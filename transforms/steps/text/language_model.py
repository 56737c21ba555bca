"""Language identification by fastText models such as lid.176."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=2)
def load_model(path: str) -> Any:
    """Load a fastText model, once per process. Raises ValueError if the file is missing or no model."""
    import fasttext  # the package fasttext-predict: fastText's own inference code

    return fasttext.load_model(path)


def probabilities(text: str, model: str, k: int = 5) -> dict[str, float]:
    """Return the `k` most probable languages of `text` and their probabilities, the most probable first.

    New lines become spaces, as in FineWeb (the model reads one line). Empty for a text with no known character n-gram.
    """
    line = text.replace("\n", " ").encode("utf-8", "replace").decode()  # unpaired surrogates become "?"
    labels, scores = load_model(model).predict(line, k=k)
    return {
        label.removeprefix("__label__"): min(float(score), 1.0) for label, score in zip(labels, scores, strict=True)
    }
