"""`bateia tokenizer train` on the sample's corpus: the same bytes for the same input, formats that agree, refusals."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.manifest import read_manifest
from schemas.special_tokens import SPECIAL
from transforms.steps.tokens.tokenizer import load_tokenizer

Call = Callable[..., subprocess.CompletedProcess[str]]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def trained(corpus: Path, bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Trains with options; gives the folder."""

    def train(*options: object) -> Path:
        output = tmp_path_factory.mktemp("tokenizer") / "o"
        ended = bateia("tokenizer", "train", "--input", corpus, "--output", output, "--vocab-size", 2000, *options)
        assert ended.returncode == 0, ended.stderr
        return output

    return train


@pytest.mark.slow
@pytest.mark.parametrize("algorithm, engine", [("sentencepiece", "sentencepiece"), ("bpe-gpt4", "tiktoken")])
def test_equal_input_gives_equal_bytes_and_every_text_back(
    trained: Callable[..., Path], corpus: Path, algorithm: str, engine: str
) -> None:
    output = trained("--algorithm", algorithm)
    assert digests(trained("--algorithm", algorithm)) == digests(output)
    tokenizer = load_tokenizer(str(output))
    assert (tokenizer.engine, tokenizer.size) == (engine, 2000)
    exported = load_tokenizer(str(output / "tokenizer.json"))
    assert np.load(output / "token_bytes.npy").tolist() == tokenizer.token_bytes.tolist()
    assert json.loads((output / "tokenizer_config.json").read_text())["bos_token"] == SPECIAL[1]
    for path in corpus.glob("data/*/*.parquet"):
        for text in pq.ParquetFile(path).read(["text"])["text"].to_pylist():
            numbers = tokenizer.encode(text)
            assert tokenizer.decode(numbers) == text
            assert exported.encode(text).tolist() == numbers.tolist()


@pytest.mark.slow
def test_the_manifest_says_what_it_was_made_of(trained: Callable[..., Path], corpus: Path) -> None:
    output = trained("--seed", 7)
    manifest, source = read_manifest(str(output)), read_manifest(str(corpus))
    assert manifest is not None and source is not None
    assert manifest.stage == "tokenizer"
    assert manifest.source == [{"path": str(corpus), "dataset_hash": source.dataset_hash}]
    assert (manifest.settings["seed"], manifest.settings["vocab_size"]) == (7, 2000)
    languages = manifest.counts["languages"]
    assert {name: row["documents"] for name, row in languages.items()} == {
        path.name: sum(pq.ParquetFile(file).metadata.num_rows for file in path.iterdir())
        for path in corpus.glob("data/*")
    }  # the sample is larger than the corpus
    assert 2 < languages["en"]["bytes_per_token"] < 5


@pytest.mark.slow
def test_weights_choose_what_is_learnt(trained: Callable[..., Path]) -> None:
    portuguese = trained("--language-weights", "pt=1")
    manifest = read_manifest(str(portuguese))
    assert manifest is not None
    counts = {name: row["documents"] for name, row in manifest.counts["languages"].items()}
    assert counts.pop("pt") > 10
    assert set(counts.values()) == {0}
    text = "não há nada que não se possa fazer com uma bateia"
    both = [len(load_tokenizer(str(folder)).encode(text)) for folder in (portuguese, trained())]
    assert both[0] < both[1]


@pytest.mark.slow
def test_refusals(corpus: Path, bateia: Call, tmp_path: Path) -> None:
    for options, said in (
        (("--vocab-size", 200), "can't hold"),
        (("--vocab-size", 900_000), "take at most"),
        (("--vocab-size", 900_000, "--algorithm", "bpe-gpt4"), "take at most"),
        (("--algorithm", "wordpiece"), "invalid choice: 'wordpiece' (choose from 'sentencepiece', 'bpe-gpt4')"),
        (("--language-weights", "fi=1"), "--language-weights: there are no documents in fi; there are "),
        (("--language-weights", "en=0"), "above 0"),
        (("--language-weights", "en"), "'en' is no name and number"),
        (("--input", tmp_path), "has no manifest.json"),
    ):
        ended = bateia("tokenizer", "train", "--input", corpus, "--output", tmp_path / "o", *options)
        assert ended.returncode == 2, (options, ended.stderr)
        line = ended.stderr.splitlines()[-1]  # before it, that the work began and ended
        assert said in line
        assert not (tmp_path / "o").exists() or not list((tmp_path / "o").iterdir())


@pytest.mark.slow
def test_a_finished_folder_is_kept(trained: Callable[..., Path], corpus: Path, bateia: Call) -> None:
    output = trained()
    before = digests(output)
    command = ("tokenizer", "train", "--input", corpus, "--output", output, "--vocab-size", 1000)
    ended = bateia(*command)
    assert (ended.returncode, digests(output)) == (2, before)
    assert "is finished; choose another --output" in ended.stderr
    assert bateia(*command, "--overwrite").returncode == 0
    assert load_tokenizer(str(output)).size == 1000


@pytest.mark.slow
def test_formats_that_differ_are_not_written(corpus: Path, bateia: Call, tmp_path: Path) -> None:
    with mock.patch("transforms.steps.tokens.export.merges_of", return_value=[]):
        ended = bateia("tokenizer", "train", "--input", corpus, "--output", tmp_path / "o", "--vocab-size", 1000)
    assert ended.returncode == 1
    assert "tokenizer.json differs from tokenizer.model on " in ended.stderr
    assert list((tmp_path / "o").iterdir()) == []
