"""Tokenizers compared on the same documents, language by language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import astuple

from pipelines.reports.render import render
from schemas.wording import plural
from transforms.steps.tokens.tokenizer_files import JSON, MODEL

ALL = "all"  # the name of the row of all languages
COLOURS = ("kept", "dropped", "third", "fourth", "fifth", "sixth")  # of tokenizers; a seventh has the first's again


class Counts(Struct, frozen=True):
    """What a tokenizer made of the documents of one language.

    words: between white space.
    whole_words: those that are one token, by themselves or with the space before them.
    part_tokens: tokens that hold bytes of a character and no whole one (byte fallback, or a character that was cut).
    unknown_tokens: tokens that stand for text they can't give back.
    lost: documents that do not come back as they were.
    seconds: of CPU, to encode all documents.
    """

    documents: int = 0
    bytes: int = 0
    characters: int = 0
    words: int = 0
    whole_words: int = 0
    tokens: int = 0
    part_tokens: int = 0
    unknown_tokens: int = 0
    lost: int = 0
    seconds: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    @property
    def ratios(self) -> dict[str, float | None]:
        """Counts by what they compare by; None where there is nothing to divide by."""
        return {
            "bytes_per_token": ratio(self.bytes, self.tokens),
            "tokens_per_word": ratio(self.tokens, self.words),
            "tokens_per_character": ratio(self.tokens, self.characters),
            "whole_words": ratio(self.whole_words, self.words),
            "part_tokens": ratio(self.part_tokens, self.tokens),
            "unknown_tokens": ratio(self.unknown_tokens, self.tokens),
            "tokens_per_s": ratio(self.tokens, self.seconds),
        }


class Entry(Struct, frozen=True):
    """One tokenizer.

    engine: the library that encodes.
    vocabulary: how many tokens there are.
    languages: counts by language, the same languages for every tokenizer.
    differing: documents that its tokenizer.model and its tokenizer.json encode differently; None unless it has both.
    """

    name: str
    engine: str
    vocabulary: int
    sha256: str
    languages: dict[str, Counts]
    differing: int | None

    @property
    def whole(self) -> Counts:
        return sum(self.languages.values(), Counts())


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def named(paths: Sequence[str]) -> dict[str, str]:
    """Paths by their shortest unique names: the last part, or all of it."""
    short = [Path(path).name or path for path in paths]
    return {name if short.count(name) == 1 else path: path for name, path in zip(short, paths, strict=True)}


COLUMNS = {
    "documents": "documents",
    "bytes_per_token": "bytes/token",
    "tokens_per_word": "tokens/word",
    "tokens_per_character": "tokens/char",
    "whole_words": "one-token words",
    "part_tokens": "part characters",
    "unknown_tokens": "unknown",
    "lost": "lost",
    "tokens_per_s": "M tokens/s",
}


def cells(counts: Counts) -> list[str]:
    """A row's numbers as text, in the order of COLUMNS."""
    shown = {"documents": f"{counts.documents:,}", "lost": f"{counts.lost:,}"}
    for name, value in counts.ratios.items():
        if value is None:
            shown[name] = "–"
        elif name in ("whole_words", "part_tokens", "unknown_tokens"):
            shown[name] = f"{value:.2%}"
        else:
            shown[name] = f"{value / 1e6:.2f}" if name == "tokens_per_s" else f"{value:.2f}"
    return [shown[name] for name in COLUMNS]


def parity(entry: Entry) -> str:
    documents = entry.whole.documents
    return f"{entry.name}: {MODEL} and {JSON} differ on {entry.differing:,} of {documents:,} documents"


def render_page(entries: Sequence[Entry]) -> str:
    """The comparison as a page."""
    languages = list(entries[0].languages)
    ranked = sorted(entries, key=lambda entry: entry.whole.tokens)
    return render(
        "tokenizers.html",
        entries=entries,
        whole=entries[0].whole,
        languages=languages,
        fewest=ranked[0],
        most=ranked[-1],
        best_rate=max(rate(entry) for entry in entries),
        largest=entries[0].whole.documents,
        colours=[COLOURS[index % len(COLOURS)] for index in range(len(entries))],
        charts=[
            chart_of(entries, "bytes_per_token"),
            chart_of(entries, "tokens_per_word"),
            chart_of(entries, "whole_words", times=100),
        ],
        tables=[(entry, [*entry.languages.items(), (ALL, entry.whole)]) for entry in entries],
        COLUMNS=[name.capitalize() for name in COLUMNS.values()],
        rate=rate,
        cells=cells,
        parity=parity,
        faults=faults(entries),
    )


def rate(entry: Entry) -> float:
    """Bytes per token over all languages."""
    return entry.whole.ratios["bytes_per_token"] or 0.0


def faults(entries: Sequence[Entry]) -> list[str]:
    lost = [
        f"{entry.name} does not give back {plural(entry.whole.lost, 'document')}."
        for entry in entries
        if entry.whole.lost
    ]
    return lost + [f"{parity(entry)}." for entry in entries if entry.differing]


def chart_of(entries: Sequence[Entry], ratio: str, times: int = 1) -> list[tuple[str, list[tuple[float, bool]]]]:
    """(language, (value, whether it is the best) of each tokenizer) for a chart of bars."""
    better = min if ratio == "tokens_per_word" else max
    rows = []
    for language in entries[0].languages:
        values = [times * (entry.languages[language].ratios[ratio] or 0.0) for entry in entries]
        rows.append((language, [(value, len(values) > 1 and value == better(values)) for value in values]))
    return rows
