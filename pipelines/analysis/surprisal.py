"""A text and how much a model is surprised by each part of it, in whole characters as people see them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from pipelines.reports.model.surprisal import Candidate, Part, SurprisalReport, TokenSurprisal
from schemas.faults import BadInput
from trainer.generate.generator import TextGenerator
from trainer.probes import surprisal
from trainer.run.checkpoints import run_of
from transforms.steps.tokens.graphemes import Group, groups
from transforms.steps.tokens.tokenizer import Tokenizer, load_tokenizer


def score_text(generator: TextGenerator, run: str, text: str) -> SurprisalReport:
    """Raises BadInput for a text that can't be scored, or a run without its tokenizer."""
    if not text:
        raise BadInput("the text is empty; give some by --text or --file")
    try:
        size = len(text.encode())
        tokenizer = load_tokenizer(str(Path(run_of(run)) / "tokenizer"))
    except UnicodeEncodeError as error:
        raise BadInput("the text is no UTF-8; convert it first") from error
    characters = whole_groups(tokenizer, text)
    scored = list(
        surprisal.surprisals(
            generator.decoder, generator.bos, [number for group in characters for number in group.numbers]
        )
    )
    ends = list(accumulate(len(group.numbers) for group in characters))
    names = names_of(tokenizer)
    parts = tuple(
        Part(group.text, tuple(named(token, names) for token in scored[end - len(group.numbers) : end]))
        for group, end in zip(characters, ends, strict=True)
    )
    return SurprisalReport(run, generator.step, generator.decoder.context, size, parts)


def named(token: surprisal.TokenSurprisal, names: Sequence[str]) -> TokenSurprisal:
    """A token's surprisal as the report has it, with names for numbers of tokens."""
    likeliest = (Candidate(names[other], share, other == token.token) for other, share in token.likeliest)
    return TokenSurprisal(names[token.token], token.bits, token.rank, tuple(likeliest))


def whole_groups(tokenizer: Tokenizer, text: str) -> list[Group]:
    """Groups that are the text; token by token where the tokenizer alters it, as by normalisation."""
    characters = list(groups(tokenizer, text))
    if "".join(group.text for group in characters) == text:
        return characters
    numbers = tokenizer.encode(text).tolist()
    pieces = [(number, tokenizer.pieces[number]) for number in numbers]
    return [Group(piece.decode("utf-8", "replace"), (number,), (len(piece),)) for number, piece in pieces]


def names_of(tokenizer: Tokenizer) -> list[str]:
    """Each token's text; bytes that are no character by their numbers, special tokens by their names."""
    names = [piece.decode("utf-8", "backslashreplace") for piece in tokenizer.pieces]
    for name, number in tokenizer.specials.items():
        names[number] = name
    return names
