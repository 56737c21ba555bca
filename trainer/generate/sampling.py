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
    token_K, share_K = candidates(logits_V, sampling)
    drawn_V = np.zeros(logits_V.shape)
    np.put_along_axis(drawn_V, token_K, share_K, -1)
    return drawn_V


def candidates(logits_V: np.ndarray, sampling: Sampling) -> tuple[np.ndarray, np.ndarray]:
    """Tokens that may be drawn, ascending, and the probability of each, float64: both (K,), or (B, K) of many rows.

    Raises BadInput for logits that are not finite.
    """
    if not np.isfinite(logits_V).all():
        raise BadInput("the model's logits are not finite, as its weights are not; take an earlier checkpoint")
    if sampling.temperature == 0:
        token_1 = logits_V.argmax(-1, keepdims=True)
        return token_1, np.ones(token_1.shape)
    count = min(sampling.top_k or logits_V.shape[-1], logits_V.shape[-1])
    token_K = likeliest(logits_V, count)
    value_K = np.take_along_axis(logits_V, token_K, -1).astype(np.float64)
    if not sampling.top_k and sampling.top_p == 1:
        return token_K, softmax(value_K / sampling.temperature)
    order_K = np.argsort(-value_K, axis=-1, kind="stable")  # of equal ones the lower number comes first
    sorted_K = softmax(np.take_along_axis(value_K, order_K, -1) / sampling.temperature)
    before_K = np.cumsum(sorted_K, axis=-1) - sorted_K
    sorted_K = np.where(before_K < sampling.top_p, sorted_K, 0.0)
    share_K = np.empty_like(sorted_K)
    np.put_along_axis(share_K, order_K, sorted_K / sorted_K.sum(-1, keepdims=True), -1)
    return token_K, share_K


def likeliest(logits_V: np.ndarray, count: int) -> np.ndarray:
    """Numbers of the highest along the last axis, ascending; of equal ones the lower numbers.

    A whole sort costs many times what it does to find the least of a few, which is enough unless others equal it.
    """
    size = logits_V.shape[-1]
    if count == size:
        return np.broadcast_to(np.arange(size), logits_V.shape)
    least_1 = np.partition(logits_V, size - count, axis=-1)[..., size - count, None]
    chosen_V = logits_V >= least_1
    shape = (*logits_V.shape[:-1], count)
    if np.count_nonzero(chosen_V) == math.prod(shape):
        return np.flatnonzero(chosen_V).reshape(shape) % size
    return np.sort(np.argsort(-logits_V, axis=-1, kind="stable")[..., :count], axis=-1)


def softmax(values: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def draw(logits_BxV: np.ndarray, sampling: Sampling, numbers_B: np.ndarray) -> np.ndarray:
    """A token a row, int64 of shape (B,).

    numbers_B: from 0 up to 1, one for each row, which decides together with its logits
    """
    token_BxK, share_BxK = candidates(logits_BxV, sampling)
    cumulated_BxK = np.cumsum(share_BxK, axis=-1)
    below_B = (cumulated_BxK <= (numbers_B * cumulated_BxK[:, -1])[:, None]).sum(-1)
    return np.take_along_axis(token_BxK, np.minimum(below_B, token_BxK.shape[-1] - 1)[:, None], -1)[:, 0]


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
    highest_B = logits_BxV.max(-1)
    # Powers in float32, which logits are no better than, take a third of the time; their sum is float64.
    summed_B = np.exp(logits_BxV - highest_B[:, None]).sum(-1, dtype=np.float64)
    of_token_B = logits_BxV[np.arange(len(tokens)), list(tokens)]
    return (np.log(summed_B) + highest_B - of_token_B).tolist()
