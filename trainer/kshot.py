"""Learning within the context: how well a model does a task after k examples of it.

As in GPT-3's evaluations (Brown et al., arXiv 2005.14165, section 2.4) a candidate's likelihood decides, here in bits
per byte, so that long and short answers compare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from schemas.shards import TRAIN, VAL, ShardsInfo
from trainer.document_tokens import DocumentTokens
from trainer.faults import BadRun
from trainer.sampling import Speaker
from trainer.shots import ABOUT, Item, Material, Tokens, known_pairs
from trainer.speech import Voice
from trainer.surprise import bits_of

WORD = re.compile(r"[^\W\d_]+")
SHORTEST, LONGEST = 3, 12  # characters of a word to copy or to put in turn
READ_TOKENS = 5_000_000  # of each split, at most, in which words are looked for
TIE = 1e-9  # bits per byte; computing them takes more care than this difference is worth


def gather(voice: Voice, shards: ShardsInfo, bytes_V: np.ndarray, **counts: int) -> Material:
    """counts: `Material`'s. Raises BadRun if nothing is held out."""
    held_out = tokens_of(shards, VAL)
    if not len(held_out):
        raise BadRun(f"{shards.folder} holds no held-out text; make the shards with --val-fraction above 0")
    held_words = words_of(voice, held_out)
    all_words = held_words | words_of(voice, tokens_of(shards, TRAIN))
    return Material(
        encode=voice.text.encode,
        words=sorted(word for word in held_words if SHORTEST <= len(word) <= LONGEST),
        tokens=held_out[bytes_V[held_out] > 0],
        pairs=known_pairs(all_words),
        context=voice.speaker.context,
        **counts,
    )


def tokens_of(shards: ShardsInfo, split: str) -> np.ndarray:
    """Of the split's first documents, one after the other."""
    found, read = [np.empty(0, np.int64)], 0
    for document in DocumentTokens(shards, split).all():
        found.append(document.tokens)
        read += len(document.tokens)
        if read >= READ_TOKENS:
            break
    return np.concatenate(found)


def words_of(voice: Voice, tokens: np.ndarray) -> set[str]:
    return {word.lower() for word in WORD.findall(voice.text.decode(tokens.tolist()))}


def measure(
    speaker: Speaker, bos: int, items: Sequence[Item], shots: int, bytes_V: np.ndarray
) -> dict[str, Any] | None:
    """Means over the items with their standard errors (…_se); None if the context has no room for so many shots.

    bits_per_byte: of the right answer. accuracy: how often it was the likeliest of the candidates; of equals, a share.
    exact: how often greedy decoding would have given it whole.
    """
    if max(map(len, asked(items, shots))) > speaker.context:
        return None
    found = np.array([answered(speaker, bos, item, shots, bytes_V) for item in items], np.float64)
    means, errors = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    names = ("bits_per_byte", "accuracy", "exact")
    told = dict(zip(names, means.tolist(), strict=True))
    return {"shots": shots, **told, **dict(zip((f"{name}_se" for name in names), errors.tolist(), strict=True))}


def asked(items: Sequence[Item], shots: int) -> Iterator[Tokens]:
    """All that is to be read with BOS: prompts with each candidate, but for its last token."""
    for item in items:
        for answer in (item.answer, *item.wrong):
            yield (*item.prompt(shots), *answer)


def answered(speaker: Speaker, bos: int, item: Item, shots: int, bytes_V: np.ndarray) -> tuple[float, float, float]:
    """Bits per byte, whether it was chosen, whether it was the greedy answer."""
    prompt = (bos, *item.prompt(shots))
    read = lru_cache(1)(lambda tokens: speaker.logits(list(tokens)))  # candidates of one token are of one reading
    right, exact = judged(read, prompt, item.answer, bytes_V)
    costs = np.array([right, *(judged(read, prompt, wrong, bytes_V)[0] for wrong in item.wrong)])
    best = costs <= costs.min() + TIE
    return right, float(best[0]) / best.sum(), float(exact)


def judged(
    read: Callable[[Tokens], np.ndarray], prompt: Tokens, answer: Tokens, bytes_V: np.ndarray
) -> tuple[float, bool]:
    """Bits per byte of an answer, and whether each of its tokens is the likeliest one."""
    logits_TxV = read((*prompt, *answer[:-1]))[len(prompt) - 1 :]
    size = max(int(bytes_V[list(answer)].sum()), 1)  # a tokenizer without bytes has unknown tokens of none
    return float(bits_of(logits_TxV, list(answer)).sum()) / size, logits_TxV.argmax(axis=1).tolist() == list(answer)


def curve(
    voice: Voice,
    material: Material,
    shots: Sequence[int],
    bytes_V: np.ndarray,
    tell: Callable[[str, int], None] = lambda task, shots: None,
) -> dict[str, Any]:
    """tasks: by name, what it is, its items and a point for each number of shots that fits. left_out: tasks for which
    there was too little material. tell: is called before each point."""
    tasks = {}
    for name, items in material.tasks().items():
        tasks[name] = {"about": ABOUT[name], "items": len(items), "points": []}
        for count in shots:
            tell(name, count)
            if (point := measure(voice.speaker, voice.bos, items, count, bytes_V)) is not None:
                tasks[name]["points"].append(point)
    return {
        "chance": 1 / material.candidates,
        "tasks": tasks,
        "left_out": [name for name in ABOUT if name not in tasks],
    }
