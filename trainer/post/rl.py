"""Reinforcement from a reward that can be verified: `bateia rl`.

On-policy REINFORCE with a group's mean as baseline, as nanochat's chat_rl and Dr. GRPO (arXiv 2503.20783): one update a
batch, a mean over drawn tokens, no KL term, no clipping. The loop is the pretraining's; its batches are answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from schemas.faults import BadInput
from schemas.setting import setting
from schemas.shards.layout import WHOLE, PlanInfo, ShardsInfo
from trainer.data.batches import Batch
from trainer.generate.generator import make_decoder
from trainer.generate.sampling import Writing, generator_of
from trainer.model.decoder import Decoder
from trainer.post.rollouts import Player, Rollout, advantages, batch_of, dead_share, mean
from trainer.post.sft import Base
from trainer.post.tasks.find import TASKS, find_task
from trainer.run.folder import REWARDS, ROLLOUTS, TESTS
from trainer.run.job import TrainJob
from trainer.run.loop import Hook, StepDone, Training
from trainer.settings import Schedule, TrainSettings

RL = "rl"
SHUFFLED, RFT, SFT = CONTROLS = ("shuffled", "rft", "sft")
KEPT_ONE_IN = 16  # rollouts in rollouts.jsonl
BETTER_RATE, BETTER_GAP, LIVE_GROUPS = 0.05, 0.3, 0.2  # the gate; ours, by what learned and what did not


@dataclass(frozen=True)
class RlRecipe:
    """What is learned, and how. Raises BadInput for values that can't be."""

    task: str = setting(about=", ".join(TASKS), metavar="NAME")
    steps: int = setting(40, "updates of the weights", metavar="N")
    prompts: int = setting(8, "questions of a step", metavar="N")
    samples: int = setting(16, "answers to each question", "nanochat's chat_rl", metavar="N")
    tokens: int = setting(48, "of an answer at most, a tool's words included", metavar="N")
    lr: float = setting(5e-4, "learning rate at the first step; it goes down to 0 in a line", "ours", metavar="X")
    optimizer: str = setting("adamw", "adamw or muon", metavar="NAME")
    control: str | None = setting(
        None,
        "shuffled (rewards dealt out anew), rft (right answers imitated), sft (worked examples imitated)",
        none="reinforcement",
        choices=CONTROLS,
    )
    test_questions: int = setting(128, "held-out questions of an evaluation", metavar="N")
    seed: int = setting(1, "draws questions and answers", metavar="N")

    def __post_init__(self) -> None:
        find_task(self.task)
        if self.control not in (None, *CONTROLS):
            raise BadInput(f"no control is called '{self.control}'; known: {', '.join(CONTROLS)}")
        if min(self.steps, self.prompts, self.tokens, self.test_questions) < 1 or self.samples < 2:
            raise BadInput("steps, prompts, tokens and test-questions are 1 or more, samples 2 or more")


def plan_rl(base: Base, recipe: RlRecipe, **options: Any) -> tuple[TrainJob, Answers]:
    """A reinforcement as asked for, and where its batches come from. options: of TrainJob."""
    chat = base.chat()
    settings = TrainSettings(
        model=base.model,
        schedule=Schedule("wsd", recipe.lr, recipe.steps, 0, decay=1.0),
        batch_size=recipe.prompts * recipe.samples,
        optimizer=recipe.optimizer,
        weight_decay=0.0,
        seed=recipe.seed,
    )
    asked = {name: value for name, value in asdict(recipe).items() if name not in ("steps", "lr", "optimizer", "seed")}
    job = TrainJob(
        shards=shards_of(base),
        plan=no_plan(base),
        settings=settings,
        stage=RL,
        parent=base.parent,
        asked={"chat": True, "rl": asked},
        ends_with=chat.end,
        **options,
    )
    return job, Answers(recipe, Player(find_task(recipe.task), chat, recipe.tokens), base)


def shards_of(base: Base) -> ShardsInfo:
    """What the loop asks shards for, of a run that is its own tokenizer's folder."""
    ids = base.ids
    return ShardsInfo(
        folder=str(base.tokenizer.parent),
        dtype=np.dtype("<u2"),
        vocab_size=ids["vocab_size"],
        bos_id=ids["bos_id"],
        eos_id=ids["eos_id"],
        pad_id=ids["pad_id"],
        tokenizer_sha256=ids["tokenizer_sha256"],
        slices={},
        counts={},
        layout_hash="",
        dataset_hash=base.parent.weights_sha256,
    )


def no_plan(base: Base) -> PlanInfo:
    """Answers are planned nowhere."""
    return PlanInfo("", "answers", base.model.context, 0, WHOLE, 0, 0, (), {}, "", "")


class Answers(Hook):
    """`BatchSource` of the model's own answers, and the hook that logs what they earned and tests what was learned."""

    ahead = 0

    def __init__(self, recipe: RlRecipe, player: Player, base: Base) -> None:
        self._recipe, self._player, self._base = recipe, player, base
        self._told: dict[int, tuple[dict[str, Any], list[dict[str, Any]], int]] = {}

    def on_start(self, training: Training) -> None:
        if training.group.world > 1:
            raise BadInput("reinforcement learning runs in one process; start it without torchrun")
        self._training = training
        self._reference = make_decoder(training.job.backend, self._base.checkpoint.weights(), self._base.model)

    def batch(self, step: int, batch_size: int, rank: int = 0, world: int = 1) -> Batch:
        recipe = self._recipe
        decoder = self._training.backend.decoder()
        groups = self._player.group(decoder, recipe.prompts, recipe.samples, (recipe.seed, step))
        rollouts = [rollout for group in groups for rollout in group]
        rewards = self._rewards(step, groups)
        weights = advantages(rewards)
        if recipe.control == RFT:
            weights = [float(rollout.reward == 1) for rollout in rollouts]
        if recipe.control == SFT:
            batch = self._worked(step, batch_size)
        else:
            batch = batch_of(rollouts, weights, self._training.settings.model.context)
        self._told[step] = (
            self._line(step, groups, rewards),
            list(self._kept(step, rollouts, weights)),
            int((batch.mask_BxT != 0).sum()),
        )
        return batch

    def _rewards(self, step: int, groups: Sequence[Sequence[Rollout]]) -> list[list[float]]:
        """By group; as a control dealt out anew among all answers of the step."""
        flat = [rollout.reward for group in groups for rollout in group]
        if self._recipe.control == SHUFFLED:
            order = np.random.Generator(np.random.PCG64([self._recipe.seed, step, 4])).permutation(len(flat))
            flat = [flat[at] for at in order.tolist()]
        size = self._recipe.samples
        return [flat[begin : begin + size] for begin in range(0, len(flat), size)]

    def _worked(self, step: int, batch_size: int) -> Batch:
        """As many worked examples, in the mixture that the model began with: a tenth of them in the better way."""
        player, seed = self._player, self._recipe.seed * 1_000_003 + step
        rows = []
        for conversation in player.task.conversations(batch_size, 0.1, seed):
            rendered = player.chat.render(conversation.messages)
            prompt = rendered.mask.index(1)
            writing = example_writing(rendered.tokens, rendered.mask, prompt)
            question = next(player.task.draw(seed))
            rows.append(Rollout(question, rendered.tokens[:prompt], writing, 1.0, False))
        return batch_of(rows, [1.0] * len(rows), self._training.settings.model.context)

    def _line(
        self, step: int, groups: Sequence[Sequence[Rollout]], rewards: Sequence[Sequence[float]]
    ) -> dict[str, Any]:
        rollouts = [rollout for group in groups for rollout in group]
        drawn = [nats for rollout in rollouts for nats in rollout.sampled_nats]
        return {
            "step": step,
            **summary(rollouts),
            "pass_at_k": float(np.mean([max(rollout.reward for rollout in group) for group in groups])),
            "dead_groups": dead_share(rewards),
            "entropy": mean(drawn),  # of a draw −log p is the entropy in the mean
            "kl_to_parent": self._kl(rollouts),
        }

    def _kl(self, rollouts: Sequence[Rollout]) -> float | None:
        """Mean of log p − log p by the parent, over what was drawn: nats a token."""
        texts = [[*rollout.prompt, *rollout.writing.tokens] for rollout in rollouts]
        differences: list[float] = []
        for rollout, (nats_T, _) in zip(rollouts, self._reference.score(texts), strict=True):
            by_parent = nats_T[len(rollout.prompt) - 1 :].tolist()
            written = zip(rollout.writing.nats, rollout.writing.sampled, by_parent, strict=True)
            differences += [parents - own for own, sampled, parents in written if sampled]
        return mean(differences)

    def _kept(self, step: int, rollouts: Sequence[Rollout], weights: Sequence[float]) -> Any:
        for row, (rollout, weight) in enumerate(zip(rollouts, weights, strict=True)):
            if row % KEPT_ONE_IN == 0:
                written = rollout.writing
                told = {"step": step, "row": row, "question": rollout.question.asked, "prompt": rollout.prompt}
                drawn = {"tokens": written.tokens, "sampled": [int(one) for one in written.sampled]}
                yield {**told, **drawn, "nats": written.nats, "reward": rollout.reward, "weight": weight}

    def learned(self, step: int, batch_size: int) -> int:
        return self._told[step][2]

    def described(self, row: int) -> dict[str, Any]:
        return {"row": row, "documents": []}

    def on_step(self, training: Training, done: StepDone) -> None:
        line, kept, _ = self._told.pop(done.step)
        training.log(REWARDS, line)
        for rollout in kept:
            training.log(ROLLOUTS, rollout)

    def on_eval(self, training: Training) -> None:
        told = tested(self._player, training.backend.decoder(), self._recipe)
        training.log(TESTS, {"step": training.steps, **told})


def example_writing(tokens: Sequence[int], mask: Sequence[int], prompt: int) -> Writing:
    """An example's tokens behind its prompt, as if they had been drawn where the assistant writes them."""
    own = list(tokens[prompt:])
    return Writing(
        tokens[:prompt],
        generator_of(0),
        tokens=own,
        sampled=[bool(bit) for bit in mask[prompt:]],
        nats=[0.0] * len(own),
    )


def summary(rollouts: Sequence[Rollout]) -> dict[str, Any]:
    """Means over answers; of how many there are none, None."""
    better = [rollout.reward for rollout in rollouts if rollout.better]
    direct = [rollout.reward for rollout in rollouts if not rollout.better]
    return {
        "reward": mean([rollout.reward for rollout in rollouts]),
        "better_rate": len(better) / len(rollouts),
        "right_better": mean(better),
        "right_direct": mean(direct),
        "length": mean([len(rollout.writing.tokens) for rollout in rollouts]),
        "ended": mean([rollout.writing.ended for rollout in rollouts]),
    }


def tested(player: Player, decoder: Decoder, recipe: RlRecipe) -> dict[str, Any]:
    """What held-out questions are answered with, greedily and drawn."""
    return {
        "greedy": summary(player.test(decoder, recipe.test_questions, 0)),
        "sampled": summary(player.test(decoder, recipe.test_questions, 0, 1.0)),
    }


@dataclass(frozen=True)
class Gate:
    """Whether there is anything for a reward to find, before a step is made.

    better_rate: share of answers in the better way
    gap: of accuracy between the better way and the direct one; None if one of them does not occur
    live_groups: share of the groups in which rewards differ
    """

    better_rate: float
    gap: float | None
    live_groups: float

    @property
    def faults(self) -> list[str]:
        found = []
        if self.better_rate < BETTER_RATE:
            found.append(f"{self.better_rate:.1%} of the answers are in the better way, {BETTER_RATE:.0%} are needed")
        if self.gap is None or self.gap < BETTER_GAP:
            gap = "unknown" if self.gap is None else f"{self.gap:.2f}"
            found.append(f"the better way's accuracy is {gap} above the direct one's, {BETTER_GAP} is needed")
        if self.live_groups < LIVE_GROUPS:
            found.append(f"rewards differ in {self.live_groups:.0%} of the groups, {LIVE_GROUPS:.0%} are needed")
        return found


def look_at_gate(base: Base, recipe: RlRecipe, decoder: Decoder, groups: int = 16) -> Gate:
    """What the model's answers are like now."""
    player = Player(find_task(recipe.task), base.chat(), recipe.tokens)
    answered = player.group(decoder, groups, recipe.samples, (recipe.seed, 1 << 30))
    told: dict[str, Any] = summary([rollout for group in answered for rollout in group])
    better, direct = told["right_better"], told["right_direct"]
    gap = better - direct if better is not None and direct is not None else None
    dead = dead_share([[rollout.reward for rollout in group] for group in answered])
    return Gate(told["better_rate"], gap, 1 - dead)
