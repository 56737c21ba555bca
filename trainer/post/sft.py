"""Supervised fine-tuning: a run's weights trained on conversations, with rows of its pretraining among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput
from schemas.setting import setting
from schemas.shards.layout import PlanInfo, ShardsInfo, open_shards
from trainer.data.batches import Batch, PlanReader, check_sharing
from trainer.generate.chat import ChatFormat
from trainer.generate.text import Text
from trainer.model.config import ModelConfig, from_hf
from trainer.run.checkpoints import MODEL, Checkpoint, find_checkpoint, run_of
from trainer.run.job import Parent, TrainJob, read_data
from trainer.run.resume import settled
from trainer.settings import TrainRecipe, default_rate

LOWER = 0.2  # of the pretraining's rate: what is known is to be used, not learned anew; ours, measured with replay
SFT = "sft"


@dataclass(frozen=True)
class Replay:
    """Rows of the pretraining among a batch's conversations, so that what was learned there is kept.

    Raises BadInput for a share that can't be.
    """

    replay: str | None = setting(None, "shards of the pretraining", none="none", metavar="DIR")
    replay_plan: str = setting("main", "their plan", metavar="NAME")
    replay_share: float = setting(0.5, "share of a batch's rows that are the pretraining's", "ours", metavar="F")

    def __post_init__(self) -> None:
        if not 0 < self.replay_share < 1:
            raise BadInput(f"a share of {self.replay_share} of the rows can't be replayed; give one between 0 and 1")

    def rows_of(self, batch_size: int) -> int:
        """Of a batch."""
        return 0 if self.replay is None else min(max(round(batch_size * self.replay_share), 1), batch_size - 1)


class MixedRows:
    """`BatchSource`: the first rows of a batch are a plan's, the last ones another's, as many in each step.

    Step s has rows s · R … of either plan, R being its own rows of a batch: `bateia explain-batch` with that as the
    batch size names them.
    """

    ahead = 4

    def __init__(self, main: PlanReader, other: PlanReader, other_rows: int, batch_size: int) -> None:
        self._main, self._other, self._other_rows, self._batch_size = main, other, other_rows, batch_size

    def batch(self, step: int, batch_size: int, rank: int = 0, world: int = 1) -> Batch:
        check_sharing(batch_size, rank, world)
        parts = [reader.batch_of(rows) for reader, rows in self._rows(step)]
        arrays = zip(*(part.arrays() for part in parts), strict=True)
        return Batch(*(np.concatenate(pair)[rank::world] for pair in arrays))

    def learned(self, step: int, batch_size: int) -> int:
        return sum(reader.learned_of(rows) for reader, rows in self._rows(step))

    def described(self, row: int) -> dict[str, Any]:
        step, place = divmod(row, self._batch_size)
        (main, own), (other, replayed) = self._rows(step)
        if place < len(own):
            return main.described(own[place])
        return other.described(replayed[place - len(own)])

    def _rows(self, step: int) -> list[tuple[PlanReader, range]]:
        own = self._batch_size - self._other_rows
        parts = ((self._main, own), (self._other, self._other_rows))
        return [(reader, range(step * rows, (step + 1) * rows)) for reader, rows in parts]


@dataclass(frozen=True)
class Base:
    """A trained run that a later stage begins with.

    folder: the run's
    model: its shape
    ids: of its tokenizer, as shards' manifests tell them
    """

    folder: str
    checkpoint: Checkpoint
    model: ModelConfig
    ids: dict[str, Any]

    @property
    def parent(self) -> Parent:
        sha256 = self.checkpoint.state["files"][MODEL]["sha256"]
        return Parent(self.folder, self.checkpoint.step, sha256, self.checkpoint.folder / MODEL)

    def chat(self) -> ChatFormat:
        """Raises BadInput for a tokenizer without the tokens of a chat."""
        return ChatFormat(Text(self.tokenizer), self.ids["bos_id"])

    @property
    def tokenizer(self) -> Path:
        return Path(run_of(self.folder)) / "tokenizer"


def open_base(run: str) -> Base:
    """The newest checkpoint of a run, or RUN@STEP's. Raises BadInput if there is none."""
    checkpoint = find_checkpoint(Path(run))
    config = checkpoint.config()
    data = checkpoint.state["data"]
    ids = {
        "bos_id": config["bos_token_id"],
        "eos_id": config["eos_token_id"],
        "pad_id": config["pad_token_id"],
        "vocab_size": config["vocab_size"],
        "tokenizer_sha256": data["tokenizer_sha256"],
    }
    return Base(run, checkpoint, from_hf(config), ids)


def plan_sft(
    base: Base,
    conversations: str,
    recipe: TrainRecipe,
    replay: Replay,
    only_row: int | None = None,
    **options: Any,
) -> tuple[TrainJob, MixedRows | None]:
    """A fine-tuning as asked for, and where its batches come from if not from the conversations alone.

    recipe: its model is not heeded, it is the base's
    only_row: train nothing but the output row of this token
    options: of TrainJob

    Raises BadInput for what does not fit together.
    """
    info, plan = read_data(conversations, "main")
    require_fit(base, info, plan, conversations)
    job_settings = settled(recipe, **options).settings_for(info.vocab_size, plan.context)
    rate = recipe.lr if recipe.lr is not None else LOWER * default_rate(base.model)
    settings = replace(
        job_settings,
        model=base.model,
        separate_documents=True,
        schedule=replace(job_settings.schedule, peak=rate),
        weight_decay=0.0 if only_row is not None else recipe.weight_decay,
        only_row=only_row,
    )
    plain = bool(open_shards(conversations)[1].settings.get("plain", False))
    asked: dict[str, Any] = {"chat": not plain}
    source = None
    if replay.replay is not None:
        kept, kept_plan = read_data(replay.replay, replay.replay_plan)
        require_fit(base, kept, kept_plan, replay.replay)
        if kept_plan.context != plan.context:
            raise BadInput(
                f"{replay.replay} has rows of {kept_plan.context:,} tokens and {conversations} of {plan.context:,}; "
                f"make the conversations' shards with --context {kept_plan.context}"
            )
        rows = replay.rows_of(recipe.batch_size)
        asked |= {"replay": {"plan_hash": kept_plan.dataset_hash, "rows": rows}}
        readers = PlanReader(info, plan), PlanReader(kept, kept_plan)
        source = MixedRows(*readers, rows, recipe.batch_size)
    job = TrainJob(
        shards=info,
        plan=plan,
        settings=settings,
        stage=SFT,
        parent=base.parent,
        asked=asked,
        ends_with=None if plain else base.chat().end,
        **options,
    )
    return job, source


def require_fit(base: Base, info: ShardsInfo, plan: PlanInfo, folder: str) -> None:
    """Raises BadInput for shards of another tokenizer than the run's, or longer rows."""
    if info.tokenizer_sha256 != base.ids["tokenizer_sha256"]:
        raise BadInput(f"{folder} is of another tokenizer than run {base.folder}; make it with the run's")
    if plan.context > base.model.context:
        raise BadInput(
            f"{folder} has rows of {plan.context:,} tokens, and run {base.folder} a context of "
            f"{base.model.context:,}; give a smaller --context"
        )
