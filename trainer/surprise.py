"""How much each token of a text surprises a model: −log2 of its probability, in bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trainer.sampling import Speaker, softmax

LIKELIEST = 5


@dataclass(frozen=True)
class Surprise:
    """Of one token. rank: 1 if none was likelier. likeliest: (token, probability) of those that the model expected
    most; the token itself may be among them."""

    token: int
    bits: float
    rank: int
    likeliest: tuple[tuple[int, float], ...]


def surprises(speaker: Speaker, bos: int, tokens: list[int]) -> Iterator[Surprise]:
    """Of each token of a text that is led by BOS."""
    text = [bos, *tokens]
    for start, first, end in windows(len(tokens), speaker.context):
        logits_TxV = speaker.logits(text[start:end])
        for at in range(first, end):
            yield surprise_at(logits_TxV[at - start], text[at + 1])


def windows(length: int, context: int) -> Iterator[tuple[int, int, int]]:
    """(start, first, end): read start … end − 1, and ask what follows first … end − 1. Windows overlap by half, so that
    behind the first one each token is predicted from at least half a context."""
    done = 0
    while done < length:
        end = min(done + (max(context // 2, 1) if done else context), length)
        yield max(end - context, 0), done, end
        done = end


def surprise_at(logits_V: np.ndarray, token: int) -> Surprise:
    wide_V = logits_V.astype(np.float64)
    likely_V = softmax(wide_V)
    highest = np.argpartition(-wide_V, min(LIKELIEST, len(wide_V) - 1))[:LIKELIEST]
    order = highest[np.argsort(-wide_V[highest], kind="stable")]
    rank = 1 + int((wide_V > wide_V[token]).sum())
    rivals = tuple((int(rival), float(likely_V[rival])) for rival in order)
    return Surprise(token, float(bits_of(wide_V[None], [token])[0]), rank, rivals)


def bits_of(logits_TxV: np.ndarray, tokens: list[int]) -> np.ndarray:
    """−log2 p of each token, which its row tells about: float64 of shape (T,)."""
    wide_TxV = logits_TxV.astype(np.float64)
    highest_T = wide_TxV.max(axis=1)
    whole_T = highest_T + np.log(np.exp(wide_TxV - highest_T[:, None]).sum(axis=1))
    return (whole_T - wide_TxV[np.arange(len(tokens)), tokens]) / np.log(2)
