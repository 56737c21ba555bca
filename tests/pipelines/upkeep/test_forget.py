"""`bateia forget`: the pages are gone, nothing else has changed, and no interruption leaves anything half-done."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.lineage import urls
from pipelines.upkeep import forget as forget_module
from pipelines.upkeep import forget_shards, verify_files
from pipelines.upkeep.forget_request import next_name
from schemas import storage
from schemas.manifest import read_manifest
from schemas.shards.layout import read_plan, read_shards, tokens_path
from schemas.shards.tombstones import read_tombstones
from support.forked import forked_workers
from trainer.data.batches import PlanReader

Call = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Rows = Callable[..., list[dict[str, Any]]]
PLANS = ("fit", "half", "main", "mixed", "twice")


def digests(folder: Path) -> dict[str, str]:
    """Of all files, hidden ones too."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def times(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def chosen(small_shards: Path, documents_in: Rows) -> list[dict[str, Any]]:
    """Documents of two shards that train and of one that validates, some beside each other."""
    train, val = documents_in(small_shards), documents_in(small_shards, "val")
    first = [row for row in train if row["shard"] == 0]
    third = [row for row in train if row["shard"] == 2]
    return [*first[3:6], first[0], third[-1], [row for row in val if row["shard"] == 1][2]]


def with_two_plans(shards: Path) -> Path:
    for name in ("half", "mixed", "twice"):
        shutil.rmtree(shards / "plan" / name)
    return shards


@pytest.fixture
def smaller(copied: Path) -> Path:
    return with_two_plans(copied)


@pytest.fixture
def url_list(chosen: list[dict[str, Any]], tmp_path: Path) -> Path:
    path = tmp_path / "urls"
    path.write_text("\n".join(["# asked for by mail", *(row["url"] for row in chosen)]) + "\n\n")
    return path


@pytest.fixture
def forget(bateia: Call, url_list: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(shards: Path, *options: object, urls: Path = url_list) -> subprocess.CompletedProcess[str]:
        return bateia("forget", "--shards", shards, "--url-list", urls, "--quiet", *options)

    return run


@pytest.mark.slow
def test_the_pages_are_gone_and_nothing_else_is(
    small_shards: Path, copied: Path, chosen: list[dict[str, Any]], forget: Call, documents_in: Rows, bateia: Call
) -> None:
    info, before = read_shards(str(small_shards)), times(copied)
    ended = forget(copied)
    assert (ended.returncode, ended.stderr) == (0, "")
    gone = {row["doc_id"] for row in chosen}
    for split in ("train", "val"):
        was, now = documents_in(small_shards, split), documents_in(copied, split)
        assert now == [row for row in was if row["doc_id"] not in gone]
        for shard in {row["shard"] for row in was}:
            old, new = (np.fromfile(tokens_path(str(f), split, shard), info.dtype) for f in (small_shards, copied))
            for row in was:
                if row["shard"] == shard and row["doc_id"] in gone:
                    old[row["start"] : row["start"] + row["length"]] = info.pad_id
            assert old.tolist() == new.tolist()
    after, affected = times(copied), {("train", 0), ("train", 2), ("val", 1)}
    changed = {name for name in before if before[name] != after[name]}
    pairs = {f"{split}/{kind}" for split, n in affected for kind in (f"tokens-{n:05}.bin", f"docs-{n:05}.parquet")}
    assert changed == {*pairs, "manifest.json", "report.json", "report.html"}
    assert bateia("shards", "verify", "--shards", copied).returncode == 0
    pieces = [span for row in json.loads((copied / "report.json").read_text())["plan"]["first_rows"] for span in row]
    assert pieces and not {span["url"] for span in pieces} & {row["url"] for row in chosen}
    assert not any(f"{row['url']}{end}" in (copied / "report.html").read_text() for row in chosen for end in "<,")


@pytest.mark.slow
def test_counts_and_hashes_follow_and_the_layout_stays(
    small_shards: Path, smaller: Path, chosen: list[dict[str, Any]], forget: Call
) -> None:
    assert forget(smaller).returncode == 0
    old, new = read_shards(str(small_shards)), read_shards(str(smaller))
    assert new.layout_hash == old.layout_hash and new.dataset_hash != old.dataset_hash
    for split in ("train", "val"):
        mine = [row for row in chosen if row["split"] == split]
        for name, gone in (
            ("documents", len(mine)),
            ("tokens", sum(row["length"] for row in mine)),
            ("bytes", sum(row["bytes"] for row in mine)),
        ):
            assert new.counts[split][name] == old.counts[split][name] - gone
    assert new.slices["all"]["documents"] == old.slices["all"]["documents"] - 1
    assert new.counts["forgotten"]["documents"] == len(chosen)
    report = json.loads((smaller / "report.json").read_text())
    assert (report["counts"], report["dataset_hash"]) == (new.counts, new.dataset_hash)
    assert report["plan"]["name"] == "main-2"


@pytest.mark.slow
def test_plans_are_rebuilt_and_the_old_ones_stay(
    small_shards: Path, copied: Path, chosen: list[dict[str, Any]], forget: Call, bateia: Call
) -> None:
    ended = forget(copied)
    info = read_shards(str(copied))
    for name in PLANS:
        assert f"plan {name}: rebuilt as {name}-2: " in ended.stdout
        old, new = read_plan(info, name), read_plan(info, f"{name}-2")
        assert old.dataset_hash == read_plan(read_shards(str(small_shards)), name).dataset_hash
        assert (new.context, new.seed, new.packing) == (old.context, old.seed, old.packing)
        reader = PlanReader(info, new)
        spans = {span for row in range(new.rows) for span in reader.spans(row)}
        places = [
            (row["shard"], row["start"], row["start"] + row["length"]) for row in chosen if row["split"] == "train"
        ]
        assert not any(
            shard == at and start < end and begin < start + length
            for shard, start, length in spans
            for at, begin, end in places
        )
    fresh = bateia("plan", "--shards", copied, "--name", "fresh", "--context", 64)
    assert fresh.returncode == 0
    rows = [(copied / "plan" / name / "rows-00000.parquet").read_bytes() for name in ("fresh", "main-2")]
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_a_trainer_of_the_old_plan_learns_nothing_of_them(smaller: Path, forget: Call) -> None:
    info = read_shards(str(smaller))
    steps = range(read_plan(info, "main").rows // 8)
    batches = [PlanReader(info, read_plan(info, "main")).batch(step, 8) for step in steps]
    assert forget(smaller).returncode == 0
    after = [PlanReader(info, read_plan(info, "main")).batch(step, 8) for step in steps]
    masked = 0
    for old, new in zip(batches, after, strict=True):
        changed = old.y_BxT != new.y_BxT
        masked += int(changed.sum())
        assert not new.mask_BxT[changed].any()
        assert (new.mask_BxT == old.mask_BxT)[~changed].all()
    assert masked


def test_all_pages_of_a_host(copied: Path, bateia: Call, documents_in: Rows, tmp_path: Path) -> None:
    rows = [*documents_in(copied), *documents_in(copied, "val")]
    host = urlsplit(rows[0]["url"]).hostname
    assert host is not None
    (tmp_path / "hosts").write_text(f"{host}\n")
    words = ("forget", "--shards", copied, "--exclude-hosts", tmp_path / "hosts", "--dry-run", "--quiet")
    of_host = sum(urlsplit(row["url"]).hostname == host for row in rows)
    assert f"would forget {of_host} document" in bateia(*words).stdout
    (tmp_path / "hosts").write_text("nowhere.invalid\n")
    ended = bateia(*words)
    assert ended.returncode == 2 and "has no page of the hosts in" in ended.stderr


@pytest.mark.slow
def test_it_says_who_had_seen_the_pages(copied: Path, chosen: list[dict[str, Any]], forget: Call, bateia: Call) -> None:
    before = digests(copied)
    dry = forget(copied, "--dry-run", "--batch-size", 4)
    assert dry.returncode == 0 and digests(copied) == before
    assert "would forget 6 documents in 3 shards and rebuild fit as fit-2, half as half-2, main as main-2" in dry.stdout
    told = {row["url"]: bateia("explain", row["url"], "--in", copied, "--batch-size", 4).stdout for row in chosen}
    done = forget(copied, "--batch-size", 4)
    for row in chosen:
        asked = [line for line in told[row["url"]].splitlines() if line.startswith("  plan ")]
        for ended in (dry, done):
            lines = ended.stdout.splitlines()
            at = next(i for i, line in enumerate(lines) if line.startswith(row["url"] + ": "))
            assert lines[at + 1 : at + 1 + len(asked)] == asked
    asked = bateia("explain", chosen[0]["url"], "--in", copied, "--batch-size", 4).stdout
    assert f"  forgotten from the shards {copied}: it was train shard 0" in asked
    assert "  plan main-2: not in it" in asked


@pytest.mark.slow
def test_a_batch_shows_what_is_forgotten(
    smaller: Path, chosen: list[dict[str, Any]], forget: Call, bateia: Call
) -> None:
    assert forget(smaller).returncode == 0
    rows = read_plan(read_shards(str(smaller)), "main").rows
    ask = ("explain-batch", "--shards", smaller, "--step", 0, "--batch-size", rows)
    spans = [span for row in json.loads(bateia(*ask, "--json").stdout)["rows"] for span in row["spans"]]
    gone = {row["doc_id"]: row["length"] for row in chosen if row["split"] == "train"}
    forgotten = [span for span in spans if span["forgotten"]]
    assert {span["doc_id"] for span in forgotten} == set(gone)
    assert all(span["url"] is None and span["warc_file"] is None for span in forgotten)
    seen = {name: sum(s["row_to"] - s["row_from"] for s in forgotten if s["doc_id"] == name) for name in gone}
    assert seen == gone
    told = bateia(*ask).stdout
    assert " forgotten, its tokens [0:" in told and not any(row["url"] in told.split() for row in chosen)


class Killed(RuntimeError):
    pass


STEPS = [step.__name__ for step in forget_module.STEPS]


def kill_before(name: str) -> Any:
    """The process dies as a step begins, or with "end" when all are done."""
    steps = list(forget_module.STEPS)
    at = [*STEPS, "end"].index(name)

    def die(job: Any) -> None:
        raise Killed(name)

    return mock.patch.object(forget_module, "STEPS", (*steps[:at], die))


@pytest.fixture(scope="module")
def undisturbed(
    small_shards: Path, chosen: list[dict[str, Any]], bateia: Call, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What the smaller shards are after a forget that nothing interrupted."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shards = with_two_plans(Path(shutil.copytree(small_shards, folder / "shards")))
    (folder / "urls").write_text("\n".join(row["url"] for row in chosen))
    assert bateia("forget", "--shards", shards, "--url-list", folder / "urls").returncode == 0
    return digests(shards)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*STEPS, "end"])
def test_killed_at_any_step_the_same_command_finishes(
    smaller: Path, forget: Call, bateia: Call, undisturbed: dict[str, str], name: str
) -> None:
    with kill_before(name):
        ended = forget(smaller)
    assert ended.returncode == 1 and "The same command goes on from there" in ended.stderr
    looked = bateia("shards", "verify", "--shards", smaller)
    assert looked.returncode == 1
    assert looked.stdout == f"{smaller}: a `bateia forget` was interrupted; repeat its command to finish it\n"
    refused = bateia("shards", "index", "--shards", smaller, "--format", "megatron")
    assert refused.returncode == 2 and "was interrupted" in refused.stderr
    assert bateia("explain-batch", "--shards", smaller, "--step", 0, "--batch-size", 8).returncode == 0
    assert forget(smaller, "--dry-run").returncode == 0
    ended = forget(smaller)
    assert ended.returncode == 0, ended.stderr
    assert "an interrupted forget is finished first" in ended.stderr
    assert digests(smaller) == undisturbed


@pytest.mark.slow
def test_killed_within_a_step_the_same_command_finishes(
    smaller: Path, forget: Call, undisturbed: dict[str, str]
) -> None:
    """Between two files of one step, and between two plans."""
    for module, target, calls in (
        (forget_shards, "erase", 1),
        (forget_module, "rewrite_indexes", 2),
        (forget_module, "make_plan", 1),
    ):
        real, left = getattr(module, target), [calls]

        def die(*given: Any, real: Any = real, left: list[int] = left) -> Any:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return real(*given)

        with mock.patch.object(module, target, die):
            assert forget(smaller).returncode == 1
    assert forget(smaller).returncode == 0
    assert digests(smaller) == undisturbed


@pytest.mark.kill
def test_killed_for_real_the_same_command_finishes(
    smaller: Path, url_list: Path, bateia_process: Start, forget: Call, undisturbed: dict[str, str]
) -> None:
    for stage in ("tombstones/pending.json", "plan/main-2/run.json"):
        process = bateia_process("forget", "--shards", smaller, "--url-list", url_list)
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until and not (smaller / stage).exists():
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert forget(smaller).returncode == 0
    assert digests(smaller) == undisturbed


@pytest.mark.slow
def test_what_a_killed_command_was_writing_is_removed(smaller: Path, forget: Call, undisturbed: dict[str, str]) -> None:
    for folder in ("train", "val", "tombstones", "."):
        (smaller / folder).mkdir(exist_ok=True)
        (smaller / folder / ".tokens-00000.bin.1-ab.tmp").write_bytes(b"half")
    assert forget(smaller).returncode == 0
    assert digests(smaller) == undisturbed


@pytest.mark.parametrize(
    "change",
    [
        lambda value: [],
        lambda value: {},
        lambda value: value | {"more": 1},
        lambda value: value | {"number": "../../00001"},
        lambda value: value | {"plans": {"main": {"dataset_hash": "0", "rebuilt": "../../elsewhere"}}},
        lambda value: value | {"plans": {"main": {"dataset_hash": "0", "rebuilt": ".."}}},
        lambda value: value | {"documents": [row | {"split": "../elsewhere"} for row in value["documents"]]},
        lambda value: value | {"documents": [row | {"shard": "../0"} for row in value["documents"]]},
        lambda value: value | {"documents": [{}]},
    ],
)
def test_a_request_that_is_none_of_ours_changes_nothing(
    smaller: Path, forget: Call, change: Callable[[Any], Any]
) -> None:
    """What it names would be written over, or removed."""
    with kill_before("write_tombstones"):
        forget(smaller)
    path = smaller / "tombstones" / "pending.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    before = digests(smaller.parent)
    ended = forget(smaller)
    assert ended.returncode == 2 and f"{path} can't be read (" in ended.stderr
    assert ended.stderr.splitlines()[-1].endswith("; make the shards anew by `bateia shard` with --overwrite")
    assert digests(smaller.parent) == before


@pytest.mark.slow
def test_another_list_finishes_the_interrupted_one_first(
    smaller: Path, forget: Call, bateia: Call, chosen: list[dict[str, Any]], documents_in: Rows, tmp_path: Path
) -> None:
    with kill_before("rebuild_indexes"):
        forget(smaller)
    other = next(row for row in documents_in(smaller) if row["shard"] == 3)
    (tmp_path / "other").write_text(other["url"])
    ended = forget(smaller, urls=tmp_path / "other")
    assert ended.returncode == 0
    assert all(f"{row['url']}: " in ended.stdout for row in [*chosen, other])
    assert read_shards(str(smaller)).counts["forgotten"]["documents"] == len(chosen) + 1
    assert bateia("shards", "verify", "--shards", smaller).returncode == 0


@pytest.mark.slow
def test_forgotten_twice_plans_are_rebuilt_once_each(
    smaller: Path, forget: Call, bateia: Call, documents_in: Rows, chosen: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert forget(smaller).returncode == 0
    done = digests(smaller)
    again = forget(smaller)
    assert (again.returncode, digests(smaller)) == (0, done)
    assert again.stdout == "".join(f"{row['url']}: forgotten before\n" for row in chosen)
    (tmp_path / "more").write_text("\n".join(row["url"] for row in documents_in(smaller)[:4]))
    more = forget(smaller, urls=tmp_path / "more")
    assert more.returncode == 0 and "plan main-2: rebuilt as main-3: " in more.stdout
    assert not any(line.startswith("plan main:") for line in more.stdout.splitlines())
    names = {path.name for path in (smaller / "plan").iterdir()}
    assert names == {f"{name}{number}" for name in ("main", "fit") for number in ("", "-2", "-3")}
    assert [len(item.table) for item in read_tombstones(str(smaller))] == [6, 4]
    looked = bateia("shards", "verify", "--shards", smaller)
    assert looked.returncode == 0, looked.stdout
    assert "10 documents forgotten" in looked.stdout


@pytest.mark.slow
def test_urls_as_people_type_them_and_unknown_ones(
    smaller: Path, forget: Call, chosen: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "typed"
    rest = chosen[0]["url"].removeprefix("https://").removeprefix("www.").rstrip("/")
    path.write_text(f"http://{rest}\nhttps://never.example/x\n")
    ended = forget(smaller, urls=path)
    assert ended.returncode == 0
    assert ended.stderr == f"bateia: not in {smaller}: https://never.example/x\n"
    assert f"{chosen[0]['url']}: train shard 0" in ended.stdout


def test_refusals(copied: Path, forget: Call, documents_in: Rows, bateia: Call, tmp_path: Path) -> None:
    before = digests(copied)

    def refused(content: bytes, shards: Path = copied) -> str:
        (tmp_path / "list").write_bytes(content)
        ended = forget(shards, urls=tmp_path / "list")
        assert (ended.returncode, ended.stdout) == (2, "")
        return ended.stderr

    assert "has none of the pages of the list" in refused(b"https://never.example/x")
    assert "names no URL" in refused(b"# nothing\n\n")
    assert "is no UTF-8 text" in refused(b"https://caf\xe9.example/")
    assert "has no manifest.json" in refused(b"https://a.example/", tmp_path)
    everything = "\n".join(row["url"] for row in documents_in(copied))
    assert "would have nothing left to train on; remove the folder instead" in refused(everything.encode())
    ended = forget(copied, urls=tmp_path / "none")
    assert ended.returncode == 2 and "can't be read" in ended.stderr
    assert digests(copied) == before


@pytest.mark.slow
def test_damage_is_not_signed_anew(smaller: Path, forget: Call, bateia: Call) -> None:
    """A file that would be written again must be what it was; elsewhere damage is verify's matter."""
    path = smaller / "train" / "tokens-00002.bin"
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    before = digests(smaller)
    ended = forget(smaller)
    assert ended.returncode == 2 and f"{path} has changed since it was written" in ended.stderr
    assert digests(smaller) == before
    path.write_bytes(data)
    other = smaller / "train" / "tokens-00001.bin"
    other.write_bytes(b"\0" * other.stat().st_size)
    assert forget(smaller).returncode == 0
    assert "tokens-00001.bin has changed" in bateia("shards", "verify", "--shards", smaller).stdout


def test_a_plan_that_cannot_be_read_stops_it_before_anything_changes(copied: Path, forget: Call) -> None:
    (copied / "plan" / "main" / "rows-00000.parquet").write_bytes(b"PAR1")
    before = digests(copied)
    ended = forget(copied)
    assert ended.returncode == 2 and "make the plan anew by `bateia plan` with --overwrite" in ended.stderr
    assert digests(copied) == before


@pytest.mark.slow
def test_all_of_a_shard_a_language_and_the_validation_can_be_forgotten(
    copied: Path, forget: Call, bateia: Call, documents_in: Rows, tmp_path: Path
) -> None:
    rows = [row for row in documents_in(copied) if row["language"] == "pt" or row["shard"] == 1]
    rows += documents_in(copied, "val")
    (tmp_path / "many").write_text("\n".join(row["url"] for row in rows))
    ended = forget(copied, urls=tmp_path / "many")
    assert ended.returncode == 0, ended.stderr
    assert "plan mixed: not rebuilt, for it asks for documents of which none is left" in ended.stdout
    assert "plan main: rebuilt as main-2" in ended.stdout
    info = read_shards(str(copied))
    assert info.slices == {} and "pt" not in info.counts["train"]["languages"]
    assert read_plan(info, "main-2").slices == {}
    looked = bateia("shards", "verify", "--shards", copied)
    assert looked.returncode == 0, looked.stdout
    shard = pq.ParquetFile(copied / "train" / "docs-00001.parquet")
    assert shard.metadata.num_rows == 0
    more = bateia("plan", "--shards", copied, "--name", "later", "--context", 30)
    assert more.returncode == 0, more.stderr
    assert bateia("shards", "verify", "--shards", copied, "--plan", "later").returncode == 0


@pytest.mark.slow
def test_without_pad_the_tokens_become_bos(
    smaller: Path, forget: Call, bateia: Call, chosen: list[dict[str, Any]]
) -> None:
    value = json.loads((smaller / "manifest.json").read_text())
    value["settings"]["tokens"]["pad_id"] = None
    (smaller / "manifest.json").write_text(json.dumps(value))
    assert forget(smaller).returncode == 0
    info = read_shards(str(smaller))
    tokens = np.fromfile(tokens_path(str(smaller), "train", 0), info.dtype)
    assert {int(t) for t in tokens[chosen[0]["start"] :][: chosen[0]["length"]]} == {info.bos_id}
    assert bateia("shards", "verify", "--shards", smaller).returncode == 0


@pytest.mark.slow
def test_a_plan_of_other_shards_is_left_alone(copied: Path, forget: Call) -> None:
    path = copied / "plan" / "half" / "manifest.json"
    path.write_text(path.read_text().replace(read_shards(str(copied)).layout_hash, "0" * 64))
    ended = forget(copied)
    assert ended.returncode == 0 and "left alone: plan " in ended.stderr and "is of other shards" in ended.stderr
    assert not (copied / "plan" / "half-2").exists()


@pytest.mark.slow
def test_verify_sees_what_came_back(smaller: Path, small_shards: Path, forget: Call, bateia: Call) -> None:
    """Old files over new ones, as of a backup."""
    assert forget(smaller).returncode == 0
    shutil.copy(small_shards / "train" / "tokens-00000.bin", smaller / "train" / "tokens-00000.bin")
    looked = bateia("shards", "verify", "--shards", smaller)
    assert looked.returncode == 1
    assert "has changed since it was written" in looked.stdout and "is still there" in looked.stdout


@pytest.mark.slow
def test_measures_of_documents_stay(documents: Path, bateia: Call, documents_in: Rows, tmp_path: Path) -> None:
    shards = tmp_path / "measured"
    given = ("--vocab-size", 2000, "--context", 64, "--quiet")
    assert bateia("shard", "--input", documents, "--output", shards, *given).returncode == 0
    before = documents_in(shards)
    assert before[0]["quality"]
    (tmp_path / "one").write_text(before[0]["url"])
    ended = bateia("forget", "--shards", shards, "--url-list", tmp_path / "one")
    assert ended.returncode == 0, ended.stderr
    assert documents_in(shards) == [row for row in before if row["url"] != before[0]["url"]]


def test_names_of_rebuilt_plans() -> None:
    assert next_name("main", {}, {"main"}) == "main-2"
    assert next_name("main-2", {"main-2": "main"}, {"main", "main-2"}) == "main-3"
    assert next_name("long-2048", {}, {"long-2048"}) == "long-2048-2"
    assert read_manifest("/nowhere-at-all") is None


@pytest.mark.slow
def test_shards_without_the_pages_are_not_opened(
    copied: Path, forget: Call, chosen: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither their tokens nor, where addresses are indexed, their documents, but for the plans that are made anew."""
    monkeypatch.setattr(urls, "LEAST_FILES", 2)
    shutil.rmtree(copied / "plan")
    opened: set[str] = set()
    open_read, read_chunks, locate = storage.open_read, verify_files.read_chunks, storage.locate

    def watched(real: Callable[[str], Any]) -> Callable[[str], Any]:
        def call(path: str) -> Any:
            if ("/train/" in path or "/val/" in path) and not path.endswith((".index", ".idx")):  # asked whether there
                opened.add(str(Path(path).relative_to(copied)))
            return real(path)

        return call

    assert forget(copied, "--dry-run").returncode == 0  # makes the index
    before = times(copied)
    for module, name, real in (
        (storage, "open_read", open_read),
        (storage, "locate", locate),
        (verify_files, "read_chunks", read_chunks),
    ):
        monkeypatch.setattr(module, name, watched(real))
    ended = forget(copied)
    assert ended.returncode == 0, ended.stderr
    pairs = {(row["split"], row["shard"]) for row in chosen}
    affected = {f"{split}/{kind}" for split, n in pairs for kind in (f"tokens-{n:05}.bin", f"docs-{n:05}.parquet")}
    assert opened == affected
    after = times(copied)
    assert {name for name in before if name.startswith(("train/", "val/")) and before[name] != after[name]} == affected


@pytest.mark.slow
def test_processes_forget_the_same(smaller: Path, forget: Call, undisturbed: dict[str, str]) -> None:
    with forked_workers() as begun:
        assert forget(smaller, "--workers", 2).returncode == 0
    assert len(begun) >= 2
    assert digests(smaller) == undisturbed
