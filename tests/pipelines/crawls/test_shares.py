"""The requests a second to one host, divided among those that fetch at once: tasks of an array, an engine's workers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipelines.engine.run import Execution, share_of
from pipelines.engine.tasks import ArrayTask
from schemas.faults import BadInput
from support.command import Call
from support.crawl_files import CRAWL, SEGMENT
from support.crawl_server import serve_crawl
from support.outputs import hash_of
from transforms.steps.fetch.bucket import Bucket
from transforms.steps.fetch.fetcher import Fetcher
from transforms.steps.fetch.settings import FetchSettings, Share, fetch_settings


@pytest.mark.parametrize(
    ("execution", "share"),
    [
        (Execution(workers=4), Share()),  # they share this machine's bucket
        (Execution(workers=4, beam_args=("--direct_num_workers=2",)), Share()),
        (Execution(beam_args=("--runner=DirectRunner", "--parallelism=8")), Share()),
        (Execution(beam_args=("--runner=PrismRunner", "--environment_type=LOOPBACK")), Share()),
        (Execution(task=ArrayTask(3, 8)), Share(8, 3)),
        (Execution(beam_args=("--runner=FlinkRunner", "--parallelism=8")), Share(8)),
        (Execution(beam_args=("--runner", "DataflowRunner", "--max_num_workers", "50")), Share(50)),
        (Execution(workers=4, beam_args=("--runner=DataflowRunner",)), Share(known=False)),
    ],
)
def test_whose_share(execution: Execution, share: Share) -> None:
    assert share_of(execution) == share


@pytest.mark.parametrize(
    ("settings", "share", "rate", "line"),
    [
        ({}, Share(), 1.0, "1 at most"),
        ({}, Share(8), 1 / 8, "1 at most; each machine takes 0.125, one of 8 shares"),
        ({"requests_per_s": 6}, Share(3, 2), 2.0, "6 at most; this task takes 2, one of 3 shares"),
        ({"machines": 5}, Share(8, 2), 1 / 5, "1 at most; each machine takes 0.2, one of 5 shares"),
        ({"machines": 5}, Share(known=False), 1 / 5, "1 at most; each machine takes 0.2, one of 5 shares"),
        ({}, Share(known=False), 1.0, "1 at most for each machine; how many fetch is not known, so name their number "),
    ],
)
def test_the_rate_that_each_takes_is_said(settings: dict[str, int], share: Share, rate: float, line: str) -> None:
    shared = FetchSettings(contact="a@b.example", **settings).shared(share)  # type: ignore[arg-type]
    assert shared.own_requests_per_s == rate
    assert shared.politeness.removeprefix("requests a second to one host: ").startswith(line)
    assert shared.shared(share) == shared, "who divides again takes the same part"


def test_machines_may_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATEIA_MACHINES", "4")
    assert fetch_settings().shared(Share()).own_requests_per_s == 5000 / 4
    with pytest.raises(BadInput, match="--machines 0: give how many machines fetch"):
        FetchSettings(machines=0)


def test_tasks_on_one_machine_have_buckets_of_their_own(tmp_path: Path) -> None:
    buckets = [Bucket(share.bucket_of("h"), 1.0, tmp_path) for share in (Share(2, 1), Share(2, 2), Share(2))]
    began = time.monotonic()
    for bucket in buckets:
        bucket.take()
    assert time.monotonic() - began < 0.5
    assert Share(4).bucket_of("h") == Share().bucket_of("h"), "all workers of a machine have one"


def test_the_fetcher_keeps_to_its_share(crawl: Path) -> None:
    with serve_crawl(crawl) as server:
        fetcher = Fetcher(FetchSettings(requests_per_s=60).shared(Share(3, 1)))
        began = time.monotonic()
        for _ in range(4):
            fetcher.fetch(server.url + "collinfo.json", 0, 10, lambda _: None)
        assert time.monotonic() - began >= 3 / 20
    assert (fetcher.traffic.requests, fetcher.traffic.received) == (4, 40)


@pytest.mark.slow
def test_tasks_of_an_array(crawl: Path, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says its rate and keeps to it, planning too; together they give what one run gives."""
    monkeypatch.setenv("BATEIA_REQUESTS_PER_S", "8")
    words = ("curate", "--recipe", "tiny", "--unit-mb", "1", "--quiet")
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(crawl))
    assert bateia(*words, "--input", CRAWL, "--output", tmp_path / "local").returncode == 0
    with serve_crawl(crawl) as server:
        addresses = [f"{server.url}{SEGMENT}/{path.name}" for path in sorted((crawl / SEGMENT).iterdir())]
        command = (*words, "--input", *addresses, "--output", tmp_path / "o")
        for part in ("1/2", "2/2"):
            server.asked.clear()
            ended = bateia(*command, "--part", part)
            assert ended.returncode == 0, ended.stderr
            assert "8 at most; this task takes 4, one of 2 shares" in ended.stderr
            moments = [asked.moment for asked in server.asked]
            assert moments[3] - moments[0] > 2 / 4, "four looks of planning, a quarter of a second apart"
        assert bateia(*command, "--finish").returncode == 0
    assert hash_of(tmp_path / "o") == hash_of(tmp_path / "local")


@pytest.mark.slow
def test_a_task_has_its_own_parts_alone_done_again(
    crawl: Path, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another could not fetch is that one's to try: it may be at work."""
    monkeypatch.setattr("transforms.units.Records.read", None)  # to know what is to be tried no record is read
    with serve_crawl(crawl) as server:
        paths = sorted(f"{SEGMENT}/{path.name}" for path in (crawl / SEGMENT).iterdir())
        command = (
            "curate",
            "--recipe",
            "tiny",
            "--quiet",
            "--output",
            tmp_path / "o",
            "--input",
            server.url + paths[0],
        )
        command = (*command, server.url + paths[1])
        plan = "pipelines.stages.curate.plan.plan_units"
        with pytest.MonkeyPatch.context() as patch:
            from pipelines.engine.inputs import plan_units

            patch.setattr(plan, lambda *given: server.dead.update(paths[:2]) or plan_units(*given))
            for part in ("1/2", "2/2"):
                assert bateia(*command, "--part", part).returncode == 0
                server.dead.clear()
        marks = tmp_path / "o" / "units"
        assert len(list(marks.glob("*.incomplete"))) == len(list(marks.glob("*.json"))) == 2
        assert bateia(*command, "--part", "1/2").returncode == 0
        assert [path.stem[-14:-13] for path in marks.glob("*.incomplete")] == ["1"]
        assert len(list(marks.glob("*.json"))) == 2
        monkeypatch.undo()
        ended = bateia(*command, "--finish")
        assert ended.returncode == 0 and "1 part of the input could not be fetched" in ended.stdout
