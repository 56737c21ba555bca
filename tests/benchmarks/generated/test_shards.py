"""Made-up shards: a trainer reads their plan, and a planner their tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.generated.shards import BOS, SPECIALS, lengths_summing_to, write_shards, write_tables
from schemas.shards.layout import read_plan, read_shards
from trainer.data.batches import PlanReader


def test_a_trainer_reads_every_row_of_the_plan(tmp_path: Path) -> None:
    shards = read_shards(str(write_shards(tmp_path / "shards", 30_000, 64, 500)))
    plan = read_plan(shards, "main")
    reader = PlanReader(shards, plan)
    rows = np.stack([reader.row(row) for row in range(reader.rows)])
    assert rows.shape == (30_000 // 65, 65) and rows.max() < 500
    assert shards.counts["train"]["tokens"] == 30_000
    documents = shards.counts["train"]["documents"]
    assert documents - 2 <= (rows == BOS).sum() <= documents
    assert set(np.unique(rows)) & set(range(len(SPECIALS))) == {BOS}


def test_lengths_add_up() -> None:
    lengths = lengths_summing_to(100_000, np.random.default_rng(1))
    assert lengths.sum() == 100_000 and lengths.min() > 0


def test_tables_alone_are_finished_shards(tmp_path: Path) -> None:
    write_tables(tmp_path, 1000)
    shards = read_shards(str(tmp_path))
    assert shards.counts["train"]["documents"] == 1000
    assert not list(tmp_path.glob("train/tokens-*"))
