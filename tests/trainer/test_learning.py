"""The model learns: 64 rows by heart, and of held-out text more than what n-grams of its training tokens tell."""

from __future__ import annotations

import json
import math
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from schemas.shards.layout import TRAIN
from support.baselines import made_once
from support.training import first_rows, losses, train
from trainer.data.batches import PlanReader
from trainer.model.config import SIZES
from trainer.run.evaluation import WHOLE, token_bytes
from trainer.run.folder import REPORT
from trainer.run.job import TrainJob, read_data

pytest.importorskip("jax", reason="the jax extra is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("optimized")]
Ended = subprocess.CompletedProcess[str]
Gram = tuple[int, ...]
LONG = "long"  # a plan of rows of 256 + 1 tokens; the main one's are of 32 + 1


@pytest.fixture(scope="session")
def real_shards(corpus: Path, bateia: Callable[..., Ended], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded sample: 130 documents in five languages to train, 11 to validate."""

    def shard(folder: Path) -> None:
        given = ["--vocab-size", 4096, "--context", 32, "--val-fraction", 0.1, "--quiet"]
        ended = bateia("shard", "--input", corpus, "--output", folder / "shards", *given)
        assert ended.returncode == 0, ended.stderr
        ended = bateia("plan", "--shards", folder / "shards", "--name", LONG, "--context", 256)
        assert ended.returncode == 0, ended.stderr

    return made_once(tmp_path_factory, "real_shards", shard) / "shards"


def test_64_rows_are_learned_by_heart(make_job: Callable[..., TrainJob], real_shards: Path, tmp_path: Path) -> None:
    """In JAX. PyTorch's losses are the same (test_backends.py), and its steps uncompiled take longer."""
    nano = {"model": SIZES["nano"], "optimizer": "muon", "lr": 0.01, "weight_decay": 0.0}
    job = make_job(25, shards=real_shards, batch_size=64, **nano)
    train(replace(job, plan=first_rows(job.plan, 64, tmp_path)))
    assert losses(job.output)[-1][1] < 0.1


def test_it_tells_more_than_ngrams(real_shards: Path, bateia: Callable[..., Ended], tmp_path: Path) -> None:
    given = ["--plan", LONG, "--model", "nano", "--steps", 120, "--batch-size", 4, "--eval-every", 120]
    ended = bateia(
        "train", "--shards", real_shards, "--output", tmp_path / "run", *given, "--sample-tokens", 0, "--quiet"
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads((tmp_path / "run" / REPORT).read_text())["evals"][-1]["slices"][WHOLE]
    unigram, fivegram = (ngram_bits(real_shards, order, told["bytes"]) for order in (1, 5))
    assert told["bits_per_byte"] < fivegram < unigram


class KneserNey:
    """Interpolated, modified Kneser–Ney over n-grams of tokens, with discounts for what was seen once, twice and more
    often: Chen & Goodman, An Empirical Study of Smoothing Techniques for Language Modeling, TR-10-98, Harvard 1998."""

    def __init__(self, stream: Sequence[int], order: int, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        counts = [Counter(zip(*(stream[at:] for at in range(order)), strict=False))]
        for _ in range(order - 1):  # below the highest order count how many tokens an n-gram was seen after
            counts.insert(0, Counter(gram[1:] for gram in counts[0]))
        self.orders = [(grams, discounts(grams), *followers(grams)) for grams in counts]

    def probability(self, before: Sequence[int], token: int) -> float:
        """before: the tokens up to this one; the model looks at its last order - 1."""
        found = 1 / self.vocabulary
        for length, (grams, discount, totals, taken) in enumerate(self.orders[: len(before) + 1]):
            context = tuple(before[len(before) - length :])
            if context not in totals:
                break
            count = grams[*context, token]
            found = (count - discount[min(count, 3)] + taken[context] * found) / totals[context]
        return found


def followers(grams: Counter[Gram]) -> tuple[dict[Gram, int], dict[Gram, float]]:
    """By context: counts of all that follows, and how much of them the discounts take."""
    totals: dict[Gram, int] = defaultdict(int)
    taken: dict[Gram, float] = defaultdict(float)
    discount = discounts(grams)
    for gram, count in grams.items():
        totals[gram[:-1]] += count
        taken[gram[:-1]] += discount[min(count, 3)]
    return totals, taken


def discounts(grams: Counter[Gram]) -> list[float]:
    """Of n-grams counted 0, 1, 2 and 3 times or more, from how many were counted how often."""
    seen = Counter(grams.values())
    common = seen[1] / (seen[1] + 2 * seen[2])
    return [0.0, *(count - (count + 1) * common * seen[count + 1] / seen[count] for count in (1, 2, 3))]


def ngram_bits(shards: Path, order: int, expected_bytes: int) -> float:
    """Bits per byte of the same held-out tokens, each predicted from those before it in its row."""
    info, plan = read_data(str(shards), LONG)
    bytes_V = token_bytes(str(shards / "tokenizer"), info.vocab_size)
    files = sorted((shards / TRAIN).glob("*.bin"))
    stream = np.concatenate([np.fromfile(path, info.dtype) for path in files]).tolist()
    assert len(stream) == info.counts[TRAIN]["tokens"]
    model = KneserNey(stream, order, info.vocab_size)
    for before in (stream[:4], stream[7:11], [stream[3], stream[1]], []):
        assert sum(model.probability(before, token) for token in range(info.vocab_size)) == pytest.approx(1)
    reader = PlanReader(info, plan, WHOLE)
    bits, size = 0.0, 0
    for row in range(reader.rows):
        tokens = reader.row(row).tolist()
        for at in range(1, len(tokens)):
            if length := int(bytes_V[tokens[at]]):
                bits -= math.log2(model.probability(tokens[max(at - order + 1, 0) : at], tokens[at]))
                size += length
    assert size == expected_bytes
    return bits / size
