"""Leases by conditional writes: of runs that begin in the same moment exactly one goes on, in a store of S3's kind and
in Google's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from pipelines.engine.stores.leases import conditional_objects, take_lease
from pipelines.engine.stores.objects import Objects
from schemas import lease
from schemas.faults import BadInput
from schemas.lease import WHOLE, Claim, Put, claims, contend, holding, process_space, release_all, take
from support.gcs import google_storage
from support.object_store import object_store
from support.paths import ROOT
from transforms.run_units import is_held

RACER = """
import sys
import time
from pipelines.engine.stores.leases import conditional_objects
from schemas.faults import BadInput
from schemas.lease import release_all, take

store = conditional_objects(sys.argv[1])
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


@dataclass(frozen=True)
class Place:
    """A store that is asked from this process and from those that it starts."""

    bucket: str

    def objects(self) -> Objects:
        found = conditional_objects(self.bucket)
        assert found is not None
        return found

    def put(self, folder: str, claim: Claim) -> Put:
        objects = self.objects()
        version = objects.create(claim.file(folder), claim.encoded)
        assert version is not None
        return Put(folder, claim, objects, version)


@pytest.fixture(scope="module", params=["s3", "gs"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if request.param == "gs":
        with google_storage(tmp_path_factory.mktemp("empty")):
            yield Place("gs://anonymous@bucket")
    else:
        pytest.importorskip("moto", reason="the object store of these tests is moto's")
        with object_store():
            yield Place("s3://bucket")


@pytest.fixture
def place(running: Place) -> Iterator[Place]:
    yield running
    release_all()


@pytest.fixture(scope="module")
def race(running: Place) -> Iterator[Race]:
    """Two processes that want a folder's lease in the same moment: what became of them, once both have ended."""
    start = [sys.executable, "-c", RACER, running.bucket]
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

    tell(f"{running.bucket}/warm {time.time()}")
    tell("")
    yield run
    for racer in racers:
        racer.communicate()


def dead(**values: object) -> Claim:
    """Of a process that has ended, under the one name."""
    claim = Claim(WHOLE, "here", process_space(), 2**22 + 1, "7", time.time(), "dead", held=True, alone=True)
    return replace(claim, **values)  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
@pytest.mark.parametrize("before", ["nothing", "a dead one's lease"])
def test_of_two_that_begin_at_once_exactly_one_writes(place: Place, race: Race, before: str) -> None:
    for number in range(ROUNDS):
        folder = f"{place.bucket}/{before[0]}{number}"
        if before != "nothing":
            place.put(folder, dead())
        assert race(folder) == ["held", "refused"], number
        assert claims(folder) == []


def test_what_another_one_took_over_meanwhile_is_not_taken_over(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = f"{place.bucket}/meanwhile"
    place.put(folder, dead())
    living = dead(pid=os.getpid(), started=lease.process_start(os.getpid()), token="faster")

    objects = place.objects()
    write = objects.replace

    def meanwhile(path: str, data: bytes, version: str) -> str | None:
        if not (there := objects.read(path)) or b"faster" not in there[0]:
            assert write(path, living.encoded, version) is not None
        return write(path, data, version)

    monkeypatch.setattr(objects, "replace", meanwhile)
    with pytest.raises(BadInput, match="another run"):
        take(folder, store=objects)
    assert [claim.token for claim in claims(folder)] == ["faster"]


def test_a_living_one_refuses_a_second_run(place: Place) -> None:
    place.put(f"{place.bucket}/living", dead(pid=os.getpid(), started=lease.process_start(os.getpid())))
    with pytest.raises(BadInput, match=rf"is being written by another run \(process {os.getpid()} on here"):
        take_lease(f"{place.bucket}/living")
    assert [claim.token for claim in claims(f"{place.bucket}/living")] == ["dead"]


def test_whose_lease_was_taken_over_neither_renews_nor_removes_it(place: Place) -> None:
    lost = place.put(f"{place.bucket}/over", dead())
    take_lease(f"{place.bucket}/over")
    held = holding(f"{place.bucket}/over")
    assert held is not None and held.path == lost.path
    assert not lost.write(beats=1)
    lost.withdraw()
    assert [claim.pid for claim in claims(f"{place.bucket}/over")] == [os.getpid()]
    assert not is_held(lost.path, lost.claim.token) and is_held(held.path, held.claim.token)
    release_all()
    assert claims(f"{place.bucket}/over") == [] and not is_held(held.path, held.claim.token)


def test_what_is_written_anew_under_a_lease_keeps_it(place: Place) -> None:
    take_lease(f"{place.bucket}/anew")
    held = holding(f"{place.bucket}/anew")
    assert held is not None
    for number in range(3):
        held.note_job({"id": str(number)})
    assert [claim.job for claim in claims(f"{place.bucket}/anew")] == [{"id": "2"}]


def test_parts_are_written_side_by_side(place: Place) -> None:
    """They have names of their own; a run of the whole sees them in its listing."""
    living = dead(pid=os.getpid(), started=lease.process_start(os.getpid()))
    place.put(f"{place.bucket}/parts", replace(living, part="1-of-2"))
    take_lease(f"{place.bucket}/parts", "2-of-2")
    release_all()
    for part in ("1-of-2", WHOLE):
        with pytest.raises(BadInput, match="another run"):
            take_lease(f"{place.bucket}/parts", part)
    assert [claim.part for claim in claims(f"{place.bucket}/parts")] == ["1-of-2"]


@pytest.mark.parametrize("first", ["conditional", "listed"])
def test_runs_with_and_without_conditions_see_each_other(place: Place, first: str) -> None:
    folder = f"{place.bucket}/{first}"
    living = dead(pid=os.getpid(), started=lease.process_start(os.getpid()))
    if first == "conditional":
        place.put(folder, living)
    else:
        lease.write_json(replace(living, alone=False).file(folder), lease.asdict(replace(living, alone=False)))
    with pytest.raises(BadInput, match="another run"):
        take(folder, store=None if first == "conditional" else place.objects())
    assert [claim.token for claim in claims(folder)] == ["dead"]


def test_a_request_whose_answer_was_lost_is_not_another_run_s(place: Place) -> None:
    """The client sends it again, and the store refuses what it has done itself."""
    objects = place.objects()
    version = objects.create(f"{place.bucket}/lost", b"mine")
    assert version is not None and objects.create(f"{place.bucket}/lost", b"mine") == version
    anew = objects.replace(f"{place.bucket}/lost", b"anew", version)
    assert anew is not None and objects.replace(f"{place.bucket}/lost", b"anew", version) == anew
    assert objects.create(f"{place.bucket}/lost", b"other") is None
    assert objects.replace(f"{place.bucket}/lost", b"other", version) is None
    assert objects.replace(f"{place.bucket}/none", b"other", version) is None
    assert objects.read(f"{place.bucket}/lost") == (b"anew", anew)


def test_one_that_begins_is_waited_for(place: Place) -> None:
    """Its claim lives and is not held yet, so that it may still give way; the last attempt is refused."""
    living = dead(pid=os.getpid(), started=lease.process_start(os.getpid()), held=False)
    place.put(f"{place.bucket}/begins", living)
    mine = replace(living, token="mine")
    assert not contend(f"{place.bucket}/begins", mine, False, None, place.objects())
    with pytest.raises(BadInput, match="another run"):
        contend(f"{place.bucket}/begins", mine, True, None, place.objects())
