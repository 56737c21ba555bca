"""`bateia journey`: what the page says is what ledger, corpus, shards and plan say."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.analysis.journey import Output, follow, nearest_to
from pipelines.lineage.rows import ranges
from pipelines.reports.journey import JourneyReport, render_page
from schemas.faults import BadInput
from schemas.manifest import open_finished
from schemas.shards.layout import read_plan, read_shards
from schemas.shards.plans import train_rows
from support.baselines import made_once
from support.pages import Strict
from support.runs import uneven_weights, write_run
from trainer.model.config import ModelConfig

Call = Callable[..., subprocess.CompletedProcess[str]]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def shards(corpus: Path, bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of the sample's corpus."""

    def shard(folder: Path) -> None:
        given = ("--vocab-size", 500, "--context", 64, "--val-fraction", 0.2, "--quiet")
        ended = bateia("shard", "--input", corpus, "--output", folder / "tiny", *given)
        assert ended.returncode == 0, ended.stderr

    return made_once(tmp_path_factory, "journey_shards", shard) / "tiny"


def rows_of(folder: Path, kind: str) -> list[Row]:
    return [row for path in sorted(folder.glob(f"{kind}*.parquet")) for row in pq.ParquetFile(path).read().to_pylist()]


def in_split(shards: Path, split: str) -> Row:
    return rows_of(shards / split, "docs-")[3]


@pytest.mark.slow
def test_a_page_that_is_trained_on(shards: Path, corpus: Path, documents: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the torch extra is not installed")
    row = in_split(shards, "train")
    config = ModelConfig(500, 64, dim=16, layers=1, heads=2, kv_heads=1, hidden=24)
    run = write_run(tmp_path / "run", config, uneven_weights(config), shards=shards, batch_size=4)
    report = follow(row["url"], str(shards), f"{run}@7", "torch")
    assert report.notes == () and report.reached == "training rows"

    [ledger] = [one for one in rows_of(documents, "ledger/") if one["url"] == row["url"]]
    [kept] = [one for one in rows_of(corpus, "data/*/") if one["url"] == row["url"]]
    assert report.record is not None and report.record.fate == "kept" and report.record.why is None
    assert (report.record.warc_offset, report.record.status) == (ledger["warc_offset"], 200)
    assert report.text == kept["text"] and report.html is not None and "<" in report.html
    assert [stop.dropped for stop in report.stops] == [None] * len(report.stops)
    measured = {dial.rule: dial.value for stop in report.stops for dial in stop.dials}
    assert measured["top_2_gram"] == pytest.approx(kept["quality"]["top_2_gram"])

    assert report.tokens is not None and report.copies is not None and report.copies.compared_all
    assert (report.tokens.start, report.tokens.length) == (row["start"], row["length"])
    info = read_shards(str(shards))
    plan = read_plan(info, "main")
    reader, end = train_rows(plan), row["start"] + row["length"]
    holding = [
        number
        for number in range(plan.rows)
        for shard, start, length in reader.spans(number)
        if shard == report.tokens.shard and start < end and start + length > row["start"]
    ]
    [told] = report.plans
    assert (told.rows, told.count) == (ranges(sorted(set(holding))), len(set(holding)))
    assert told.steps == ranges(sorted({number // 4 for number in holding}))
    assert told.passes == pytest.approx(7 * 4 / plan.rows)
    assert report.surprisal is not None and report.surprisal.tokens == row["length"] - 1
    assert "The loss of each token" in Strict(render_page(report, {})).seen


@pytest.mark.slow
def test_a_page_that_is_held_out(shards: Path) -> None:
    report = follow(in_split(shards, "val")["url"], str(shards))
    assert report.reached == "held-out text" and report.plans == () and report.surprisal is None
    seen = Strict(render_page(report, {})).seen
    assert "no step of a training sees it" in seen and "bits per byte" not in seen


@pytest.mark.slow
def test_a_page_that_a_rule_dropped(shards: Path, documents: Path) -> None:
    dropped = next(row for row in rows_of(documents, "ledger/") if row["stage"] == "gopher_quality")
    report = follow(dropped["url"], str(shards))
    assert report.reached == "the ledger" and report.tokens is None and report.text is None
    assert report.record is not None and (report.record.why or "").startswith(f"gopher_quality: {dropped['reason']}")
    [stop] = [stop for stop in report.stops if stop.dropped and stop.stage == "gopher_quality"]
    assert stop.dropped is not None and stop.dropped.startswith(dropped["reason"])
    [broken] = [dial for dial in stop.dials if dial.rule == dropped["reason"]]
    assert not broken.passed and broken.value == pytest.approx(dropped["value"])
    assert "breaks it" in Strict(render_page(report, {})).seen


@pytest.mark.slow
def test_a_page_that_is_a_copy(shards: Path, corpus: Path) -> None:
    copy = next(row for row in rows_of(corpus, "clusters/") if row["match"] == "near")
    report = follow(copy["url"], str(shards))
    assert report.copies is not None and report.copies.fate.startswith("removed as near duplicate of ")
    nearest = report.copies.nearest
    assert nearest is not None and nearest.is_survivor and nearest.url == copy["survivor_url"]
    assert nearest.similarity > 0.6
    assert (report.reached, report.text) == ("the documents", None)


def test_the_nearest_is_the_one_that_shares_most(corpus: Path) -> None:
    output = Output(str(corpus), open_finished(str(corpus), ("dedup",), "`bateia dedup`"))
    row = rows_of(corpus, "data/en/")[0]
    for text, without in ((row["text"], None), (row["text"].partition("\n")[0] * 2, None)):
        found, compared, whole = nearest_to(text, "en", output, without, 5)
        assert found is not None and found[0]["id"] == row["id"] and whole
        assert compared == len(rows_of(corpus, "data/en/"))
    assert nearest_to(row["text"], "en", output, None, 5)[0] == (
        {name: row[name] for name in ("id", "url", "text")},
        1.0,
    )
    assert nearest_to("zzz " * 9, "en", output, None, 5)[0] is None
    other, _, _ = nearest_to(row["text"], "en", output, row["id"], 5)
    assert other is None or other[0]["id"] != row["id"]


@pytest.mark.slow
def test_what_is_gone_is_noted(shards: Path, corpus: Path, tmp_path: Path) -> None:
    """Shards whose corpus is elsewhere by now."""
    import json
    import shutil

    moved = Path(shutil.copytree(shards, tmp_path / "shards"))
    manifest = json.loads((moved / "manifest.json").read_text())
    manifest["source"][0]["path"] = str(tmp_path / "gone")
    (moved / "manifest.json").write_text(json.dumps(manifest))
    row = in_split(shards, "train")
    report = follow(row["url"], str(moved))
    assert report.record is None and report.copies is None and report.tokens is not None
    assert [str(tmp_path / "gone") in note for note in report.notes] == [True]
    assert str(tmp_path / "gone") in Strict(render_page(report, {})).seen
    with pytest.raises(BadInput, match="has seen a page"):
        follow("https://nowhere.example/", str(moved))


@pytest.mark.slow
def test_the_command(shards: Path, corpus: Path, bateia: Call, tmp_path: Path) -> None:
    page = tmp_path / "journey.html"
    url = in_split(shards, "train")["url"]
    ended = bateia("journey", url, "--in", shards, "--html", page)
    assert (ended.returncode, ended.stdout) == (0, f"open {page} in a browser; it needs no network\n"), ended.stderr
    assert url in Strict(page.read_text()).seen
    for folder, said in ((corpus, "shard"), (tmp_path / "none", "does not exist")):
        ended = bateia("journey", url, "--in", folder, "--html", page)
        assert ended.returncode == 2 and said in ended.stderr and ended.stderr.count("\n") == 1


def test_reports_are_structs(shards: Path) -> None:
    report = follow(in_split(shards, "train")["url"], str(shards))
    assert isinstance(report, JourneyReport) and all(np.isfinite(d.value) for s in report.stops for d in s.dials)
