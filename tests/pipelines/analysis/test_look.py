"""`bateia look`: the page computes what the model computes, run by node; larger models as a recorded pass."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.analysis.look import RECORDED_LOGITS, RECORDED_TOKENS, look_into
from pipelines.reports.model.look import SCRIPTS, packed, render_page
from schemas.faults import BadInput
from support.pages import Elements, in_browser, in_node
from support.runs import uneven_weights, write_run
from support.shards import BOS, SPECIALS, byte_tokenizer, encode
from trainer.generate.generator import load_generator
from trainer.generate.sampling import Sampling, distribution
from trainer.model.config import SIZES, ModelConfig

Call = Callable[..., subprocess.CompletedProcess[str]]

TEXT = "The pan é\nwashes gold."
SMALL = ModelConfig(260, 32, dim=24, layers=2, heads=4, kv_heads=2, hidden=400, tied=False)
NANO = ModelConfig(2048, 256, **SIZES["nano"])
HOSTILE = "</script><script>alert(1)</script><!--'\"&\u202e\u2028{{ 1234*4321 }}{% raw %}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("look") / "run", SMALL, uneven_weights(SMALL, 30))


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("look") / "nano", NANO, uneven_weights(NANO, 12))


def page_of(run: Path, text: str = TEXT, **options: Any) -> str:
    return render_page(look_into(str(run), text, **options), {"bateia": "0.1.0"})


def carried(page: str) -> Any:
    return json.loads(Elements(page).texts["data"][0])


# --- What the page computes -------------------------------------------------------------------------------------------

LOGITS = "((llama) => job.tokens.map((token, at) => (llama.read(token), Array.from(llama.logits(at)))))"
LOGITS += "(new Llama(job.data.shape, job.data.sizes, job.data.weights))"


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("name", ["run", "nano"])
def test_logits_are_the_backends(name: str, backend: str, request: pytest.FixtureRequest) -> None:
    """Of a model that is as sure of itself as one that knows its training text by heart."""
    pytest.importorskip(backend, reason=f"the {backend} extra is not installed")
    folder = request.getfixturevalue(name)
    page, tokens = page_of(folder), encode(TEXT)
    assert len(page.encode()) <= 5_000_000
    found = np.array(in_node(SCRIPTS, LOGITS, {"data": carried(page), "tokens": tokens}))
    expected = load_generator(str(folder), backend).decoder.logits(tokens)
    assert np.abs(expected).max() > 10
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_checkpoint_is_named_by_its_step(run: Path) -> None:
    newest, named = (look_into(name, TEXT) for name in (str(run), f"{run}@7"))
    assert named.weights == newest.weights and named.step == 7
    with pytest.raises(BadInput, match="no sound checkpoint of step 8"):
        look_into(f"{run}@8", TEXT)


def test_what_is_shown_is_what_a_pass_records(run: Path) -> None:
    """The script's own positions and those that Python records, by the same names; the MLP is wider than a strip."""
    program = "((live) => (live.take(job.text), Array.from({length: live.length}, (_, at) => live.view(at))))"
    live = in_node(SCRIPTS, f"{program}(new Live(job))", carried(page_of(run)))
    recorded = carried(page_of(run, most_parameters=0))["recorded"]
    assert len(live) == len(recorded) == len(encode(TEXT))
    for ours, theirs in zip(live, recorded, strict=True):
        assert len(ours["logits"]) == 260 and len(theirs["logits"]) == RECORDED_LOGITS
        ours["logits"] = ours["logits"][:RECORDED_LOGITS]
        ours["attention"] = [[list(head.values()) for head in layer] for layer in ours["attention"]]
        assert ours.keys() == theirs.keys() and ours["token"] == theirs["token"]
        assert [len(strip) for strip in ours["hidden"]] == [200, 200]
        for name in ("embedding", "lengths", "attention"):
            np.testing.assert_allclose(ours[name], theirs[name], atol=2e-3, rtol=2e-3)
        # Sizes alone: of two neighbours that are nearly as far from 0, either may stand for both.
        np.testing.assert_allclose(np.abs(ours["hidden"]), np.abs(theirs["hidden"]), atol=2e-3, rtol=2e-3)
        for one, other in zip([*ours["lens"], ours["logits"]], [*theirs["lens"], theirs["logits"]], strict=True):
            np.testing.assert_allclose([value for _, value in one], [value for _, value in other], atol=2e-3)
        assert ours["lens"][-1][0][0] == theirs["logits"][0][0]


def test_a_text_is_read_on_from_where_it_changed(run: Path) -> None:
    """Typing keeps what it can; a text longer than the context is cut, and the rest counted."""
    program = """((live, anew) => {
        const left = job.texts.map((text) => live.take(text));
        anew.take(job.texts[job.texts.length - 1]);
        const all = (one) => Array.from({length: one.length}, (_, at) => one.view(at));
        return {left, same: JSON.stringify(all(live)) === JSON.stringify(all(anew)), full: live.isFull};
    })(new Live(job), new Live(job))"""
    for texts, left, full in ((["gold", "gold pan", "good pan", "g"], [0] * 4, False), (["", "x" * 40], [0, 9], True)):
        found = in_node(SCRIPTS, program, {**carried(page_of(run)), "texts": texts})
        assert found == {"left": left, "same": True, "full": full}


@pytest.mark.parametrize("temperature", [0, 0.3, 1, 2])
def test_probabilities_are_those_of_sampling(temperature: float) -> None:
    logits = np.random.default_rng(1).normal(0, 3, 50).astype(np.float32)
    program = "shares(sorted(job.logits), job.temperature)"
    found = dict(in_node(SCRIPTS, program, {"logits": logits.tolist(), "temperature": temperature}))
    expected = distribution(logits, Sampling(temperature=temperature, top_k=0, top_p=1))
    np.testing.assert_allclose([found[token] for token in range(50)], expected, atol=1e-6)
    drawn = in_node(SCRIPTS, "[0, 0.5, 0.9999999].map((x) => drawnFrom([[7, 0.4], [8, 0.6]], x))", None)
    assert drawn == [7, 8, 8]


def test_weights_are_packed_to_a_hair_of_their_rows() -> None:
    weight = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
    weight[2] = 0
    for given in (weight, weight[0]):
        rows, columns = np.atleast_2d(given).shape
        program = f"Array.from(unpack(job, {rows}, {columns}).data)"
        found = np.reshape(in_node(SCRIPTS, program, packed(given)), given.shape)
        most = np.abs(np.atleast_2d(given)).max(axis=1, keepdims=True).reshape(-1, 1)
        assert (np.abs(np.atleast_2d(found - given)) <= most / 2**23).all() and found.min() < 0


# --- The page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"most_parameters": 0}], ids=["live", "recorded"])
def test_the_page_is_self_contained(tmp_path: Path, options: dict[str, int]) -> None:
    rules = json.loads(byte_tokenizer())
    rules["model"]["vocab"][HOSTILE] = 260
    config = ModelConfig(261, 32, dim=16, layers=1, heads=2, kv_heads=1, hidden=24)
    folder = write_run(tmp_path / HOSTILE.replace("/", "<"), config, uneven_weights(config), json.dumps(rules))
    page = page_of(folder, HOSTILE, **options)
    elements = Elements(page)
    elements.assert_self_contained(scripts=2)
    data = carried(page)
    assert (data["text"], data["vocabulary"]["names"][260]) == (HOSTILE, HOSTILE)
    assert "5332114" not in page and "\u202e" not in elements.texts["footer"][0]
    assert (data["weights"] is None, data["recorded"] is None) == (bool(options), not options)


def test_the_same_run_is_the_same_page(run: Path) -> None:
    assert page_of(run) == page_of(run)


@pytest.mark.slow
def test_a_browser_shows_a_model(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page_of(run))
    shown = Elements(in_browser(file, "--dump-dom"))
    text = shown.texts["tokens"][-1]
    assert text == "<s>" + TEXT.replace("é", r"\xc3\xa9").replace("\n", "⏎\n").replace(" ", "·")
    assert "Position 24 of 24: token 50, ." in shown.texts["told"][0]
    assert [row.split(" ")[0] for row in shown.texts["lens"]] and shown.texts["degrees"] == ["1.00"]
    probabilities = load_generator(str(run)).decoder.logits(encode(TEXT))[-1]
    expected = distribution(probabilities, Sampling(temperature=1, top_k=0, top_p=1))
    assert f"{100 * expected.max():.1f} %" in shown.texts["value"]


@pytest.mark.slow
def test_a_browser_shows_a_recorded_pass(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page_of(run, most_parameters=0))
    shown = Elements(in_browser(file, "--dump-dom"))
    assert "Position 24 of 24: token 50, ." in shown.texts["told"][0]
    assert "textarea" not in shown.texts and "actions" not in shown.texts


def test_a_recorded_pass_has_an_end(run: Path) -> None:
    report = look_into(str(run), "gold " * 30, most_parameters=0)
    assert report.recorded is not None
    assert (len(report.recorded), report.not_read) == (min(RECORDED_TOKENS, 32), 151 - 32)
    assert "119 tokens" in render_page(report, {})


def test_the_command(run: Path, bateia: Call, tmp_path: Path) -> None:
    page = tmp_path / "look.html"
    ended = bateia("look", "--run", run, "--text", TEXT, "--html", page)
    assert (ended.returncode, ended.stdout) == (0, f"open {page} in a browser; it needs no network\n"), ended.stderr
    assert carried(page.read_text())["text"] == TEXT
    broken = write_run(tmp_path / "broken", SMALL, {"model.norm.weight": np.ones(24, np.float32)})
    for arguments, said in (
        (("--run", tmp_path / "none", "--html", page), "does not exist; check the path"),
        (("--run", tmp_path, "--html", page), "holds no finished checkpoint"),
        (("--run", broken, "--html", page), "do not fit its config.json"),
        (("--run", run, "--text", "\udcff", "--html", page), "UTF-8"),
        (("--run", run), "--html"),
    ):
        ended = bateia("look", *arguments)
        assert ended.returncode == 2, arguments
        [line] = ended.stderr.splitlines()
        assert said in line
    assert SPECIALS.index("<s>") == BOS


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    weights = uneven_weights(SMALL)
    weights["model.norm.weight"][0] = np.nan
    folder = write_run(tmp_path / "run", SMALL, weights)
    for most in (0, 10**9):
        with pytest.raises(BadInput, match="not finite"):
            look_into(str(folder), TEXT, most)
