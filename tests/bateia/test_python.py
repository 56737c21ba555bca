"""`import bateia`: datasets, batches and a page's fate, as the README shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bateia
from schemas.document import Document
from schemas.faults import BadInput
from schemas.manifest import read_manifest
from schemas.shards.layout import read_plan, read_shards
from schemas.verdict import Drop
from support.paths import ARTICLES, ROOT
from support.shards import made_up
from trainer.data.batches import PlanReader

CONTEXT = 32


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up(tmp_path_factory.mktemp("shards") / "made-up")


def page(paragraphs: str) -> str:
    return f"<html><head><title>A page</title></head><body><article>{paragraphs}</article></body></html>"


def article() -> str:
    name = next(path for path in sorted(ARTICLES.glob("en-*.md")) if len(path.read_text("utf-8")) > 1500)
    lines = [line for line in name.read_text("utf-8").splitlines() if len(line) > 80]
    return page("".join(f"<p>{line}</p>" for line in lines))


@pytest.mark.slow
def test_documents_and_ledger_are_what_the_manifest_counts(documents: Path, corpus: Path) -> None:
    manifest = read_manifest(str(documents))
    assert manifest is not None
    assert bateia.ledger(str(documents)).count_rows() == manifest.counts["read"] > 0
    assert bateia.documents(str(documents)).count_rows() == manifest.counts["kept"] > 0
    kept = bateia.documents(str(corpus)).to_table(columns=["url", "language"])
    assert 0 < kept.num_rows < manifest.counts["kept"]
    assert set(kept.column("language").to_pylist()) >= {"en", "pt"}


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda folder: bateia.documents(str(folder / "nowhere")), "not finished"),
        (lambda folder: bateia.ledger(str(folder)), "has no ledger/"),
        (lambda folder: bateia.batches(str(folder), batch_size=4), "shard"),
    ],
    ids=["a folder that is not there", "a corpus has no ledger", "a corpus is no shards"],
)
def test_another_folder_is_bad_input(read: Callable[[Path], object], message: str, corpus: Path) -> None:
    with pytest.raises(BadInput, match=message):
        read(corpus)


def test_batches_are_those_of_training(shards: Path) -> None:
    info = read_shards(str(shards))
    reader = PlanReader(info, read_plan(info, "main"))
    batches = list(bateia.batches(str(shards), batch_size=4))
    assert len(batches) == reader.rows // 4 > 2
    for step, batch in enumerate(batches):
        assert batch.x_BxT.shape == batch.mask_BxT.shape == (4, CONTEXT)
        assert batch.x_BxT.dtype == np.int32
        expected = reader.batch(step, 4)
        for mine, theirs in zip(batch.arrays(), expected.arrays(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    later = next(bateia.batches(str(shards), batch_size=4, first_step=2))
    np.testing.assert_array_equal(later.x_BxT, batches[2].x_BxT)


def test_a_batch_of_no_rows_is_bad_input(shards: Path) -> None:
    with pytest.raises(BadInput, match="batch"):
        bateia.batches(str(shards), batch_size=0)


@pytest.mark.engine
@pytest.mark.parametrize("workers", [0, 2])
def test_torch_sees_the_same_batches(workers: int, shards: Path) -> None:
    data = pytest.importorskip("torch.utils.data")
    dataset = bateia.torch_dataset(str(shards), batch_size=4)
    seen = list(data.DataLoader(dataset, batch_size=None, num_workers=workers))
    expected = list(bateia.batches(str(shards), batch_size=4))
    assert len(seen) == len(dataset) == len(expected)
    for theirs, mine in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(theirs["x"].numpy(), mine.x_BxT)
        np.testing.assert_array_equal(theirs["mask"].numpy(), mine.mask_BxT)


@pytest.mark.slow
def test_a_page_is_kept_or_dropped_with_its_reason() -> None:
    kept = bateia.try_page(article())
    assert isinstance(kept, Document) and kept.language == "en" and "<p>" not in kept.text
    dropped = bateia.try_page(page("<p>Click here. Click here.</p>"))
    assert isinstance(dropped, Drop) and dropped.reason
    german = (
        "Der Fluss Nummer {} trägt den Sand und die Steine bis zum Meer hinunter, und im Frühling steigt das Wasser."
    )
    german = "".join(f"<p>{german.format(number)}</p>" for number in range(6))
    other = bateia.try_page(page(german).encode())
    assert isinstance(other, Drop) and (other.stage, other.reason) == ("language", "other_language")


def blocks_of_readme(name: str) -> list[str]:
    """The indented blocks of Python of a README's section on Python."""
    section = re.split(r"^## ", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE)
    text = next(part for part in section if "import bateia" in part)
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, flags=re.MULTILINE)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in blocks]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "recipe"), [("README.md", "SPANISH"), ("README.pt.md", "PORTUGUES")])
def test_the_readme_runs_as_it_stands(
    name: str,
    recipe: str,
    shards: Path,
    documents: Path,
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")
    (tmp_path / "out").mkdir()
    for folder, target in {"shards": shards, "documents": documents, "corpus": corpus}.items():
        (tmp_path / "out" / folder).symlink_to(target)
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of_readme(name)
    names: dict[str, Any] = {}
    less = {"batch_size=16": "batch_size=4", "num_workers=2": "num_workers=0", "32768": "512"}
    for block in blocks:
        exec(reduce(lambda text, change: text.replace(*change), less.items(), block), names)
    assert names[recipe].name == recipe.lower()
    if "DataLoader" in "".join(blocks):
        assert float(names["loss"]) > 0
