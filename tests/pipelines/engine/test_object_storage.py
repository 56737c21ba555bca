"""Outputs in an object store: the same bytes, few requests, one writer, and nothing left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pipelines.engine.output import StageOutput, abort_uploads
from pipelines.sample.build import SampleIndex
from schemas.faults import BadInput
from schemas.lease import STALE_S, WHOLE, Claim, claims, read_claim, release_all, take
from schemas.manifest import read_manifest
from schemas.storage import list_files, locate, open_read, read_json, remove, size_of, write_json, write_whole
from support.command import Call
from support.forked import FORKS
from support.object_store import Store, names_in_bucket, object_store, uploads_in_bucket
from support.outputs import hash_of
from transforms.units import Records

pytest.importorskip("moto", reason="the object store of these tests is moto's")


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    with object_store() as store:
        yield store


@pytest.fixture
def store(running: Store) -> Store:
    running.requests.clear()
    return running


def test_a_small_object_is_one_request(store: Store) -> None:
    write_json("s3://bucket/a/x.json", {"x": 1})
    assert [method for method, _ in store.requests] == ["PUT"]
    assert read_json("s3://bucket/a/x.json") == {"x": 1}
    assert locate("s3://bucket/a b%20c")[1] == "bucket/a b c"
    assert locate("s3://bucket/a")[0] is locate("s3://bucket/b")[0]


def test_an_object_of_known_size_is_read_by_one_request(store: Store) -> None:
    value = {"a": ['"', "\\", ", ", "\u2028\u0085", "\r\n\x01\x00", "", "ação"], "b": {}, "long": "x" * (3 << 20)}
    write_json("s3://bucket/known/x.json", value)
    for records in (Records("s3://bucket", "known"), Records("s3://bucket/", "known")):
        sizes = records.sizes()
        store.requests.clear()
        assert list(records.read_all(sizes)) == [value]
        assert [method for method, _ in store.requests] == ["GET"]
    write_json("s3://bucket/known/x.json", [])
    with pytest.raises((OSError, ValueError)):  # it was written anew since it was listed
        records.read("x", sizes["x"])


def test_what_is_discarded_is_never_sent(store: Store) -> None:
    with pytest.raises(RuntimeError), write_whole("s3://bucket/a/never") as file:
        file.write(b"x" * 100)
        raise RuntimeError
    assert store.requests == []
    assert size_of("s3://bucket/a/never") is None


@pytest.mark.slow
def test_curate_into_a_bucket(many: SampleIndex, bateia: Call, store: Store, tmp_path: Path) -> None:
    """A run breaks off, another one has the lease for a while, and a third goes on from there."""
    inputs = many.warc_files[:3]
    command = ("curate", "--recipe", "tiny", "--input", *inputs, "--quiet", "--output")
    assert bateia(*command, tmp_path / "o").returncode == 0
    with mock.patch("pipelines.stages.curate.run.finish", side_effect=OSError("gone")):
        assert bateia(*command, "s3://bucket/o").returncode == 1
    other = Claim(WHOLE, "there", "elsewhere", 1, "1", time.time(), "other", held=True)
    write_json(other.file("s3://bucket/o"), asdict(other))
    refused = bateia(*command, "s3://bucket/o")
    assert refused.returncode == 2 and "is being written by another run (process 1 on there" in refused.stderr
    locate("s3://bucket/o")[0].delete_file(locate(other.file("s3://bucket/o"))[1])
    store.requests.clear()
    assert bateia(*command, "s3://bucket/o").returncode == 0
    manifest = read_manifest("s3://bucket/o")
    assert manifest is not None and manifest.dataset_hash == hash_of(tmp_path / "o")
    requests = list(store.requests)  # what follows makes more
    record = list_files("s3://bucket/o/units")[0].rpartition("/")[2]
    left = [name for name in names_in_bucket() if name.startswith("o/")]
    assert {name for name in left if "/." in name or name.endswith("/")} <= {"o/"}  # the folder itself
    assert uploads_in_bucket() == []
    assert sum(record in path for _, path in requests) <= 1  # its record is read once, and its files not at all


ROUNDS = ("first", "second")


def contend(told: Any, begun: Any, ended: Any, environment: dict[str, str]) -> None:
    """A process that wants a lease when the others do, and keeps it until they have had their answer."""
    os.environ.update(environment)
    for name in ROUNDS:
        begun.wait(120)
        try:
            take(f"s3://bucket/{name}")
            told.put("held")
        except BadInput:
            told.put("refused")
        ended.wait(120)
        release_all()
        ended.wait(120)


@pytest.mark.slow
def test_of_many_that_begin_at_once_one_writes_at_most(store: Store) -> None:
    """A store lists what was written before, so of two runs the later one sees the other: no conditional write is
    needed, which not every store has."""
    told, begun, ended = FORKS.Queue(), FORKS.Barrier(4), FORKS.Barrier(4 + 1)
    runs = [FORKS.Process(target=contend, args=(told, begun, ended, dict(os.environ))) for _ in range(4)]
    for run in runs:
        run.start()
    held = 0
    for name in ROUNDS:
        results = [told.get(timeout=120) for _ in runs]
        assert results.count("held") <= 1
        held += results.count("held")
        ended.wait(120)
        ended.wait(120)
        assert claims(f"s3://bucket/{name}") == []
    assert held
    for run in runs:
        run.join()


def test_a_claim_that_goes_while_it_is_read_is_none(store: Store) -> None:
    """A store's client asks for its size and then for its bytes, and has no word for what goes in between."""
    claim = Claim(WHOLE, "there", "elsewhere", 1, "1", time.time(), "going", held=True)
    path = claim.file("s3://bucket/going")
    write_json(path, asdict(claim))

    def open_and_remove(path: str) -> Any:
        file = open_read(path)
        remove(path)
        return file

    with mock.patch("schemas.storage.open_read", open_and_remove), pytest.raises(OSError) as fault:
        read_json(path)
    assert not isinstance(fault.value, FileNotFoundError)
    write_json(path, asdict(claim))
    with mock.patch("schemas.storage.open_read", side_effect=[open_and_remove(path), FileNotFoundError]):
        assert read_claim(path) is None


def test_a_dead_one_s_lease_in_a_bucket_is_taken_over(store: Store) -> None:
    """Of another machine: it was not renewed for long, and is not renewed while one looks."""
    dead = Claim(WHOLE, "there", "elsewhere", 1, "1", time.time(), "dead", held=True)
    write_json(dead.file("s3://bucket/dead"), asdict(dead))
    with mock.patch("schemas.lease.time.sleep"), mock.patch("schemas.lease.age_s", return_value=STALE_S + 1):
        take("s3://bucket/dead")
    assert [claim.host == "there" for claim in claims("s3://bucket/dead")] == [False]
    release_all()


def test_uploads_that_a_killed_run_left_are_aborted(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Those below the output, when a run goes on there and when it ends; nobody else's."""
    import boto3  # pyright: ignore[reportMissingImports]

    client, output = boto3.client("s3"), StageOutput("s3://bucket/left/o", "curate", ("data",), (), {}, [])
    output.prepare(overwrite=False)
    release_all()
    for end in (lambda: output.prepare(overwrite=False), lambda: output.remove_strays(("data",), ())):
        for key in ("left/o/data/en/x.parquet", "left/o/plan.jsonl", "left/other/x.parquet"):
            client.create_multipart_upload(Bucket="bucket", Key=key)
        end()
        [other] = uploads_in_bucket()
        assert other["Key"] == "left/other/x.parquet"
        client.abort_multipart_upload(Bucket="bucket", Key=other["Key"], UploadId=other["UploadId"])
    with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}):
        abort_uploads("s3://bucket/left/o")
    assert capsys.readouterr().err.startswith("bateia: note: uploads that a killed run left in s3://bucket/left/o stay")


def test_a_lease_in_a_bucket(store: Store) -> None:
    take("s3://bucket/leased")
    [mine] = claims("s3://bucket/leased")
    assert mine.held
    release_all()
    assert claims("s3://bucket/leased") == []
