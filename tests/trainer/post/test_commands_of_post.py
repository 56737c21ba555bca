"""The commands from conversations to an arena, one after the other, on a tiny model; and what each refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.sample.people import make_town
from support.chat_runs import write_run
from trainer.probes.told import write_facts

pytest.importorskip("jax", reason="the jax extra is not installed")

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("post")
    write_run(folder / "base", context=96)
    return folder


def done(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_from_conversations_to_an_arena(bateia: Call, folder: Path) -> None:
    made, shards, tuned = folder / "basics.jsonl", folder / "conversations", folder / "sft"
    assert "120 conversations" in done(bateia("converse", "make", "--kind", "basics", "--count", 120, "--output", made))
    shown = done(bateia("converse", "shard", "--input", made, "--run", folder / "base", "--show", 2))
    assert shown.count("<|assistant|>«") == 2 and shown.count("<|end|>»") == 2
    told = done(bateia("converse", "shard", "--input", made, "--run", folder / "base", "--output", shards))
    assert "to train" in told and "held out" in told and "padding" in told
    options = ("--steps", 3, "--batch-size", 4, "--quiet", "--keep-every", 1, "--save-every", 1)
    done(bateia("sft", "--run", folder / "base", "--conversations", shards, "--output", tuned, *options))
    assert (tuned / "report.html").is_file() and len(list((tuned / "checkpoints").iterdir())) == 3
    source = json.loads((tuned / "manifest.json").read_text())["source"]
    assert [Path(one["path"]).name for one in source] == ["conversations", "base"]
    assert done(bateia("chat", "--run", tuned, "--say", "Hi", "--tokens", 5)).startswith("> Hi\n")
    done(bateia("search", "index", "--shards", shards, "--output", folder / "index"))
    careful = ("--search-when-unsure", 0, "--index", folder / "index")
    assert "[not looked up: 0." in done(bateia("chat", "--run", tuned, "--say", "Hi", "--tokens", 5, *careful))
    for name in ("sft@1", "sft@3"):
        scores = folder / f"{name}.jsonl"
        asked = ("--conversations", made, "--shards", shards, "--tokens", 8, "--tasks", "multiply", "--questions", 4)
        table = done(bateia("bench", "--run", folder / name, *asked, "--output", scores))
        assert "multiply" in table and "seen in training" in table
    table = done(bateia("arena", "--scores", folder / "sft@1.jsonl", folder / "sft@3.jsonl", "--baseline", "sft@1"))
    assert " 1000 " in table and "sft@3" in table
    assert "as it likes" in done(bateia("think", "--run", tuned, "--budgets", 0, 2, "--questions", 4))
    few = ("--task", "multiply", "--samples", 2, "--tokens", 4)
    assert done(bateia("rl", "--run", tuned, *few, "--dry-run")) == ""
    refused = bateia(
        "rl", "--run", tuned, "--task", "multiply", "--samples", 2, "--tokens", 4, "--output", folder / "x"
    )
    assert refused.returncode == 2 and "a reward finds nothing here" in refused.stderr
    short = ("--samples", 2, "--prompts", 2, "--tokens", 4, "--steps", 1, "--test-questions", 4, "--anyway", "--quiet")
    done(bateia("rl", "--run", tuned, "--task", "multiply", *short, "--output", folder / "rl"))
    assert (folder / "rl" / "tests.jsonl").is_file() and (folder / "rl" / "report.html").is_file()
    missing = bateia("sample", "--run", f"{tuned}@9")
    assert missing.returncode == 2 and "no sound checkpoint of step 9; there is 1, 2, 3" in missing.stderr


@pytest.mark.slow
def test_sentences_of_held_out_pages_are_ended(bateia: Call, write_shards: Callable[..., Path], tmp_path: Path) -> None:
    """By command; one of the sentences stands in a page of the training too, which its line names."""
    sentences = [
        "The miner washed much gravel before breakfast.",
        "A child carries three books along to school.",
        "Cold wind blows over empty fields until sunset.",
        "That man cooks rice and beans for each dinner.",
        "Small birds look out for seeds through winter.",
    ]
    held = [f"Um dia. {sentence} It rained." for sentence in sentences]
    shards = write_shards(tmp_path / "shards", ["Only this is told here.", f"Again: {sentences[2]}"], held)
    write_run(tmp_path / "run", (shards / "tokenizer" / "tokenizer.json").read_text(), context=96)
    asked = ("bench", "--run", tmp_path / "run", "--cloze", 5, "--shards", shards)
    table = done(bateia(*asked, "--output", tmp_path / "scores.jsonl"))
    scores = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [score["task"] for score in scores] == ["cloze"] * 5
    assert all(
        any(one.endswith(f" {score['answer']}.") for one in sentences) and score["stopped"] is None for score in scores
    )
    assert sum(score["seen"] is not None for score in scores) == 1
    right = sum(score["right"] for score in scores) / 5
    assert f"{right:.1%}" in table and "20.0%" in table
    alone = bateia("bench", "--run", tmp_path / "run", "--cloze", 5, "--output", tmp_path / "o")
    assert alone.returncode == 2 and "give --shards" in alone.stderr and not (tmp_path / "o").exists()


@pytest.mark.slow
def test_facts_are_probed_and_label_refusals(bateia: Call, folder: Path) -> None:
    write_facts(str(folder / "facts.jsonl"), make_town(2, (0, 3)).facts)
    probe = ("probe", "--run", folder / "base", "--facts", folder / "facts.jsonl")
    table = done(bateia(*probe, "--json", folder / "known.json"))
    assert "known" in table and "AUROC" in table
    assert "unknown" in done(bateia(*probe, "--group", "C", "--known-by", folder / "known.json"))
    asked = (
        "converse",
        "make",
        "--kind",
        "refusals",
        "--output",
        folder / "r.jsonl",
        "--facts",
        folder / "facts.jsonl",
    )
    refused = bateia(*asked, "--labels", folder / "known.json")
    assert refused.returncode == 2 and "is learned from both" in refused.stderr


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("converse", "make", "--kind", "odes", "--output", "o"), "no kind of conversations is called 'odes'"),
        (("converse", "make", "--kind", "corpus", "--output", "o"), "give --shards"),
        (("converse", "make", "--kind", "refusals", "--output", "o"), "give --facts and --labels"),
        (("converse", "make", "--kind", "searches", "--output", "o"), "give --facts"),
        (("converse", "make", "--kind", "task", "--output", "o"), "give --task"),
        (("converse", "make", "--kind", "task", "--task", "x", "--output", "o"), "no task is called 'x'"),
        (("bench", "--run", "base", "--output", "o"), "nothing is asked"),
        (("rl", "--run", "base", "--task", "multiply"), "give --output"),
        (("arena", "vote", "--runs", "base", "--output", "o"), "two --runs or more"),
        (("chat", "--run", "base", "--say", "x"), "not trained on conversations"),
        (("chat", "--run", "base", "--search-when-unsure", "--say", "x"), "the search needs its index"),
        (("chat", "--run", "base", "--tools", "shell", "--say", "x"), "no tool is called 'shell'"),
        (("probe", "--run", "base", "--facts", "basics", "--group", "D"), "no group is called 'D'"),
    ],
)
def test_what_is_refused(
    bateia: Call, folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], fault: str
) -> None:
    monkeypatch.chdir(folder)
    refused = bateia(*words)
    assert refused.returncode == 2 and fault in refused.stderr, refused.stderr
    assert not (folder / "o").exists()
