"""Leases by conditional writes: of runs that begin in the same moment exactly one goes on, in a store of S3's kind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from unittest import mock

import pytest

from pipelines.engine.objects import Objects, take_lease
from schemas import lease
from schemas.faults import BadInput
from schemas.lease import WHOLE, Claim, Put, claims, contend, holding, process_space, release_all, take
from schemas.storage import size_of
from support.object_store import Store, object_store
from support.paths import ROOT
from transforms.run_units import is_held

pytest.importorskip("moto", reason="the object store of these tests is moto's")

RACER = """
import sys
import time
from pipelines.engine.objects import Objects
from schemas.faults import BadInput
from schemas.lease import release_all, take

store = Objects()
for line in sys.stdin:
    folder, start = line.split()
    time.sleep(max(float(start) - time.time(), 0))
    try:
        take(folder, store=store)
        print("held", flush=True)
    except BadInput:
        print("refused", flush=True)
    sys.stdin.readline()
    release_all()
    print("released", flush=True)
"""
Race = Callable[[str], list[str]]
ROUNDS = int(os.environ.get("BATEIA_RACES", "20"))


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    with object_store() as store:
        yield store


@pytest.fixture
def store(running: Store) -> Iterator[Store]:
    running.requests.clear()
    yield running
    running.conditions = "heeded"
    release_all()


@pytest.fixture(scope="module")
def race(running: Store) -> Iterator[Race]:
    """Two processes that want a folder's lease in the same moment: what became of them, once both have ended."""
    start = [sys.executable, "-c", RACER]
    racers = [
        subprocess.Popen(start, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]

    def tell(line: str) -> list[str]:
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(f"{line}\n")
            racer.stdin.flush()
        return [racer.stdout.readline().strip() for racer in racers if racer.stdout is not None]

    def run(folder: str) -> list[str]:
        told = tell(f"{folder} {time.time() + 0.02}")
        assert tell("") == ["released", "released"]
        return sorted(told)

    tell(f"s3://bucket/warm {time.time()}")
    tell("")
    yield run
    for racer in racers:
        racer.communicate()


def dead(**values: object) -> Claim:
    """Of a process that has ended, under the one name."""
    claim = Claim(WHOLE, "here", process_space(), 2**22 + 1, "7", time.time(), "dead", held=True, alone=True)
    return replace(claim, **values)  # pyright: ignore[reportArgumentType]


def put(folder: str, claim: Claim) -> Put:
    version = Objects().create(claim.file(folder), claim.encoded)
    assert version is not None
    return Put(folder, claim, Objects(), version)


@pytest.mark.slow
@pytest.mark.parametrize("before", ["nothing", "a dead one's lease"])
def test_of_two_that_begin_at_once_exactly_one_writes(store: Store, race: Race, before: str) -> None:
    for number in range(ROUNDS):
        folder = f"s3://bucket/{before[0]}{number}"
        if before != "nothing":
            put(folder, dead())
        assert race(folder) == ["held", "refused"], number
        assert claims(folder) == []


def test_what_another_one_took_over_meanwhile_is_not_taken_over(store: Store) -> None:
    folder = "s3://bucket/meanwhile"
    put(folder, dead())
    living = dead(pid=os.getpid(), started=lease.process_start(os.getpid()), token="faster")

    class Meanwhile(Objects):
        def replace(self, path: str, data: bytes, version: str) -> str | None:
            if not (there := self.read(path)) or b"faster" not in there[0]:
                assert super().replace(path, living.encoded, version) is not None
            return super().replace(path, data, version)

    with pytest.raises(BadInput, match="another run"):
        take(folder, store=Meanwhile())
    assert [claim.token for claim in claims(folder)] == ["faster"]


def test_a_living_one_refuses_a_second_run(store: Store) -> None:
    put("s3://bucket/living", dead(pid=os.getpid(), started=lease.process_start(os.getpid())))
    with pytest.raises(BadInput, match=rf"is being written by another run \(process {os.getpid()} on here"):
        take_lease("s3://bucket/living")
    assert [claim.token for claim in claims("s3://bucket/living")] == ["dead"]


def test_whose_lease_was_taken_over_neither_renews_nor_removes_it(store: Store) -> None:
    lost = put("s3://bucket/over", dead())
    take_lease("s3://bucket/over")
    held = holding("s3://bucket/over")
    assert held is not None and held.path == lost.path
    assert not lost.write(beats=1)
    lost.withdraw()
    assert [claim.pid for claim in claims("s3://bucket/over")] == [os.getpid()]
    assert not is_held(lost.path, lost.claim.token) and is_held(held.path, held.claim.token)
    release_all()
    assert claims("s3://bucket/over") == [] and not is_held(held.path, held.claim.token)


def test_what_is_written_anew_under_a_lease_keeps_it(store: Store) -> None:
    take_lease("s3://bucket/anew")
    held = holding("s3://bucket/anew")
    assert held is not None
    for number in range(3):
        held.note_job({"id": str(number)})
    assert [claim.job for claim in claims("s3://bucket/anew")] == [{"id": "2"}]


def test_parts_are_written_side_by_side(store: Store) -> None:
    """They have names of their own; a run of the whole sees them in its listing."""
    living = dead(pid=os.getpid(), started=lease.process_start(os.getpid()))
    put("s3://bucket/parts", replace(living, part="1-of-2"))
    take_lease("s3://bucket/parts", "2-of-2")
    release_all()
    for part in ("1-of-2", WHOLE):
        with pytest.raises(BadInput, match="another run"):
            take_lease("s3://bucket/parts", part)
    assert [claim.part for claim in claims("s3://bucket/parts")] == ["1-of-2"]


@pytest.mark.parametrize("first", ["conditional", "listed"])
def test_runs_with_and_without_conditions_see_each_other(store: Store, first: str) -> None:
    folder = f"s3://bucket/{first}"
    living = dead(pid=os.getpid(), started=lease.process_start(os.getpid()))
    if first == "conditional":
        put(folder, living)
    else:
        lease.write_json(replace(living, alone=False).file(folder), lease.asdict(replace(living, alone=False)))
    with pytest.raises(BadInput, match="another run"):
        take(folder, store=None if first == "conditional" else Objects())
    assert [claim.token for claim in claims(folder)] == ["dead"]


def test_a_request_whose_answer_was_lost_is_not_another_run_s(store: Store) -> None:
    """The client sends it again, and the store refuses what it has done itself."""
    objects = Objects()
    version = objects.create("s3://bucket/lost", b"mine")
    assert version is not None and objects.create("s3://bucket/lost", b"mine") == version
    anew = objects.replace("s3://bucket/lost", b"anew", version)
    assert anew is not None and objects.replace("s3://bucket/lost", b"anew", version) == anew
    assert objects.create("s3://bucket/lost", b"other") is None
    assert objects.replace("s3://bucket/lost", b"other", version) is None
    assert objects.replace("s3://bucket/none", b"other", version) is None
    assert objects.read("s3://bucket/lost") == (b"anew", anew)


def test_one_that_begins_is_waited_for(store: Store) -> None:
    """Its claim lives and is not held yet, so that it may still give way; the last attempt is refused."""
    living = dead(pid=os.getpid(), started=lease.process_start(os.getpid()), held=False)
    put("s3://bucket/begins", living)
    mine = replace(living, token="mine")
    assert not contend("s3://bucket/begins", mine, False, None, Objects())
    with pytest.raises(BadInput, match="another run"):
        contend("s3://bucket/begins", mine, True, None, Objects())


@pytest.mark.parametrize(
    ("conditions", "told"), [("unknown", "the store knows none"), ("ignored", "the store ignores them")]
)
def test_a_store_without_conditions_leases_by_listings(
    store: Store, capsys: pytest.CaptureFixture[str], conditions: str, told: str
) -> None:
    store.conditions = conditions
    folder = f"s3://bucket/{conditions}"
    take_lease(folder)
    err = capsys.readouterr().err
    assert err.startswith(f"bateia: note: {folder} is leased without conditional writes ({told}); ")
    assert err.count("\n") == 1
    held = holding(folder)
    assert held is not None and not held.claim.alone and size_of(held.path)
    other = replace(held.claim, token="other", held=False)
    with pytest.raises(BadInput, match="another run"):
        contend(folder, other, True, None, None)
    release_all()
    assert claims(folder) == []


def test_without_boto3_it_leases_by_listings(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch.dict(sys.modules, {"botocore.config": None}):
        take_lease("s3://bucket/plain")
    assert "(boto3 is not installed)" in capsys.readouterr().err
    assert [claim.alone for claim in claims("s3://bucket/plain")] == [False]


def test_a_store_that_is_away_is_an_error_of_the_file_system(store: Store) -> None:
    with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}):
        objects = Objects()
        with pytest.raises(OSError, match="s3://bucket/x: "):
            objects.create("s3://bucket/x", b"")
