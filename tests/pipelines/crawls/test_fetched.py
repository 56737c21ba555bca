"""Files on a server through `bateia curate`: every page arrives once, whatever the server does."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from bateia import ledger
from pipelines.engine import inputs
from support.command import Call, Start
from support.crawl_files import CRAWL, SEGMENT
from support.crawl_server import CrawlServer, serve_crawl
from support.outputs import hash_of
from transforms.steps.fetch.fetcher import Fetcher
from transforms.steps.fetch.settings import FetchSettings

LOOKS = (1 << 16, 1 << 20)  # bytes that planning asks for


def curate(bateia: Call, output: Path, *inputs: str, words: tuple[str, ...] = ()) -> str:
    given = ("--recipe", "tiny", "--input", *inputs, "--output", output, "--quiet", "--unit-mb", "1", *words)
    ended = bateia("curate", *given)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def names(crawl: Path) -> list[str]:
    return sorted(f"{SEGMENT}/{path.name}" for path in (crawl / SEGMENT).iterdir())


@pytest.fixture(scope="session")
def mirrored(crawl: Path, bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crawl, curated from a mirror's folder."""
    output = tmp_path_factory.mktemp("mirrored") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATEIA_COMMONCRAWL", str(crawl))
        curate(bateia, output, CRAWL)
    return output


@pytest.mark.slow
def test_a_crawl_by_its_name_gives_the_bytes_of_its_mirror_through_all_faults(
    crawl: Path, mirrored: Path, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_crawl(crawl, share=0.6, seed=12) as server:
        monkeypatch.setenv("BATEIA_COMMONCRAWL", server.url)
        curate(bateia, tmp_path / "out", CRAWL)
        assert len({asked.status for asked in server.asked}) >= 3, "faults of several kinds were met"
    assert hash_of(tmp_path / "out") == hash_of(mirrored)


@pytest.mark.slow
def test_what_a_dead_path_kept_back_is_tried_alone_by_the_same_command(
    crawl: Path, mirrored: Path, bateia: Call, tmp_path: Path
) -> None:
    second = names(crawl)[1]
    output = tmp_path / "out"
    with serve_crawl(crawl) as server:
        addresses = [server.url + name for name in names(crawl)]
        planned = curate_until_dead(server, second, bateia, output, addresses)
        told = curate(bateia, output, *addresses)
        assert "1 part of the input could not be fetched" in planned, planned
        assert "could not be fetched" not in told, told
        fetched = {asked.path for asked in server.asked if asked.stop is None or asked.stop - asked.start not in LOOKS}
        assert fetched == {second}, "planning looks at all files, and the rest is of this one"
        assert hash_of(output) == hash_of(mirrored)


def curate_until_dead(server: CrawlServer, path: str, bateia: Call, output: Path, addresses: list[str]) -> str:
    """A run during which a path dies once it was looked at; then it lives again, and what was asked is forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        plan = inputs.plan_units

        def and_die(*given: object) -> object:
            server.dead.add(path)
            return plan(*given)  # type: ignore[arg-type]

        patch.setattr("pipelines.stages.curate.plan.plan_units", and_die)
        told = curate(bateia, output, *addresses)
    rows = ledger(str(output)).to_table().to_pylist()
    [lost] = [row for row in rows if row["reason"] == "not_fetched"]
    assert (lost["warc_file"], lost["fate"]) == (path, "unreadable") and "503" in lost["detail"]
    server.dead.clear()
    server.asked.clear()
    return told


@pytest.mark.slow
def test_a_dead_host_ends_the_run_and_the_same_command_goes_on(
    crawl: Path, mirrored: Path, bateia: Call, tmp_path: Path
) -> None:
    """Once it was looked at it gives nothing more: after a few parts in a row the others are not asked for."""
    with serve_crawl(crawl) as server:
        addresses = [server.url + name for name in names(crawl)]
        words = ("--recipe", "tiny", "--output", tmp_path / "o", "--quiet", "--unit-mb", "1", "--input", *addresses)
        with pytest.MonkeyPatch.context() as patch:
            plan = inputs.plan_units
            dying = "pipelines.stages.curate.plan.plan_units"
            patch.setattr(dying, lambda *given: server.dead.update(names(crawl)) or plan(*given))
            patch.setattr("transforms.steps.fetch.fetcher.MAX_LOST", 2)
            ended = bateia("curate", *words)
        assert ended.returncode == 1 and "503 Service Unavailable; 8 attempts in a row" in ended.stderr, ended.stderr
        assert "The same command goes on from there" in ended.stderr
        assert len({asked.path for asked in server.asked if asked.status == 503}) == 2
        server.dead.clear()
        curate(bateia, tmp_path / "o", *addresses)
    assert hash_of(tmp_path / "o") == hash_of(mirrored)


@pytest.mark.slow
@pytest.mark.kill
def test_what_was_finished_before_a_kill_is_not_fetched_again(
    crawl: Path, mirrored: Path, bateia: Call, bateia_process: Start, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    with serve_crawl(crawl) as server:
        addresses = [server.url + name for name in names(crawl)]
        words = ("--recipe", "tiny", "--input", *addresses, "--output", output, "--quiet", "--unit-mb", "1")
        process = bateia_process("curate", *words, BATEIA_REQUESTS_PER_S="5000")
        deadline = time.monotonic() + 120
        while not list(output.glob("units/*.json")) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        finished = {path.stem for path in output.glob("units/*.json")}
        assert finished
        server.asked.clear()
        curate(bateia, output, *addresses)
        spans = [asked for asked in server.asked if asked.stop is None or asked.stop - asked.start not in LOOKS]
        names_again = {asked.path.rpartition("/")[2].removesuffix(".warc.gz") for asked in spans}
        assert not names_again & {name.rpartition("-")[0] for name in finished}, "only planning looked at it"
    assert hash_of(output) == hash_of(mirrored)


def test_requests_a_second_stay_under_the_setting(crawl: Path) -> None:
    with serve_crawl(crawl, share=0.3, seed=2) as server:
        fetcher, began = Fetcher(FetchSettings(requests_per_s=25)), time.monotonic()
        for _ in range(6):
            fetcher.fetch(server.url + "collinfo.json", 0, 10, lambda _: None)
        assert len(server.asked) > 6, "attempts count as well"
        assert time.monotonic() - began >= (len(server.asked) - 1) / 25


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("CC-MAIN-2024-34", "no crawl is called CC-MAIN-2024-34 .*; the nearest are CC-MAIN-2024-33, CC-MAIN-2024-30"),
        ("CC-MAIN-2024-33/wet", "CC-MAIN-2024-33 has no wet.paths.gz where its files lie"),
        ("CC-MAIN-2024-33[x]", r"\[x\] means nothing; write \[:20\], \[5:20\] or \[sample=20,seed=1\]"),
        ("CC-MAIN-2024-33[7:]", "has 4 warc files, and none of them is asked for"),
        ("{}nowhere.warc.gz", "input .*nowhere.warc.gz does not exist"),
        ("http://127.0.0.1:9/x.warc.gz", "can't be fetched .*refused.*check the network .*BATEIA_COMMONCRAWL"),
        ("{}collinfo.json", "is no file of JSON lines"),
    ],
)
def test_bad_input_is_one_line(
    crawl: Path, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, message: str
) -> None:
    with serve_crawl(crawl) as server:
        monkeypatch.setenv("BATEIA_COMMONCRAWL", server.url)
        words = ("--recipe", "tiny", "--input", pattern.format(server.url), "--output", tmp_path / "o")
        ended = bateia("curate", *words)
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1
    assert re.search(message, ended.stderr), ended.stderr
    assert not (tmp_path / "o").exists()


def test_no_network_says_what_was_tried_and_how_to_go_on(
    bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATEIA_COMMONCRAWL", "http://127.0.0.1:9")
    ended = bateia("curate", "--recipe", "tiny", "--input", CRAWL, "--output", tmp_path / "o")
    assert ended.returncode == 2
    assert "http://127.0.0.1:9/crawl-data/CC-MAIN-2024-33/warc.paths.gz can't be fetched" in ended.stderr
    assert "set BATEIA_COMMONCRAWL to s3://commoncrawl or to a mirror's folder" in ended.stderr
