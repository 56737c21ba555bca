"""Records of parts added up by workers are what one process adds up, and hosts that become slices are counted whole."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest

from pipelines.engine.progress import Progress
from pipelines.engine.run import Execution, Phases
from pipelines.stages import part_totals, shard
from pipelines.stages.part_totals import add_up
from pipelines.stages.shard import ShardRun, add_up_shards, counts_of
from schemas.corpus_tally import CorpusTally
from transforms import totals
from transforms.encode import ShardTally
from transforms.units import Records

PARTS = [f"en/part-{number:05}" for number in range(12)]


def record_of(name: str, tally: dict[str, Any]) -> dict[str, Any]:
    files = [{"path": f"data/{name}.parquet", "rows": 1, "bytes": 2, "sha256": name}]
    return {"name": name, "tally": tally, "files": files, "timings": {"cpu_s": 0.5, "max_rss_mb": len(name)}}


def corpus_tally(number: int) -> dict[str, Any]:
    tally, pick = CorpusTally(), random.Random(number)
    for at in range(20):
        url = f"https://host{pick.randrange(9)}.example/{number}-{at}"
        row = {"id": f"<{number}-{at}>", "text": "x" * pick.randrange(1, 99), "url": url, "language": "en", "dump": "d"}
        tally.add_read(row, at % 3 > 0)
        if at % 3:
            tally.add_kept(row | {"cluster_size": 1 + at % 5, "token_count": 3})
        else:
            tally.add_removed(row, "near", "https://survivor.example/", False)
    return tally.to_json()


def shard_tally(number: int) -> dict[str, Any]:
    """Every part has a document of a host of its own, of a rare one, and of `often.example`."""
    pick = random.Random(number)
    sizes = {"documents": pick.randrange(1, 5), "tokens": pick.randrange(9, 99), "bytes": pick.randrange(99, 999)}
    hosts = {
        f"own{number}.example": sizes,
        f"rare{number % 3}.example": sizes,
        "often.example": sizes | {"documents": 9},
    }
    one = {"languages": {"en": sizes, f"l{number % 2}": sizes}, "dumps": {"d": sizes}, "lengths": {"3": number}}
    return {"train": {**one, "hosts": {}}, "val": {**one, "hosts": hosts}}


def records_in(folder: Path, tallies: Any) -> Records:
    records = Records(str(folder), "work/parts")
    for number, name in enumerate(PARTS):
        records.write(record_of(name, tallies(number)))
    return records


def by_groups(few: int) -> Any:
    return mock.patch.multiple(part_totals, FEW_PARTS=few, groups_of=groups_of_five)


def groups_of_five(units: dict[str, int]) -> list[totals.UnitGroup]:
    with mock.patch.multiple(totals, GROUP_UNITS=5, MOST_GROUPS=len(units)):
        return totals.groups_of(units)


@pytest.mark.slow
@pytest.mark.parametrize("nothing, tallies", [(CorpusTally, corpus_tally), (ShardTally.of_none, shard_tally)])
def test_workers_add_up_the_same(tmp_path: Path, nothing: Any, tallies: Any) -> None:
    records = records_in(tmp_path, tallies)
    with Progress(shown=False) as progress:
        phases = Phases(Execution(), progress, str(tmp_path))
        here = add_up(nothing(), records, PARTS, phases)
        assert not phases.timings
        with by_groups(few=4):
            grouped = add_up(nothing(), records, PARTS, phases)
    assert [timing.phase for timing in phases.timings] == ["add up"]
    assert grouped == here and here.tally != nothing()
    assert [file.sha256 for file in here.files] == PARTS and here.cpu_s == 6.0


def test_of_no_part_nothing_is_made(tmp_path: Path) -> None:
    with Progress(shown=False) as progress:
        made = add_up(CorpusTally(), Records(str(tmp_path), "w"), [], Phases(Execution(), progress, str(tmp_path)))
    assert made.tally == CorpusTally() and not made.files


@pytest.mark.slow
def test_hosts_that_become_slices_are_counted_whole_though_rare_ones_are_left_out(tmp_path: Path) -> None:
    records = records_in(tmp_path, shard_tally)
    run = cast(ShardRun, SimpleNamespace(records=records, parts=[SimpleNamespace(name=name) for name in PARTS]))
    with Progress(shown=False) as progress:
        phases = Phases(Execution(), progress, str(tmp_path))
        whole, hosts = add_up_shards(run, phases)
        assert not whole.tally.left_out
        with mock.patch.object(shard, "MERGED_HOSTS", 3), by_groups(few=4):
            bounded, found = add_up_shards(run, phases)
    assert bounded.tally.left_out and len(bounded.tally.val["hosts"]) <= 6
    assert found["often.example"] == hosts["often.example"] and found["often.example"]["documents"] == 9 * len(PARTS)
    assert all(hosts[host] == row for host, row in found.items())
    assert counts_of(bounded.tally, hosts) == counts_of(whole.tally, hosts)
