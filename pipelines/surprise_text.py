"""A text and how much a model is surprised by each part of it, in whole characters as people see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from pipelines.faults import BadInput
from trainer.speech import Voice
from trainer.surprise import Surprise, surprises
from transforms.steps.token_groups import Group, groups
from transforms.steps.tokenizer import Tokenizer, load_tokenizer

# Where bands of surprise begin, in bits: n bits are as surprising as n coins that all fall heads.
BANDS = (1, 2, 4, 8, 12)


@dataclass(frozen=True)
class Part:
    """One token's text, or that of as few tokens as end where a character does. tokens: the surprise of each."""

    text: str
    tokens: tuple[Surprise, ...]

    @property
    def bits(self) -> float:
        return sum(token.bits for token in self.tokens)

    @property
    def band(self) -> int:
        """0 for what was expected, up to len(BANDS)."""
        return sum(self.bits >= edge for edge in BANDS)


@dataclass(frozen=True)
class Reading:
    """parts: of the whole text. size: its bytes in UTF-8. names: of tokens, by number. step: of the
    model's training."""

    parts: Sequence[Part]
    size: int
    names: Sequence[str]
    context: int
    step: int

    @property
    def tokens(self) -> int:
        return sum(len(part.tokens) for part in self.parts)

    @property
    def bits(self) -> float:
        return sum(part.bits for part in self.parts)

    @property
    def bits_per_byte(self) -> float:
        return self.bits / self.size

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


def read_text(voice: Voice, run: str, text: str) -> Reading:
    """Raises BadInput for a text that can't be scored, or a run without its tokenizer."""
    if not text:
        raise BadInput("the text is empty; give some by --text or --file")
    try:
        size = len(text.encode())
        tokenizer = load_tokenizer(str(Path(run) / "tokenizer"))
    except UnicodeEncodeError as error:
        raise BadInput("the text is no UTF-8; convert it first") from error
    except ValueError as error:
        raise BadInput(str(error)) from error
    found = whole_groups(tokenizer, text)
    told = list(surprises(voice.speaker, voice.bos, [number for group in found for number in group.numbers]))
    ends = list(accumulate(len(group.numbers) for group in found))
    parts = [Part(g.text, tuple(told[end - len(g.numbers) : end])) for g, end in zip(found, ends, strict=True)]
    return Reading(parts, size, names_of(tokenizer), voice.speaker.context, voice.step)


def whole_groups(tokenizer: Tokenizer, text: str) -> list[Group]:
    """Groups that are the text; token by token where the tokenizer alters it, as by normalisation."""
    found = list(groups(tokenizer, text))
    if "".join(group.text for group in found) == text:
        return found
    numbers = tokenizer.encode(text).tolist()
    return [Group(tokenizer.decode([number]), (number,), (len(tokenizer.pieces[number]),)) for number in numbers]


def names_of(tokenizer: Tokenizer) -> list[str]:
    """Each token's text; bytes that are no character by their numbers, special tokens by their names."""
    names = [piece.decode("utf-8", "backslashreplace") for piece in tokenizer.pieces]
    for name, number in tokenizer.specials.items():
        names[number] = name
    return names
