"""ReadPages and ApplySteps: what they give is what `bateia curate` writes, and the README's example runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow.dataset as ds
import pytest
from apache_beam.io import WriteToText

from pipelines.assets.bind import bind
from pipelines.recipes.tiny import TINY
from schemas.document import Document
from support.paths import ROOT
from transforms.pages import ApplySteps, Dropped, ReadPages

Rows = list[dict[str, Any]]


def rows_of(folder: Path) -> Rows:
    return ds.dataset([str(path) for path in sorted(folder.rglob("*.parquet"))]).to_table().to_pylist()


def document_line(document: Document) -> str:
    return json.dumps(asdict(document) | {"quality": dict(document.quality)})


def dropped_line(dropped: Dropped) -> str:
    row = dropped._asdict() | asdict(dropped.verdict)
    return json.dumps([row[name] for name in COLUMNS])


def lines_of(folder: Path, name: str) -> Rows:
    return [json.loads(line) for path in folder.glob(f"{name}-*") for line in path.read_text().split("\n") if line]


COLUMNS = ["warc_file", "warc_offset", "url", "record_id", "fate", "stage", "reason", "value", "threshold", "detail"]


@pytest.mark.slow
def test_they_give_what_curate_writes(warcs: list[str], documents: Path, tmp_path: Path) -> None:
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        read: Any = pipeline | beam.Create(warcs) | ReadPages(unit_mb=1)
        curated: Any = read.pages | ApplySteps(bind(TINY).recipe.curate, dump="BATEIA-SAMPLE")
        kept: Any = curated.documents | "Document" >> beam.Map(document_line)
        lost: Any = (read.dropped, curated.dropped) | beam.Flatten() | "Drop" >> beam.Map(dropped_line)
        _ = kept | "Kept" >> WriteToText(f"{tmp_path}/kept")
        _ = lost | "Lost" >> WriteToText(f"{tmp_path}/lost")
    written = {row["id"]: row for row in rows_of(documents / "data")}
    found = lines_of(tmp_path, "kept")
    assert len(found) == len(written) > 100
    for document in found:
        assert Path(document.pop("file_path")).name == written[document["id"]]["file_path"]  # as it was given to each
        assert document.pop("language_script") is None and not document.pop("rights")  # of recipes that ask for them
        assert not document.pop("kept")  # of tables of one's own
        assert document == {name: written[document["id"]][name] for name in document}
    ledger = [row for row in rows_of(documents / "ledger") if row["fate"] != "kept"]
    expected = Counter(tuple(row[name] for name in COLUMNS) for row in ledger)
    assert Counter(map(tuple, lines_of(tmp_path, "lost"))) == expected
    assert expected.total() > 50


def test_a_file_that_is_not_there_fails() -> None:
    with (
        pytest.raises(Exception, match=r"no\.warc\.gz does not exist"),
        beam.Pipeline(runner="FnApiRunner") as pipeline,
    ):
        _ = pipeline | beam.Create(["no.warc.gz"]) | ReadPages()


@pytest.mark.slow
def test_the_readmes_example_runs(warcs: list[str], bateia: Callable[..., object], tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "transforms" / "README.md").read_text(), re.DOTALL)
    assert len(code.splitlines()) <= 16
    shutil.copy(warcs[0], tmp_path / "crawl.warc.gz")
    (tmp_path / "example.py").write_text(code)
    ended = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    [kept] = tmp_path.glob("kept*")
    [reasons] = tmp_path.glob("reasons*")
    assert len(kept.read_text().splitlines()) > 50
    assert "url " in reasons.read_text() and "gopher_quality " in reasons.read_text()
