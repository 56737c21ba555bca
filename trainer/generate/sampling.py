"""From logits to tokens: temperature, top-k, top-p and a seed. numpy alone, so every backend draws the same."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas.faults import BadInput
from schemas.setting import setting
from trainer.model.decoder import Decoder


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. Raises BadInput for numbers that can't be."""

    tokens: int = setting(200, "tokens to write at most", metavar="N")
    temperature: float = setting(0.8, "logits are divided by it; 0 takes the likeliest token", metavar="X")
    top_k: int = setting(50, "draw from so many of the likeliest tokens; 0 for all", metavar="N")
    top_p: float = setting(0.95, "draw from the likeliest that together have this probability", metavar="P")
    seed: int = setting(1, "of the drawing", metavar="N")

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.top_k < 0:
            raise BadInput("tokens are 1 or more, top-k is 0 (for no limit) or more")
        if not (0 <= self.temperature < math.inf and 0 < self.top_p <= 1):
            raise BadInput("a temperature is 0 or more, top-p a probability above 0 and up to 1")


def distribution(logits_V: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Probability of each token to be drawn, float64 of shape (V,); or of many rows at once, (B, V).

    Raises BadInput for logits that are not finite.
    """
    wide_V = logits_V.astype(np.float64)
    if not np.isfinite(wide_V).all():
        raise BadInput("the model's logits are not finite, as its weights are not; take an earlier checkpoint")
    if sampling.temperature == 0:
        return np.where(np.arange(wide_V.shape[-1]) == wide_V.argmax(-1)[..., None], 1.0, 0.0)
    if not sampling.top_k and sampling.top_p == 1:
        return softmax(wide_V / sampling.temperature)
    order_K = likeliest(wide_V, sampling.top_k or wide_V.shape[-1])
    sorted_K = softmax(np.take_along_axis(wide_V, order_K, -1) / sampling.temperature)
    before_K = np.cumsum(sorted_K, axis=-1) - sorted_K
    sorted_K = np.where(before_K < sampling.top_p, sorted_K, 0.0)
    drawn_V = np.zeros_like(wide_V)
    np.put_along_axis(drawn_V, order_K, sorted_K / sorted_K.sum(-1, keepdims=True), -1)
    return drawn_V


def likeliest(wide_V: np.ndarray, count: int) -> np.ndarray:
    """Numbers of the highest along the last axis, highest first, equal ones by their number: the order is the only one.

    A whole sort costs ten times as much as finding a few, which is all there is to sort unless the last of them is one
    of several equals.
    """
    if count < wide_V.shape[-1]:
        found_K = np.sort(np.argpartition(-wide_V, count - 1, axis=-1)[..., :count], axis=-1)
        values_K = np.take_along_axis(wide_V, found_K, -1)
        if ((wide_V >= values_K.min(-1, keepdims=True)).sum(-1) == count).all():
            return np.take_along_axis(found_K, np.argsort(-values_K, axis=-1, kind="stable"), -1)
    return np.argsort(-wide_V, axis=-1, kind="stable")[..., :count]


def softmax(values: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def draw(logits_BxV: np.ndarray, sampling: Sampling, numbers_B: np.ndarray) -> np.ndarray:
    """A token a row, int64 of shape (B,).

    numbers_B: from 0 up to 1, one for each row, which decides together with its logits
    """
    cumulated_BxV = np.cumsum(distribution(logits_BxV, sampling), axis=-1)
    below_BxV = cumulated_BxV <= (numbers_B * cumulated_BxV[:, -1])[:, None]
    return np.minimum(below_BxV.sum(-1), logits_BxV.shape[-1] - 1)


def generator_of(seed: int | Sequence[int]) -> np.random.Generator:
    """What draws a text's numbers: one a token, whatever the settings."""
    return np.random.Generator(np.random.PCG64(seed))


def generate(
    decoder: Decoder,
    prompt: list[int],
    sampling: Sampling,
    stops: frozenset[int],
    logits: list[np.ndarray] | None = None,
    keep: int = 0,
) -> Iterator[int]:
    """Tokens that follow the prompt, up to one of `stops`, which is not yielded.

    prompt: tokens, the first of which begins a document. Raises BadInput if it is empty
    logits: a list to which the logits_V are appended that each token is drawn from
    keep: first tokens of the prompt that stay where the context is full, as `write`
    """
    writing = Writing(prompt, generator_of(sampling.seed), keep)
    for logits_1xV in write(decoder, [writing], sampling, stops):
        if logits is not None:
            logits.append(logits_1xV[0])
        if writing.tokens[-1] in stops:
            return
        yield writing.tokens[-1]


# --- Many texts -------------------------------------------------------------------------------------------------------

Force = Callable[[int, list[int]], Sequence[int]]


@dataclass
class Writing:
    """A text that is being written.

    prompt: tokens to continue, the first of which begins a document
    generator: draws its tokens, one number a token
    keep: first tokens of the prompt that stay where the context is full: BOS, say, and a system's message
    tokens: what was written, the stop included
    sampled: for each of these whether the model drew it, or it was forced
    nats: −log p of each by the model at temperature 1; 0 of forced ones
    ended: whether it ended with a stop
    """

    prompt: Sequence[int]
    generator: np.random.Generator
    keep: int = 0
    tokens: list[int] = field(default_factory=list)
    sampled: list[bool] = field(default_factory=list)
    nats: list[float] = field(default_factory=list)
    ended: bool = False


def generate_many(
    decoder: Decoder,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    stops: frozenset[int],
    seeds: Sequence[int | Sequence[int]],
    force: Force | None = None,
    keep: int = 0,
) -> list[Writing]:
    """Texts that follow the prompts, written at the same time; each is what `generate` would give for its seed.

    force: after each token a row and all that was written in it: tokens to put there instead of drawing, such as a
        tool's result. A stop after which something is forced does not end the text
    """
    texts = [Writing(prompt, generator_of(seed), keep) for prompt, seed in zip(prompts, seeds, strict=True)]
    for _ in write(decoder, texts, sampling, stops, force):
        pass
    return texts


def write(
    decoder: Decoder, texts: Sequence[Writing], sampling: Sampling, stops: frozenset[int], force: Force | None = None
) -> Iterator[np.ndarray]:
    """Append a token to each text that goes on, again and again, and yield the logits_BxV that they are drawn from.

    When the context of a row is full, its newer half is read again and the rest forgotten but for what it keeps.
    """
    if not all(text.prompt for text in texts):
        raise BadInput("a prompt has at least the token that begins a document")
    coming: list[deque[int]] = [deque() for _ in texts]
    held = [within(list(text.prompt), decoder.context, decoder.context, text.keep) for text in texts]
    logits_BxV = decoder.begin(held, sampling.tokens)
    for written in range(1, sampling.tokens + 1):
        numbers_B = np.array([text.generator.random() if not text.ended else 0.0 for text in texts])
        drawn_B = draw(logits_BxV, sampling, numbers_B).tolist()
        nats_B = nats_of(logits_BxV, drawn_B)
        for row, text in enumerate(texts):
            if text.ended:
                continue
            forced = bool(coming[row])
            text.tokens.append(coming[row].popleft() if forced else drawn_B[row])
            text.sampled.append(not forced)
            text.nats.append(0.0 if forced else nats_B[row])
            if force is not None and not coming[row]:
                coming[row].extend(force(row, text.tokens))
            text.ended = text.tokens[-1] in stops and not coming[row]
        yield logits_BxV
        if all(text.ended for text in texts) or written == sampling.tokens:
            return
        for row, text in enumerate(texts):
            held[row].append(text.tokens[-1])
        if any(len(held[row]) > decoder.context and not text.ended for row, text in enumerate(texts)):
            for row, text in enumerate(texts):
                half = max(decoder.context // 2, 1) if len(held[row]) > decoder.context else decoder.context
                held[row] = held[row][:1] if text.ended else within(held[row], decoder.context, half, text.keep)
            logits_BxV = decoder.begin(held, sampling.tokens - written)
        else:
            logits_BxV = decoder.append([tokens[-1] for tokens in held])


def within(tokens: list[int], context: int, newest: int, keep: int) -> list[int]:
    """Of tokens that are more than the context: the first `keep` and the newest, so many of them as have room."""
    if len(tokens) <= newest:
        return tokens
    head = tokens[: min(keep, context // 2)]
    return [*head, *tokens[-min(newest, context - len(head)) :]]


def nats_of(logits_BxV: np.ndarray, tokens: Sequence[int]) -> list[float]:
    """−log p of a token a row."""
    wide_BxV = logits_BxV.astype(np.float64)
    highest_B = wide_BxV.max(-1)
    whole_B = highest_B + np.log(np.exp(wide_BxV - highest_B[:, None]).sum(-1))
    return (whole_B - wide_BxV[np.arange(len(tokens)), list(tokens)]).tolist()
