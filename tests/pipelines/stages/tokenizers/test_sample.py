"""A tokenizer's sample: workers draw the very documents that one process draws, and read no more than it takes."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine.progress import Progress
from pipelines.engine.run import Execution, Phases
from pipelines.stages.datasets import Input, read_inputs
from pipelines.stages.tokenizers import given, sample
from pipelines.stages.tokenizers.sample import Sample, draw_by_phases, draw_sample
from schemas.faults import BadInput
from schemas.manifest import read_manifest
from transforms.steps.tokens.settings import TrainTokenizer


@pytest.fixture(scope="module")
def documents(make_documents: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 3 million characters in three languages, of more than one byte each."""
    pick = random.Random(4)
    rows = []
    for at in range(300):
        text = " ".join(
            pick.choice(("rio", "pão", "ponte", "chuva", "über", "水")) for _ in range(pick.randrange(4000))
        )
        rows.append({"id": f"<{at}>", "text": f"{text} {at}", "language": ("pt", "pt", "de", "en")[at % 4]})
    return make_documents(tmp_path_factory.mktemp("sample") / "documents", rows)


def drawn_by_workers(documents: Path, folder: Path, recipe: TrainTokenizer) -> Sample:
    with mock.patch.object(sample, "FEW_BYTES", 0), Progress(shown=False) as progress:
        phases = Phases(Execution(), progress, str(folder))
        return draw_by_phases(str(folder), tuple(read_inputs([str(documents)])), recipe, phases)


@pytest.mark.slow
@pytest.mark.parametrize("weights", [None, (("pt", 3.0), ("de", 1.0))])
def test_workers_draw_the_same(documents: Path, tmp_path: Path, weights: tuple[tuple[str, float], ...] | None) -> None:
    recipe = TrainTokenizer(sample_mb=1, weights=weights, seed=3)
    here = draw_sample(tuple(read_inputs([str(documents)])), recipe)
    assert drawn_by_workers(documents, tmp_path, recipe) == here
    texts = {name: len(found) for name, found in here.texts.items()}
    assert 10 < texts["pt"] < 150 and 0 < texts["de"] < 75 and (texts["en"] > 0) == (weights is None)
    read = sum(characters for characters in here.characters.values())
    assert read == sum(len(text) for path in documents.rglob("*.parquet") for text in texts_of(path))


def texts_of(path: Path) -> list[str]:
    return pq.ParquetFile(path).read(["text"])["text"].to_pylist()


@pytest.mark.slow
def test_what_was_measured_is_kept(documents: Path, tmp_path: Path) -> None:
    """The same command after an interruption does not measure again."""
    recipe = TrainTokenizer(sample_mb=1)
    with mock.patch.object(sample, "drawn_from", side_effect=OSError("gone")), pytest.raises(OSError, match="gone"):
        drawn_by_workers(documents, tmp_path, recipe)
    with mock.patch.object(sample, "characters_of", side_effect=AssertionError("measured twice")):
        assert drawn_by_workers(documents, tmp_path, recipe).all


def test_text_that_is_no_utf8_is_bad_input_wherever_it_is_read(
    make_documents: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_documents(tmp_path / "documents", [{"id": "<1>", "text": "aaaaaaaa"}])
    [path] = folder.rglob("*.parquet")
    table = pq.ParquetFile(path).read()
    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe"))
    at = table.schema.get_field_index("text")
    pq.write_table(table.set_column(at, table.schema.field("text"), broken), path, compression="zstd")
    manifest = read_manifest(str(folder))
    assert manifest is not None
    inputs = (Input(str(folder), manifest),)
    with pytest.raises(BadInput, match="holds text that is no UTF-8"):
        draw_sample(inputs, TrainTokenizer())
    with (
        mock.patch.object(sample, "FEW_BYTES", 0),
        Progress(shown=False) as progress,
        pytest.raises(BadInput, match="holds text that is no UTF-8"),
    ):
        draw_by_phases(str(tmp_path / "o"), inputs, TrainTokenizer(), Phases(Execution(), progress, str(tmp_path)))


def test_a_proof_on_many_files_takes_those_that_a_hash_puts_first(documents: Path) -> None:
    inputs = tuple(read_inputs([str(documents)]))
    files = sum(len(item.data) for item in inputs)
    assert files > 2
    with mock.patch.object(given, "COMPARED_DOCUMENTS", 2):
        texts = list(given.some_texts(inputs))
    ordered = sorted((file.sha256, documents / file.path) for item in inputs for file in item.data)
    assert texts == [texts_of(path)[0] for _, path in ordered[:2]]
    assert len(list(given.some_texts(inputs))) == 300
