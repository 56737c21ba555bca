"""Byte ranges through every fault that a server has, politely, and never for ever."""

from __future__ import annotations

import errno
import io
import multiprocessing
import pickle
import random
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas.faults import BadInput
from support.crawl_server import FAULTS, CrawlServer, serve_crawl
from transforms.steps.fetch.bucket import Bucket
from transforms.steps.fetch.cache import Cache
from transforms.steps.fetch.faults import Changed, HostDown, NotFetched
from transforms.steps.fetch.fetcher import Fetcher, retry_after
from transforms.steps.fetch.files import RemoteFile, address_of, fetch_bytes, open_input, state_of
from transforms.steps.fetch.settings import FetchSettings, fetch_settings

DATA = random.Random(7).randbytes(3_000_000)
FAST = FetchSettings(requests_per_s=10_000, backoff_s=0.001, timeout_s=5.0, attempts=8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "x.bin").write_bytes(DATA)
    return tmp_path / "files"


def fetched(server: CrawlServer, start: int = 0, stop: int | None = None, settings: FetchSettings = FAST) -> bytes:
    held = bytearray()
    Fetcher(settings).fetch(server.url + "x.bin", start, stop, held.extend)
    return bytes(held)


@pytest.mark.parametrize("fault", FAULTS)
def test_bytes_arrive_once_through_each_fault(root: Path, fault: str) -> None:
    with serve_crawl(root, share=0.5, faults=(fault,), seed=3) as server:
        for start, stop in ((0, None), (0, 5), (100, 2_000_000), (2_999_990, 3_000_500)):
            assert fetched(server, start, stop) == DATA[start:stop]
        statuses = {asked.status for asked in server.asked}
        assert statuses - {200, 206} or fault in ("slow", "wrong range"), "the fault was met"


def test_a_body_that_is_cut_goes_on_from_its_last_good_byte(root: Path) -> None:
    with serve_crawl(root, share=0.7, faults=("cut",), seed=5) as server:
        assert fetched(server) == DATA
        cut = [asked for asked in server.asked if asked.status == 0]
        assert cut
        for before, after in pairwise(server.asked):
            assert after.start == before.start + before.sent
        assert sum(asked.sent for asked in server.asked) == len(DATA), "nothing is sent twice"


def test_a_server_that_knows_no_ranges_is_read_from_its_start(root: Path) -> None:
    with serve_crawl(root, ranges=False) as server:
        assert fetched(server, 1000, 2000) == DATA[1000:2000]


def test_attempts_end(root: Path) -> None:
    with serve_crawl(root, dead={"x.bin"}) as server:
        with pytest.raises(NotFetched, match=r"503 Service Unavailable; 8 attempts in a row") as caught:
            fetched(server)
        assert len(server.asked) == 8 and not caught.value.lasting
        assert pickle.loads(pickle.dumps(caught.value)).what == caught.value.what  # noqa: S301 - as workers send it


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["dripping head", "dripping body", "trickle 25000"])
def test_a_server_that_keeps_its_clients_is_left(root: Path, fault: str) -> None:
    """Each read brings something in time; what takes too long is the whole: headers, 64 kB, the body."""
    settings = FetchSettings(requests_per_s=10_000, backoff_s=0.001, timeout_s=0.3, attempts=1)
    with serve_crawl(root, share=1.0, faults=(fault,)) as server, pytest.raises(NotFetched, match="1 attempts in a"):
        fetched(server, settings=settings)
    assert server.dripped < server.drips, "the client was gone before the end"


def test_a_host_that_gives_nothing_is_down(root: Path) -> None:
    """After five ranges in a row; one that came begins the count anew."""
    fetcher = Fetcher(FetchSettings(requests_per_s=10_000, backoff_s=0.001, attempts=1))

    def lost(url: str) -> type[NotFetched]:
        with pytest.raises(NotFetched) as caught:
            fetcher.fetch(url, 0, 5, lambda _: None)
        return caught.type

    with serve_crawl(root, dead={"dead.bin"}) as server:
        assert [lost(server.url + "dead.bin") for _ in range(4)] == [NotFetched] * 4
        fetcher.fetch(server.url + "x.bin", 0, 5, lambda _: None)
        assert [lost(server.url + "dead.bin") for _ in range(5)] == [NotFetched] * 4 + [HostDown]


def test_a_body_of_another_file_does_not_go_on_from_a_cut(root: Path) -> None:
    with serve_crawl(root, share=1.0, faults=("cut",), seed=5) as server:
        held = bytearray()

        def change(piece: bytes) -> None:
            held.extend(piece)
            (root / "x.bin").write_bytes(DATA[::-1])

        with pytest.raises(Changed, match="changed on the server"):
            Fetcher(FAST).fetch(server.url + "x.bin", 0, None, change)
        assert bytes(held) == DATA[: len(held)], "not a byte of the other"


def test_what_is_not_there_is_asked_for_once(root: Path) -> None:
    with serve_crawl(root) as server:
        with pytest.raises(NotFetched, match="404 Not Found") as caught:
            Fetcher(FAST).fetch(server.url + "absent", 0, None, lambda _: None)
        assert caught.value.lasting and len(server.asked) == 1
        assert state_of(server.url + "absent", FAST) is None


def test_nobody_at_home() -> None:
    settings = FetchSettings(requests_per_s=1e4, backoff_s=0.001, attempts=2)
    with pytest.raises(NotFetched, match="refused; 2 attempts"):
        Fetcher(settings).fetch("http://127.0.0.1:9/x", 0, None, lambda _: None)


def test_a_file_that_changes_is_no_longer_the_one_that_was_meant(root: Path) -> None:
    with serve_crawl(root) as server:
        file = RemoteFile(Fetcher(FAST), server.url + "x.bin")
        assert file.read(4) == DATA[:4]
        (root / "x.bin").write_bytes(DATA[::-1])
        file.seek(2_500_000)
        with pytest.raises(Changed, match="changed on the server"):
            file.read(4)


def test_requests_of_many_processes_stay_under_the_bucket(root: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=take_five, args=(tmp_path / "shared",)) for _ in range(3)]
    (tmp_path / "shared").mkdir()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert time.monotonic() - began >= 14 / 50


def take_five(folder: Path) -> None:
    bucket = Bucket("host.example", 50.0, folder)
    for _ in range(5):
        bucket.take()


def test_a_host_that_asks_to_wait_is_left_alone_by_all(tmp_path: Path) -> None:
    one, other = Bucket("h", 1e6, tmp_path), Bucket("h", 1e6, tmp_path)
    one.hold(0.2)
    began = time.monotonic()
    other.take()
    assert time.monotonic() - began > 0.15


def test_long_waits_are_said_and_short_ones_not(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("transforms.steps.fetch.fetcher.time.sleep", waited.append)
    settings = FetchSettings(requests_per_s=1e9, backoff_s=1.0, attempts=6)
    with serve_crawl(root) as server, pytest.raises(NotFetched):
        server.dead.add("x.bin")
        fetched(server, settings=settings)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bateia: ")]
    assert len(said) == sum(wait >= 4 for wait in waited) > 0 and len(waited) > len(said)
    assert said[-1].startswith("bateia: 127.0.0.1:") and "503 Service Unavailable); attempt 6 of 6 in " in said[-1]


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("-1", None)])
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_a_remote_file_reads_like_a_local_one(root: Path) -> None:
    draws = random.Random(2)
    with serve_crawl(root, share=0.2, seed=9) as server, open_input(server.url + "x.bin", FAST) as file:
        assert isinstance(file, RemoteFile) and file.size == len(DATA)
        file.hold(100_000, 1_400_000)
        held = len(server.asked)
        file.seek(100_000)
        assert file.read(1_000_000) == DATA[100_000:1_100_000]
        assert len(server.asked) == held, "what was fetched ahead needs no other request"
        for _ in range(20):
            start, length = draws.randrange(len(DATA)), draws.randrange(300_000)
            file.seek(start)
            data = file.read(length)
            assert data and data == DATA[start : start + len(data)]
        file.seek(-3, io.SEEK_END)
        assert file.read() == DATA[-3:] and file.read(5) == b""


def test_the_cache_saves_requests_and_stays_in_its_limit(root: Path, tmp_path: Path) -> None:
    settings = FetchSettings(requests_per_s=1e4, cache=str(tmp_path / "cache"), cache_gb=0.001)
    with serve_crawl(root) as server:
        for _ in range(2):
            with open_input(server.url + "x.bin", settings) as file:
                assert isinstance(file, RemoteFile) and file.size
                file.hold(0, 600_000)
                assert file.read(600_000) == DATA[:600_000]
        assert [asked.stop for asked in server.asked].count(600_000) == 1
        with open_input(server.url + "x.bin", settings) as file:
            assert isinstance(file, RemoteFile) and file.size
            file.hold(600_000, 1_300_000)
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) == 700_000


def test_a_full_disk_costs_the_copy_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("transforms.steps.fetch.cache.shutil.copyfileobj", full)
    Cache(str(tmp_path / "c"), 10**6).keep("http://a.example/", '"1"', 0, 5, io.BytesIO(b"12345"))
    assert list((tmp_path / "c").iterdir()) == []
    assert "keeps nothing more (No space left on device)" in capsys.readouterr().err


def test_the_agent_names_whom_to_write_to(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATEIA_CONTACT", "crawl@example.org")
    monkeypatch.setenv("BATEIA_REQUESTS_PER_S", "9999")
    with serve_crawl(root) as server:
        assert fetch_bytes(server.url + "x.bin", fetch_settings(), len(DATA)) == DATA
        assert {asked.agent for asked in server.asked} == {"bateia (crawl@example.org)"}
        with pytest.raises(BadInput, match="more than 10 bytes"):
            fetch_bytes(server.url + "x.bin", fetch_settings(), 10)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"requests_per_s": 0}, "--requests-per-s 0: give a number above 0"),
        ({"attempts": 0}, "--attempts 0"),
        ({"contact": "a\r\nX: y"}, "--contact"),
    ],
)
def test_settings_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        FetchSettings(**values)


def test_a_setting_in_the_environment_that_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATEIA_CACHE_GB", "many")
    with pytest.raises(BadInput, match=r"\$BATEIA_CACHE_GB is 'many'"):
        fetch_settings()


def test_addresses_of_hugging_face(monkeypatch: pytest.MonkeyPatch) -> None:
    assert address_of("hf://datasets/o/n@v1/data/a b.parquet") == (
        "https://huggingface.co/datasets/o/n/resolve/v1/data/a%20b.parquet"
    )
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example/")
    assert address_of("hf://datasets/o/n/x.jsonl") == "http://mirror.example/datasets/o/n/resolve/main/x.jsonl"
    with pytest.raises(BadInput, match="hf://datasets/OWNER/NAME/FILE"):
        address_of("hf://models/o/n")
