"""The surprisal of a text, as `bateia surprisal` measures it: how well a model predicts each token."""

from __future__ import annotations

from itertools import accumulate, pairwise

from msgspec import Struct

from pipelines.reports.render import render

# Where bands of surprisal begin, in bits: n bits are as surprising as n coins that all fall heads.
BANDS = (1, 2, 4, 8, 12)
DRAWN_TOKENS = 5000  # sums are of the whole text
MOST_SURPRISING = 12
NAME_CHARS = 60


class Candidate(Struct, frozen=True):
    """A token that the model expected.

    name: its text; bytes that are no character by their numbers.
    is_own: whether it is the one that came.
    """

    name: str
    probability: float
    is_own: bool


class TokenSurprisal(Struct, frozen=True):
    """How surprising a token was.

    name: its text; bytes that are no character by their numbers.
    bits: −log2 of its probability.
    rank: 1 if no token was likelier.
    likeliest: what the model expected most, the likeliest first; the token itself may be among them.
    """

    name: str
    bits: float
    rank: int
    likeliest: tuple[Candidate, ...]


class Part(Struct, frozen=True):
    """One token's text, or that of as few tokens as end where a character does."""

    text: str
    tokens: tuple[TokenSurprisal, ...]

    @property
    def bits(self) -> float:
        return sum(token.bits for token in self.tokens)

    @property
    def band(self) -> int:
        """0 for what was expected, up to len(BANDS)."""
        return sum(self.bits >= edge for edge in BANDS)


class SurprisalReport(Struct, frozen=True):
    """A text, and how a model predicts it.

    run: folder of the model, trained for `step` steps.
    context: tokens that it sees at once.
    bytes: of the whole text in UTF-8.
    parts: of the whole text.
    """

    run: str
    step: int
    context: int
    bytes: int
    parts: tuple[Part, ...]

    @property
    def tokens(self) -> int:
        return sum(len(part.tokens) for part in self.parts)

    @property
    def bits(self) -> float:
        return sum(part.bits for part in self.parts)

    @property
    def bits_per_byte(self) -> float:
        return self.bits / self.bytes

    @property
    def note(self) -> str:
        """How much of the text before it each token was predicted from."""
        if self.tokens <= self.context:
            return "Each token is predicted from all of the text before it."
        return (
            f"The text is longer than the model's context of {self.context:,} tokens: it is read in windows that "
            "overlap by half, so each token is predicted from all of the text before it or from at least "
            f"{self.context // 2:,} tokens."
        )


def band_names() -> list[str]:
    """below 1, 1 to 2, …, 12 and more."""
    between = [f"{low} to {high}" for low, high in pairwise(BANDS)]
    return [f"below {BANDS[0]}", *between, f"{BANDS[-1]} and more"]


def render_page(report: SurprisalReport, versions: dict[str, str]) -> str:
    """The text as a heat map. There is no script: tokens are radio buttons, of which a browser lets the arrow keys
    choose one, and what is said of a token is seen while it is chosen or pointed at."""
    ends = accumulate(len(part.tokens) for part in report.parts)
    drawn = [part for part, end in zip(report.parts, ends, strict=True) if end <= DRAWN_TOKENS]
    return render(
        "surprisal.html",
        report=report,
        versions=versions,
        drawn=drawn,
        not_drawn=report.tokens - sum(len(part.tokens) for part in drawn),
        bands=band_names(),
        most_surprising=sorted(report.parts, key=lambda part: -part.bits)[:MOST_SURPRISING],
        NAME_CHARS=NAME_CHARS,
    )
