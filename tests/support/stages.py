"""Every stage at its smallest, as the command runs it: two units, some seconds of CPU time less than usual."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

from pipelines.sample.build import build_sample
from support.command import Ended, call_here
from support.documents import write_documents
from support.outputs import digests, strays
from support.power import LEASE
from support.shards import made_up
from trainer.run.folder import EVALS, LOG, read_lines

STAGES = ("curate", "dedup", "shard", "tokenizer", "train")
WORDS = "the river runs under a bridge where people sell bread and tell stories of rain every morning"
WARCS = tuple(f"{number}.warc.gz" for number in range(5))
MODEL = {"dim": 16, "layers": 1, "heads": 2, "kv_heads": 1, "hidden": 24}
TRAINING = ("--steps", 6, "--save-every", 2, "--eval-every", 3, "--eval-rows", 2, "--batch-size", 2, "--warmup", 1)
UNTIMED = ("step", "loss", "lr", "grad_norm")  # what a log tells besides times


@dataclass(frozen=True)
class Small:
    """The stages' inputs, in a folder. many: whether in more units than two."""

    folder: Path
    many: bool = False

    def command(self, stage: str, output: Path) -> list[object]:
        documents = self.folder / ("many" if self.many else "documents")
        backend = "torch" if find_spec("torch") else "jax"
        given: dict[str, list[object]] = {
            "curate": [
                "curate",
                "--recipe",
                "tiny",
                "--input",
                *(self.folder / name for name in WARCS[: 5 if self.many else 2]),
            ],
            "dedup": ["dedup", "--input", documents],
            "shard": ["shard", "--vocab-size", 380, "--context", 48, "--val-fraction", 0.2, "--input", documents],
            "tokenizer": ["tokenizer", "train", "--vocab-size", 380, "--input", documents],
            "train": [
                "train",
                "--shards",
                self.folder / "shards",
                "--model",
                self.folder / "model.json",
                *TRAINING,
                "--sample-tokens",
                0,
            ],
        }
        given["train"] += ["--backend", backend, "--no-compile"]
        return [*given[stage], "--output", output, "--quiet"]

    def run(self, stage: str, output: Path) -> Ended:
        """Run a stage's command in this process."""
        return call_here(*self.command(stage, output))


def make_inputs(folder: Path) -> Small:
    """Two WARC files of a few pages, documents in two files with copies among them, and shards."""
    build_sample(folder / "sample", 60)
    for name, path in zip(WARCS, sorted((folder / "sample").rglob("*.warc.gz")), strict=False):
        shutil.copy(path, folder / name)
    shutil.rmtree(folder / "sample")
    pick, words = random.Random(5), WORDS.split()
    texts = [" ".join(pick.choice(words) for _ in range(pick.randrange(30, 90))) for _ in range(40)]
    texts[7], texts[31] = texts[3], f"{texts[20]} bread"
    rows = [{"id": f"d{at}", "text": f"{text}."} for at, text in enumerate(texts)]
    write_documents(folder / "documents", rows, rows_per_file=20)
    write_documents(folder / "many", rows, rows_per_file=8)
    made_up(folder / "shards")
    (folder / "model.json").write_text(json.dumps(MODEL))
    return Small(folder)


def result_of(stage: str, output: Path) -> dict[str, str]:
    """What a finished output holds, but times: sha256 by path, and of a training what its logs tell."""
    if stage != "train":
        return {path: digest for path, digest in digests(output).items() if LEASE not in path}
    kept = {
        path: digest for path, digest in digests(output).items() if path.split("/")[0] in ("checkpoints", "tokenizer")
    }
    told = [[line.get(name) for name in UNTIMED] for line in read_lines(output / LOG)]
    told += [[line["step"], line["slices"]] for line in read_lines(output / EVALS)]
    files = json.loads((output / "manifest.json").read_text())["files"]
    return kept | {"told": hashlib.sha256(json.dumps([told, files], sort_keys=True).encode()).hexdigest()}


def is_whole(stage: str, output: Path, calm: dict[str, str]) -> bool:
    """Whether an output is as an undisturbed run leaves it, with nothing beside."""
    if not (output / "manifest.json").exists() or result_of(stage, output) != calm:
        return False
    return all(path.name.startswith(LEASE) for path in strays(output))


@contextmanager
def quick_children() -> Iterator[None]:
    """What stages start a process for is kept from run to run: the extractor, and what it learnt a tokenizer from."""
    from pipelines.stages.tokenizers import child, training
    from transforms.steps import curator
    from transforms.steps.extract.extract_text import Extractor

    extractors: dict[Any, Extractor] = {}
    models: dict[tuple[Any, ...], bytes] = {}
    train_in_child = child.train_in_child

    def extractor(settings: Any) -> Extractor:
        return extractors.setdefault(settings, Extractor(settings))

    def train(algorithm: str, sample: Path, model: Path, size: int, learnt: list[int]) -> bytes:
        key = algorithm, hashlib.sha256(sample.read_bytes()).digest(), size
        if key not in models:
            models[key] = train_in_child(algorithm, sample, model, size, learnt)
        model.write_bytes(models[key])
        return models[key]

    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)  # of so little work more would only wait for each other
    close = Extractor.close
    with ExitStack() as stack:
        stack.enter_context(mock.patch("transforms.units.HEARTBEAT_EVERY_S", 3600.0))  # as often as the machine is slow
        stack.enter_context(mock.patch.object(curator, "Extractor", extractor))
        stack.enter_context(mock.patch.object(Extractor, "close", lambda _: None))
        stack.enter_context(mock.patch.object(training, "train_in_child", train))
        try:
            yield
        finally:
            for each in extractors.values():
                close(each)


def told(ended: Ended) -> list[str]:
    """Lines that a command has written to stderr, but what says that something goes on."""
    noise = (": starting …", "going on from step", "note:", "parameters ·", "then compiling")
    return [line for line in ended.stderr.splitlines() if line.strip() and not any(word in line for word in noise)]
