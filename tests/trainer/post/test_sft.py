"""Fine-tuning: it begins with a run's weights, goes on after a crash, is the same in both frameworks, and replays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.faults import BadInput
from support.chat_runs import byte_tokenizer, write_run
from support.training import CrashAfter, losses
from trainer.export import export_hf
from trainer.generate.generator import load_generator
from trainer.generate.sampling import Sampling
from trainer.post.answers import rates, score_conversations
from trainer.post.sft import Replay, open_base, plan_sft
from trainer.post.talk import Talk
from trainer.run.checkpoints import find_checkpoint
from trainer.run.hooks import standard_hooks
from trainer.run.loop import Hook, Training
from trainer.run.stopping import Stopper
from trainer.settings import TrainRecipe

from .conftest import echoes

pytest.importorskip("jax", reason="the jax extra is not installed")


def tune(
    run: Path, conversations: Path, output: Path, replay: Path | None = None, hooks: tuple[Hook, ...] = (), **given: Any
) -> Training:
    options = {"backend": given.pop("backend", "jax"), "compiled": False, "save_every": 4, "quiet": True}
    recipe = TrainRecipe(**{"steps": 10, "batch_size": 4, "lr": 0.01, "optimizer": "adamw", **given})
    kept = Replay(str(replay) if replay else None, replay_share=0.25)
    options |= {"eval_every": 1000, "output": str(output)}
    job, source = plan_sft(open_base(str(run)), str(conversations), recipe, kept, **options)
    with Stopper() as stopper:
        training = Training(job, [*standard_hooks(job), *hooks], source=source)
        training.run(stopper)
    return training


@pytest.mark.slow
def test_a_crash_changes_nothing_and_both_frameworks_agree(
    base_run: Path, shard: Callable[..., Path], tmp_path: Path
) -> None:
    conversations, replay = shard(echoes()), shard(echoes(30), "replay")
    whole = tune(base_run, conversations, tmp_path / "whole", replay)
    with pytest.raises(ZeroDivisionError):
        tune(base_run, conversations, tmp_path / "crashed", replay, (CrashAfter(6),))
    tune(base_run, conversations, tmp_path / "crashed", replay)
    assert losses(tmp_path / "crashed") == losses(tmp_path / "whole")
    ends = [find_checkpoint(tmp_path / name).folder for name in ("whole", "crashed")]
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (ends[0] / name).read_bytes() == (ends[1] / name).read_bytes()
    told = json.loads((tmp_path / "whole" / "run.json").read_text())["data"]
    assert told["stage"] == "sft" and told["from"]["step"] == 5 and told["replay"]["rows"] == 1
    # What a row is of: three conversations' rows, and one that is replayed.
    named = [whole.source.described(row)["documents"][0]["doc_id"] for row in range(4)]
    assert all(name.startswith("echo-") for name in named)
    if _torch():
        other = tune(base_run, conversations, tmp_path / "torch", replay, backend="torch")
        pairs = zip(losses(tmp_path / "torch"), losses(tmp_path / "whole"), strict=True)
        assert all(one == pytest.approx(two, rel=1e-4) for one, two in pairs)
        assert other.steps == 10


def _torch() -> bool:
    import importlib.util

    return importlib.util.find_spec("torch") is not None


@pytest.mark.slow
def test_it_learns_to_answer_and_to_stop(base_run: Path, shard: Callable[..., Path], tmp_path: Path) -> None:
    """From never stopping to always; the answer to a letter that was asked in other lengths."""
    conversations = echoes(240)
    before = load_generator(str(base_run))
    held = [one for one in conversations if one.split == "val"]
    sampling, base = Sampling(6, temperature=0), open_base(str(base_run))
    untrained = rates(score_conversations(before.decoder, base.chat(), held, sampling))["all"]
    assert untrained["stopped"] < 0.1
    tune(base_run, shard(conversations), tmp_path / "sft", steps=150, batch_size=16)
    after = load_generator(str(tmp_path / "sft"))
    trained = rates(score_conversations(after.decoder, base.chat(), held, sampling))["all"]
    assert trained["stopped"] == 1 and trained["right"] > 0.9
    talk = Talk(after, sampling, {})
    assert "".join(talk.answer("ccc")) == "d"
    talk.reset()
    assert "".join(talk.answer("mm")) == "n"
    export_hf(tmp_path / "sft", tmp_path / "hf")
    generation = json.loads((tmp_path / "hf" / "generation_config.json").read_text())
    assert generation["eos_token_id"] == [1, 2, 7]
    names = json.loads((tmp_path / "hf" / "tokenizer_config.json").read_text())
    assert "{% generation %}" in names["chat_template"] and names["eos_token"] == "<|end|>"


def test_what_does_not_fit_is_refused(base_run: Path, shard: Callable[..., Path], tmp_path: Path) -> None:
    conversations = shard(echoes())
    other = write_run(tmp_path / "other", byte_tokenizer().replace("<0x41>", "<0x4a1>"))
    with pytest.raises(BadInput, match="another tokenizer"):
        tune(other, conversations, tmp_path / "sft")
    short = write_run(tmp_path / "short", context=16)
    with pytest.raises(BadInput, match=r"rows of 32 tokens.* a context of 16"):
        tune(short, conversations, tmp_path / "sft")
    with pytest.raises(BadInput, match="make the conversations' shards with --context 24"):
        tune(base_run, conversations, tmp_path / "sft", shard(echoes(), "shorter", 24))
    with pytest.raises(BadInput, match="can't be replayed"):
        Replay("x", replay_share=1.0)
    with pytest.raises(BadInput, match="not trained on conversations"):
        Talk(load_generator(str(base_run)), Sampling(), {})
    assert not (tmp_path / "sft").exists()


@pytest.mark.slow
def test_another_parent_is_another_run(base_run: Path, shard: Callable[..., Path], tmp_path: Path) -> None:
    conversations = shard(echoes())
    tune(base_run, conversations, tmp_path / "sft", steps=2)
    with pytest.raises(BadInput, match="data: from"):
        tune(write_run(tmp_path / "two", seed=2), conversations, tmp_path / "sft", steps=2)
    weights = find_checkpoint(base_run).weights()
    tuned = find_checkpoint(tmp_path / "sft").weights()
    moved = [float(np.abs(tuned[name] - value).max()) for name, value in weights.items()]
    assert 0 < max(moved) < 0.05  # two steps away from where it began
