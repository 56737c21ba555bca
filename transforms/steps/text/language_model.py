"""Language identification by fastText models such as lid.176."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from schemas.faults import BadInput

PREFIX = "__label__"
# ISO 639-1 and 639-3 of languages that are often asked for, by which labels of one model are named in another's.
PAIRS = """
ar:arb bg:bul bn:ben ca:cat cs:ces da:dan de:deu el:ell en:eng es:spa et:est eu:eus fa:pes fi:fin fr:fra
gl:glg gu:guj he:heb hi:hin hr:hrv hu:hun hy:hye id:ind is:isl it:ita ja:jpn ka:kat kk:kaz ko:kor lt:lit
lv:lvs mk:mkd ml:mal mr:mar ms:zsm nl:nld no:nob pl:pol pt:por ro:ron ru:rus sk:slk sl:slv sq:als sr:srp
sv:swe sw:swh ta:tam te:tel th:tha tr:tur uk:ukr ur:urd vi:vie zh:zho
"""
SAME_LANGUAGE = {short: long for short, _, long in (pair.partition(":") for pair in PAIRS.split())}


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
    return {label.removeprefix(PREFIX): min(float(score), 1.0) for label, score in zip(labels, scores, strict=True)}


@lru_cache(maxsize=2)
def labels_of(model: str) -> tuple[str, ...]:
    """All languages that a model tells apart, sorted."""
    labels, _ = load_model(model).predict("", k=1 << 20, threshold=-1.0)  # so low that none is left out
    return tuple(sorted(label.removeprefix(PREFIX) for label in labels))


def require_labels(languages: Iterable[str], model: str) -> None:
    """Raise BadInput, with the nearest label, for a language that the model never gives: nothing would be kept."""
    known = labels_of(model)
    for language in languages:
        if language not in known:
            nearest = nearest_label(language, known)
            meant = f"did you mean {nearest}?" if nearest else f"it has {', '.join(known[:12])}, …"
            raise BadInput(f"the language model {Path(model).name} has no language {language!r}; {meant}")


def nearest_label(language: str, known: Iterable[str]) -> str | None:
    """The label for the same language in another notation, `en` for `eng_Latn`, or else the most alike."""
    labels = {label.lower().replace("-", "_"): label for label in known}
    name = language.lower().replace("-", "_")
    code = name.partition("_")[0]
    long_to_short = {long: short for short, long in SAME_LANGUAGE.items()}
    for wanted in (name, code, SAME_LANGUAGE.get(code), long_to_short.get(code)):
        if wanted in labels:
            return labels[wanted]
        if wanted and (scripts := sorted(label for label in labels if label.startswith(wanted + "_"))):
            return labels[scripts[0]]
    matches = difflib.get_close_matches(name, labels, n=1, cutoff=0.5)
    return labels[matches[0]] if matches else None
