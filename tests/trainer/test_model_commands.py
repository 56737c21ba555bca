"""`bateia surprisal`, `few-shot`, `memorize` and pages of texts, on a small model that a few steps have trained."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from pipelines.analysis.surprisal import score_text
from schemas.faults import BadInput
from schemas.shards.layout import TRAIN, VAL, read_shards
from trainer.generate.generator import chosen_backend, load_generator, make_decoder
from trainer.probes.documents import DocumentTokens, shards_for
from trainer.run.folder import EVALS, read_lines

pytest.importorskip("jax", reason="the jax extra is not installed")

Ended = subprocess.CompletedProcess[str]
HELD_OUT = ("the old miner finds cold water. ", "rain hides a nugget of our gold.", "a river carries sand and gravel.")
HOSTILE = '<script>alert("x")</script>\x1b[31m'


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, bateia: Callable[..., Ended], write_shards: Callable[..., Path]
) -> Path:
    """shards/ with held-out texts of a row each, and run/, trained on them."""
    folder = tmp_path_factory.mktemp("generator")
    assert all(len(text) == 32 for text in HELD_OUT)
    shards = write_shards(
        folder / "shards", [f"{HOSTILE} {number} " + "the pan washes sand. " * 9 for number in range(8)], HELD_OUT
    )
    model = folder / "model.json"
    model.write_text(json.dumps({"dim": 32, "layers": 1, "heads": 2, "kv_heads": 1, "hidden": 48}))
    given = ["--shards", shards, "--model", model, "--batch-size", 4, "--optimizer", "adamw", "--sample-tokens", 0]
    ended = bateia("train", *given, "--steps", 6, "--output", folder / "run", "--backend", "jax", "--quiet")
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture
def given(folder: Path) -> list[object]:
    return ["--run", folder / "run", "--shards", folder / "shards"]


@pytest.mark.slow
def test_bits_per_byte_are_the_evaluations(folder: Path) -> None:
    """Over held-out texts of a row each: BOS and 32 bytes."""
    *_, last = read_lines(folder / "run" / EVALS)
    generator = load_generator(str(folder / "run"))
    bits = [score_text(generator, str(folder / "run"), text).bits for text in HELD_OUT]
    assert sum(bits) / 96 == pytest.approx(last["slices"]["all"]["bits_per_byte"], rel=1e-5)


@pytest.mark.slow
def test_surprise_on_a_terminal_and_as_a_page(folder: Path, bateia: Callable[..., Ended]) -> None:
    (folder / "text").write_text(HOSTILE * 3)
    told = [
        bateia("surprisal", "--run", folder / "run", *text)
        for text in (["--text", HOSTILE * 3], ["--file", folder / "text"])
    ]
    assert told[0].returncode == 0, told[0].stderr
    assert told[0].stdout == told[1].stdout and "\x1b" not in told[0].stdout
    assert "bits per byte" in told[0].stdout and "windows" in told[0].stdout
    assert bateia("surprisal", "--run", folder / "run", "--text", "x", "--html", folder / "s.html").returncode == 0
    assert "How well the model predicts a text" in (folder / "s.html").read_text()


@pytest.mark.slow
def test_few_shot_is_the_same_each_time(folder: Path, given: list[object], bateia: Callable[..., Ended]) -> None:
    options = [*given, "--shots", 1, 0, "--items", 6, "--output", folder / "k.json", "--html", folder / "k.html"]
    one, same = (bateia("few-shot", *options) for _ in range(2))
    assert one.returncode == 0, one.stderr
    assert one.stdout == same.stdout and "25.0% by chance" in one.stdout
    told = json.loads((folder / "k.json").read_text())
    assert [point["shots"] for point in told["tasks"]["alternate"]["points"]] == [0, 1]
    assert [point["shots"] for point in told["tasks"]["copy"]["points"]] == [0]
    assert "copy: the context has no room for 1 shot" in one.stdout
    assert told["left_out"] == ["translate"] and "translate: not measured" in one.stdout
    page = (folder / "k.html").read_text()
    assert "<polyline" in page and "1 shot<" in page and "not measured" in page


@pytest.mark.slow
def test_memorize_measures_what_was_and_was_not_seen(
    folder: Path, given: list[object], bateia: Callable[..., Ended]
) -> None:
    options = [*given, "--prefix", 8, "--tokens", 20, "--output", folder / "m.json", "--html", folder / "m.html"]
    ended = bateia("memorize", *options)
    assert ended.returncode == 0, ended.stderr
    told = json.loads((folder / "m.json").read_text())
    assert told["extractable"] == 20 and set(told["asked"]) == {"rows", "trained", "held_out"}
    assert told["asked"]["trained"]["prompts"] == 8 and told["asked"]["held_out"]["prompts"] == 3
    assert "\x1b" not in ended.stdout
    page = (folder / "m.html").read_text()
    assert "<script" not in page and "\x1b" not in page and "2202.07646" in page

    url = "https://train-0-3.example/"
    of_one = bateia("memorize", *given, "--prefix", 8, "--tokens", 20, "--url", url, "--output", folder / "u.json")
    assert of_one.returncode == 0, of_one.stderr
    told = json.loads((folder / "u.json").read_text())
    assert set(told["asked"]) == {"rows", "trained"} and told["asked"]["trained"]["prompts"] > 5
    assert all(one["url"] == url for one in told["longest"])
    held_out = bateia("memorize", *given, "--prefix", 8, "--tokens", 20, "--url", "https://val-0-1.example/")
    assert held_out.returncode == 0 and "held out" in held_out.stdout and "trained on" not in held_out.stdout


def test_shards_of_another_tokenizer_are_refused(folder: Path, tmp_path: Path) -> None:
    told = json.loads((folder / "run" / "run.json").read_text())
    told["data"]["tokenizer_sha256"] = "0" * 64
    (tmp_path / "run.json").write_text(json.dumps(told))
    with pytest.raises(BadInput, match="of another tokenizer"):
        shards_for(str(tmp_path), str(folder / "shards"))


@pytest.mark.slow
def test_texts_as_a_page(folder: Path, bateia: Callable[..., Ended]) -> None:
    options = ["--run", folder / "run", "--count", 3, "--tokens", 12, "--temperature", 1.5]
    ended = bateia("sample", *options, "--prompt", HOSTILE, "--html", folder / "d.html")
    assert ended.returncode == 0, ended.stderr
    page = (folder / "d.html").read_text()
    assert "<script" not in page and "\x1b" not in page and page.count("&lt;script&gt;") == 3
    assert re.findall(r"seed (\d)", page) == ["1", "2", "3"] and "temperature 1.5" in page
    assert bateia("sample", *options, "--html", folder / "n.html").returncode == 0
    assert "without a prompt" in (folder / "n.html").read_text()
    assert "leave it out" in bateia("sample", *options, "--show-distribution", "--html", folder / "d.html").stderr


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["surprisal", "--run", "RUN", "--text", ""], "empty"),
        (["surprisal", "--run", "RUN", "--text", "\udcff"], "UTF-8"),
        (["surprisal", "--run", "RUN", "--file", "/nowhere"], "/nowhere can't be read"),
        (["surprisal", "--run", "RUN"], "--text"),
        (["surprisal", "--run", "/nowhere", "--text", "x"], "/nowhere does not exist; check the path"),
        (["surprisal", "--run", "RUN", "--text", "x", "--backend", "abacus"], "known: jax, torch"),
        (["sample", "--run", "RUN", "--backend", "abacus"], "known: jax, torch"),
        (["few-shot", "--run", "RUN", "--shards", "/nowhere"], "/nowhere does not exist; check the path"),
        (["few-shot", "--run", "RUN", "--shards", "SHARDS", "--shots", "-1"], "shots are 0 or more"),
        (["few-shot", "--run", "RUN", "--shards", "SHARDS", "--items", "2"], "--items 4"),
        (["memorize", "--run", "RUN", "--shards", "SHARDS"], "a smaller --prefix"),
        (["memorize", "--run", "RUN", "--shards", "OTHER", "--tokens", "9", "--prefix", "9"], "other shards"),
        (["memorize", "--run", "RUN", "--shards", "SHARDS", "--prefix", "9", "--tokens", "9", "--url", "x"], "explain"),
    ],
)
def test_bad_input_is_one_line(
    wrong: list[str], told: str, folder: Path, write_shards: Callable[..., Path], bateia: Callable[..., Ended]
) -> None:
    other = folder / "other"
    if "OTHER" in wrong and not other.exists():
        write_shards(other, ["the pan " * 20] * 3, HELD_OUT[:1])
    places = {"RUN": folder / "run", "SHARDS": folder / "shards", "OTHER": other}
    ended = bateia(*(places.get(word, word) for word in wrong))
    assert ended.returncode == 2
    assert told in ended.stderr and ended.stderr.count("\n") == 1


def test_the_backend_that_trained_speaks_if_it_is_there() -> None:
    def found(*there: str) -> Any:
        return mock.patch("trainer.generate.generator.find_spec", lambda name: name in there or None)

    with found("jax", "torch"):
        assert [chosen_backend(name) for name in ("jax", "torch", None)] == ["jax", "torch", "jax"]
    with found("torch"):
        assert [chosen_backend(name) for name in ("jax", "torch", None)] == ["torch"] * 3
    with found():
        assert chosen_backend("torch") == "torch"


def test_a_backend_that_is_missing_names_the_remedy() -> None:
    absent = ModuleNotFoundError("No module named 'torch'", name="torch")
    with (
        mock.patch("trainer.generate.generator.import_module", side_effect=absent),
        pytest.raises(BadInput, match=r"needs torch; install it with `pip install -e '\.\[torch\]'`"),
    ):
        make_decoder("torch", {}, None)  # pyright: ignore[reportArgumentType]


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_backends_are_equally_surprised(folder: Path) -> None:
    tokens = next(iter(DocumentTokens(read_shards(str(folder / "shards")), VAL).all())).tokens.tolist()[:32]
    ours, theirs = (load_generator(str(folder / "run"), name).decoder.logits(tokens) for name in ("jax", "torch"))
    assert ours.shape == theirs.shape == (32, 260) and ours.dtype == theirs.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert len(list(DocumentTokens(read_shards(str(folder / "shards")), TRAIN).all())) == 8
