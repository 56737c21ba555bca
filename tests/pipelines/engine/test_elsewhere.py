"""Folders and globs of s3://, gs:// and hf://, each by a server on loopback; and what answers nothing, in a line."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bateia import documents
from pipelines.engine.inputs import expand, find_inputs
from schemas import storage
from schemas.faults import BadInput
from schemas.storage import locate
from support.command import Call
from support.gcs import google_storage
from support.hub import hub
from support.object_store import object_store
from transforms.steps.fetch.files import address_of

DATA = {"data/a.parquet", "data/b b.parquet", "data/deep/c.jsonl", "README.md", "data/.hidden.json"}


def lay_out(root: Path) -> None:
    for name in DATA:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            pq.write_table(pa.table({"text": [f"text of {name}"], "url": [f"https://x.example/{name[5]}"]}), path)
        else:
            path.write_text(f'{{"text": "text of {name}"}}\n')


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    lay_out(tmp_path / "root")
    with object_store():
        for name in DATA:
            with storage.write_whole(f"s3://bucket/{name}") as file:
                file.write((tmp_path / "root" / name).read_bytes())
        yield lambda name: f"s3://bucket/{name}"


@pytest.fixture
def gs(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    lay_out(tmp_path / "root")
    with google_storage(tmp_path / "root") as uri:
        yield uri


@pytest.fixture
def hf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    pytest.importorskip("huggingface_hub")
    lay_out(tmp_path / "hub/org/set/refs%2Fconvert%2Fparquet")
    monkeypatch.setenv("BATEIA_REQUESTS_PER_S", "5000")
    with hub(tmp_path / "hub") as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield lambda name: f"hf://datasets/org/set@refs/convert/parquet/{name}".rstrip("/")


@pytest.mark.parametrize("place", ["s3", "gs", "hf"])
def test_folders_and_globs(
    place: str, request: pytest.FixtureRequest, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "s3":
        pytest.importorskip("moto")
    uri = request.getfixturevalue(place)
    tables, all_of_them = (
        ["data/a.parquet", "data/b b.parquet"],
        ["data/a.parquet", "data/b b.parquet", "data/deep/c.jsonl"],
    )
    for pattern, names in (
        ("data/*.parquet", tables),
        ("data/[a]*.parquet", tables[:1]),
        ("data/**/*", [*all_of_them, "data/.hidden.json"]),
        ("data/", all_of_them),
        ("data/a.parquet", tables[:1]),
    ):
        assert sorted(expand(uri(pattern), None)) == sorted(uri(name) for name in names), pattern
    with pytest.raises(BadInput, match="matches no file"):
        expand(uri("data/*.warc.gz"), None)
    words = ("--recipe", "as-is", "--input", uri("data/"), "--output", tmp_path / "o", "--quiet")
    ended = bateia("curate", *words)
    assert ended.returncode == 0, ended.stderr
    rows = documents(str(tmp_path / "o")).to_table().to_pylist()
    assert {row["text"] for row in rows} == {f"text of {name}" for name in all_of_them}
    assert not any("?" in row["file_path"] for row in rows)


def test_the_whole_of_a_dataset_and_what_is_none(hf: Callable[[str], str]) -> None:
    assert len(expand(hf(""), None)) == 3
    for path, said in (
        ("hf://datasets/org/other", "can't be listed"),
        (hf("none/*.parquet"), "can't be listed"),
        ("hf://models/org", "write it as hf://datasets/OWNER/NAME/FILE"),
        (hf("data/absent.parquet"), "does not exist"),
    ):
        with pytest.raises(BadInput, match=said):
            find_inputs([path])


def test_addresses_of_revisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    home = "https://huggingface.co/datasets/o/n/resolve"
    assert address_of("hf://datasets/o/n/a b/x.parquet") == f"{home}/main/a%20b/x.parquet"
    for revision in ("refs/convert/parquet", "refs%2Fconvert%2Fparquet"):
        assert address_of(f"hf://datasets/o/n@{revision}/x.parquet") == f"{home}/refs%2Fconvert%2Fparquet/x.parquet"


def test_without_the_hubs_library(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *given: Any) -> Any:
        if name == "huggingface_hub":
            raise ModuleNotFoundError(name, name=name)
        return real(name, *given)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(BadInput, match="need the package huggingface_hub; install it with") as fault:
        expand("hf://datasets/org/set/data", None)
    assert len(str(fault.value).splitlines()) == 1


def test_googles_storage_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself its client tries for 15 minutes."""
    monkeypatch.setattr(storage, "PROBE_S", 1)
    with pytest.raises(BadInput, match=r"can't be reached .*; write it as gs://BUCKET/NAME.*anonymous@BUCKET") as fault:
        locate("gs://anonymous@absent/x.warc.gz?scheme=http&endpoint_override=127.0.0.1:9")
    assert len(str(fault.value).splitlines()) == 1


def test_a_key_in_an_address_is_refused() -> None:
    with pytest.raises(BadInput, match="has a key in it, which would be recorded"):
        locate("s3://key:secret@bucket/x")
