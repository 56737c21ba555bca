"""Reinforcement: what a reward teaches and dealt-out rewards do not; a crash changes nothing; the gate; budgets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.faults import BadInput
from schemas.shards.layout import VAL
from support.training import CrashAfter, losses
from trainer.data.batches import Batch
from trainer.data.chat import Message
from trainer.generate.chat import ChatFormat, call_to
from trainer.generate.sampling import Writing, generator_of
from trainer.post.rl import Gate, RlRecipe, plan_rl
from trainer.post.rollouts import Player, Rollout, advantages, batch_of, dead_share
from trainer.post.sft import Base, open_base
from trainer.post.tasks import find
from trainer.post.tasks.arithmetic import MULTIPLY, SUM_LIST
from trainer.post.tasks.task import Question, Task, said
from trainer.post.think import measure_budgets, wilson
from trainer.post.tools.calculator import CALCULATOR
from trainer.post.tools.tool import Tool, answering
from trainer.run.checkpoints import find_checkpoint
from trainer.run.folder import read_lines
from trainer.run.hooks import standard_hooks
from trainer.run.loop import Hook, Training
from trainer.run.stopping import Stopper

pytest.importorskip("jax", reason="the jax extra is not installed")


class Clean(Task):
    """Earned is an answer of sound UTF-8, ended or not: a quarter of what a model of drawn weights says."""

    def reward(self, question: Question, answer: str, ended: bool) -> float:
        return float("\ufffd" not in answer)


def number(generator: np.random.Generator) -> Question:
    asked = str(generator.integers(1000))
    return Question(asked, asked, "0", said("0"), said("0"))


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(find.TASKS, "clean", Clean("clean", "sound UTF-8", number))


def reinforce(run: Path, output: Path, hooks: Sequence[Hook] = (), **given: Any) -> Training:
    shape = {"steps": 6, "prompts": 4, "samples": 8, "tokens": 2, "lr": 0.01, "test_questions": 32}
    recipe = RlRecipe("clean", **{**shape, **given})
    options = {"output": str(output), "quiet": True, "save_every": 2, "eval_every": 1000}
    job, answers = plan_rl(open_base(str(run)), recipe, **options)
    with Stopper() as stopper:
        training = Training(job, [*standard_hooks(job), answers, *hooks], source=answers)
        training.run(stopper)
    return training


@pytest.mark.slow
def test_a_crash_changes_nothing(base_run: Path, tmp_path: Path) -> None:
    reinforce(base_run, tmp_path / "whole")
    with pytest.raises(ZeroDivisionError):
        reinforce(base_run, tmp_path / "crashed", [CrashAfter(3)])
    reinforce(base_run, tmp_path / "crashed")
    assert losses(tmp_path / "whole") == losses(tmp_path / "crashed")
    for name in ("rewards.jsonl", "tests.jsonl", "rollouts.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "crashed" / name).read_bytes(), name
    folders = [find_checkpoint(tmp_path / name).folder for name in ("whole", "crashed")]
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    first, *_, last = read_lines(tmp_path / "whole" / "rewards.jsonl")
    assert first["kl_to_parent"] == pytest.approx(0, abs=1e-5) and abs(last["kl_to_parent"]) > 1e-4
    assert 0.05 < first["reward"] < 0.6 and first["entropy"] > 5 and first["dead_groups"] < 1
    told = json.loads((tmp_path / "whole" / "run.json").read_text())["data"]
    assert told["stage"] == "rl" and told["rl"]["task"] == "clean" and told["from"]["step"] == 5


@pytest.mark.slow
def test_a_reward_is_learned_and_a_dealt_out_one_is_not(base_run: Path, tmp_path: Path) -> None:
    def last_tested(name: str, **given: Any) -> float:
        reinforce(base_run, tmp_path / name, steps=25, **given)
        return list(read_lines(tmp_path / name / "tests.jsonl"))[-1]["sampled"]["reward"]

    assert last_tested("rl") > 0.6
    assert last_tested("rft", control="rft") > 0.5
    assert last_tested("shuffled", control="shuffled") < 0.45


def test_what_is_drawn_is_weighed_and_what_is_forced_is_not() -> None:
    question = Question("1", "1", "0", (), ())
    writing = Writing([1, 5], generator_of(0), tokens=[7, 8, 9], sampled=[True, False, True], nats=[0.1, 0, 0.2])
    batch = batch_of([Rollout(question, [1, 5], writing, 1.0, False)] * 2, [0.5, -0.5], 6)
    assert batch.x_BxT[0].tolist() == [1, 5, 7, 8, 9, 0] and batch.y_BxT[0].tolist() == [5, 7, 8, 9, 0, 0]
    assert batch.mask_BxT.tolist() == [[0, 0.5, 0, 0.5, 0, 0], [0, -0.5, 0, -0.5, 0, 0]]
    assert batch.mask_BxT.dtype == np.float32
    assert advantages([[1, 0, 0, 0], [1, 1, 1, 1]]) == [0.75, -0.25, -0.25, -0.25, 0, 0, 0, 0]
    assert dead_share([[1, 0], [1, 1], [0, 0], [0, 1]]) == 0.5


@pytest.mark.slow
def test_weights_are_the_same_in_both_frameworks(base: Base) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from trainer.backend.make import make_backend
    from trainer.backend.protocol import Snapshot

    job, _ = plan_rl(base, RlRecipe("clean"), output="nowhere")
    generator = np.random.default_rng(2)
    x, y = (generator.integers(20, 200, (4, 8)).astype(np.int32) for _ in "xy")
    weights = generator.choice([0, 0.75, -0.25], (4, 8)).astype(np.float32)
    batch = Batch(x, y, weights, np.ones_like(x), np.tile(np.arange(8, dtype=np.int32), (4, 1)))
    found = []
    for name in ("jax", "torch"):
        backend = make_backend(name, job.settings, Snapshot(base.checkpoint.weights(), {}), compiled=False)
        result = backend.result(backend.step(batch, 0.01))
        found.append((result, backend.snapshot().weights))
    (one, after), (other, also) = found
    assert one.loss == pytest.approx(other.loss, rel=1e-4) and one.grad_norm == pytest.approx(other.grad_norm, rel=1e-4)
    np.testing.assert_allclose(one.row_losses, other.row_losses, rtol=1e-4)
    for name, value in after.items():
        np.testing.assert_allclose(value, also[name], atol=2e-5, err_msg=name)


def test_a_gate_says_what_is_lacking() -> None:
    assert Gate(0.2, 0.9, 0.8).faults == []
    assert len(Gate(0.01, None, 0.0).faults) == 3
    assert "0.10 above" in Gate(0.2, 0.1, 0.5).faults[0]


@pytest.mark.parametrize("wrong", [{"task": "none"}, {"control": "x"}, {"samples": 1}, {"tokens": 0}])
def test_settings_that_can_not_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        RlRecipe(**{"task": "clean", **wrong})


@pytest.mark.parametrize("task", [MULTIPLY, SUM_LIST])
def test_tasks_hold_out_by_their_content_and_their_work_is_right(task: Task) -> None:
    def some(split: str) -> list[Question]:
        return [question for _, question in zip(range(300), task.draw(3, split), strict=False)]

    trained, tested = some("train"), some(VAL)
    assert not {one.content for one in trained} & {one.content for one in tested}
    assert trained == some("train")
    for one in trained:
        assert one.worked[-1].content == one.answer and one.direct[-1].content == one.answer
        if task is SUM_LIST:
            assert int(one.answer) == sum(map(int, one.asked)) % 5
            assert len(one.worked[0].reasoning.split()) == len(one.asked)
        else:
            assert CALCULATOR.run(one.asked) == one.answer == one.worked[1].content
    made = list(task.conversations(40, 0.25, tested=10))
    assert len({one.id for one in made}) == 50 and sum(one.split == VAL for one in made) == 10
    assert 2 < sum(one.source["template"] == "better" for one in made) < 25


def test_a_call_is_answered_and_the_answer_goes_on(base: Base) -> None:
    chat = base.chat()
    force = answering(chat, {"calculator": CALCULATOR})
    body = chat.body(Message("assistant", "", call=call_to("calculator", "3*4")))
    assert force(0, [*body, chat.end]) == chat.result("12")
    assert force(0, body) == () == force(0, [*chat.text.encode("12"), chat.end])
    wrong = chat.body(Message("assistant", "", call=call_to("calculator", "3*")))
    assert force(0, [*wrong, chat.end]) == chat.result("error")
    assert force(0, [*[chat.call] * 5, chat.end]) == ()
    other = answering(chat, {"search": Tool("search", "", str.upper)})
    assert other(0, [*body, chat.end]) == chat.result("error")


class Counter:
    """A model that thinks in steps of one token and is right after three of them."""

    context = 64

    def __init__(self, chat: ChatFormat) -> None:
        self._chat = chat

    def begin(self, prompts: Sequence[Sequence[int]], room: int = 0) -> np.ndarray:
        self._texts = [list(prompt) for prompt in prompts]
        return self._next()

    def append(self, tokens: Sequence[int]) -> np.ndarray:
        for text, token in zip(self._texts, tokens, strict=True):
            text.append(token)
        return self._next()

    def _next(self) -> np.ndarray:
        chat, rows = self._chat, []
        [step, *_] = chat.text.encode(".")
        for text in self._texts:
            steps = text.count(step)
            if chat.think in text and chat.thought not in text:
                chosen = step
            elif text[-1] in (chat.thought, chat.prompt([])[-1]):
                asked = chat.text.decode(text[: text.index(chat.end)])
                right = str(sum(map(int, asked)) % 5)
                [chosen] = chat.text.encode(right if steps >= 3 else "9")
            else:
                chosen = chat.end
            rows.append(np.eye(chat.text.vocabulary, dtype=np.float32)[chosen] * 50)
        return np.stack(rows)

    def logits(self, tokens: list[int]) -> np.ndarray:
        raise NotImplementedError

    def score(self, texts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        raise NotImplementedError


def test_thinking_is_ended_by_its_budget(base: Base) -> None:
    chat = base.chat()
    found = measure_budgets(Counter(chat), chat, SUM_LIST, [None, 0, 1, 3, 5], questions=20)
    assert [(one.tokens, one.right) for one in found] == [(None, 0), (0, 0), (1, 0), (3, 1), (5, 1)]
    assert abs(found[0].low) < 1e-9 and 0.1 < found[0].high < 0.2 and found[3].low > 0.8
    assert wilson(0, 0) == (0, 1)
    with pytest.raises(BadInput, match="no thinking"):
        measure_budgets(Counter(chat), chat, MULTIPLY, [0])


def test_a_player_thinks_or_calls(base: Base) -> None:
    chat = base.chat()
    player = Player(SUM_LIST, chat, 12)
    answered = player.test(Counter(chat), 4, 1)
    assert [rollout.reward for rollout in answered] == [0] * 4 and not any(rollout.better for rollout in answered)
