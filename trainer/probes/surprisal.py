"""Surprisal: −log2 of the probability that a model gave to each token of a text, in bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trainer.generate.sampling import softmax
from trainer.model.decoder import Decoder

LIKELIEST = 5


@dataclass(frozen=True)
class TokenSurprisal:
    """How surprising a token was.

    bits: −log2 of its probability
    rank: 1 if no token was likelier
    likeliest: (token, probability) of what the model expected most; the token itself may be among them
    """

    token: int
    bits: float
    rank: int
    likeliest: tuple[tuple[int, float], ...]


def surprisals(decoder: Decoder, bos: int, tokens: list[int]) -> Iterator[TokenSurprisal]:
    """Of each token of a text, which BOS is put before."""
    text = [bos, *tokens]
    for start, first, end in windows(len(tokens), decoder.context):
        logits_TxV = decoder.logits(text[start:end])
        for position in range(first, end):
            yield surprisal_at(logits_TxV[position - start], text[position + 1])


def windows(length: int, context: int) -> Iterator[tuple[int, int, int]]:
    """(start, first, end): read positions start … end − 1, and take the predictions at first … end − 1.

    Windows overlap by half, so that behind the first one each token is predicted from at least half a context.
    """
    done = 0
    while done < length:
        end = min(done + (max(context // 2, 1) if done else context), length)
        yield max(end - context, 0), done, end
        done = end


def surprisal_at(logits_V: np.ndarray, token: int) -> TokenSurprisal:
    wide_V = logits_V.astype(np.float64)
    probabilities_V = softmax(wide_V)
    highest = np.argpartition(-wide_V, min(LIKELIEST, len(wide_V) - 1))[:LIKELIEST]
    order = highest[np.argsort(-wide_V[highest], kind="stable")]
    rank = 1 + int((wide_V > wide_V[token]).sum())
    likeliest = tuple((int(other), float(probabilities_V[other])) for other in order)
    return TokenSurprisal(token, float(bits_of(wide_V[None], [token])[0]), rank, likeliest)


def bits_of(logits_TxV: np.ndarray, tokens: list[int]) -> np.ndarray:
    """−log2 p of each token by its row of logits: float64 of shape (T,)."""
    wide_TxV = logits_TxV.astype(np.float64)
    highest_T = wide_TxV.max(axis=1)
    whole_T = highest_T + np.log(np.exp(wide_TxV - highest_T[:, None]).sum(axis=1))
    return (whole_T - wide_TxV[np.arange(len(tokens)), tokens]) / np.log(2)
