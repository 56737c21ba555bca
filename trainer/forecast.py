"""What a training will be, told before it begins: its size, its passes over the data, and what looks like a slip."""

from __future__ import annotations

import math
from collections.abc import Iterator

from schemas.faults import BadInput
from schemas.wording import command_line
from trainer.model.config import parameters, suited_vocabulary, table_parameters
from trainer.run.job import TrainJob
from trainer.settings import TrainSettings

MAX_PASSES = 4  # up to so many, seen text is worth about as much as new text (Muennighoff et al., arXiv 2305.16264)
MAX_PADDING = 0.1  # share of the rows; ours
MAX_TABLE = 0.5  # share of the parameters; ours: more are of tokens than of what is made of them


def forecast(job: TrainJob) -> str:
    """Parameters, steps, tokens without padding, and passes over the plan."""
    settings, plan = job.settings, job.plan
    if not plan.rows:
        return f"{parameters(settings.model):,} parameters; {settings.steps:,} steps of {settings.batch_size:,} rows"
    count = passes(job)
    tokens = round(count * (plan.tokens - plan.rows))  # the first token of a row is no target
    often = f"{count:.2g} passes over" if count > 1 else f"{count:.0%} of"
    return (
        f"{parameters(settings.model):,} parameters; {settings.steps:,} steps of {settings.batch_size:,} rows learn "
        f"{tokens:,} tokens, {often} plan {plan.name}"
    )


def steps_for(settings: TrainSettings, tokens_per_parameter: float) -> int:
    """Steps that learn so many tokens for each parameter. Raises BadInput for a number that is none."""
    if not 0 < tokens_per_parameter < math.inf:
        raise BadInput(f"{tokens_per_parameter} tokens for each parameter can't be learned; give a number above 0")
    return math.ceil(tokens_per_parameter * parameters(settings.model) / settings.tokens_per_step)


def passes(job: TrainJob) -> float:
    return job.settings.steps * job.settings.batch_size / job.plan.rows


def cautions(job: TrainJob) -> Iterator[str]:
    """What is allowed and rarely meant, each with a remedy."""
    plan, model, shards = job.plan, job.settings.model, job.shards.folder
    if (count := passes(job)) > MAX_PASSES:
        fewer = max(round(MAX_PASSES * plan.rows / job.settings.batch_size), 1)
        yield (
            f"{count:.0f} passes over the same text: after about {MAX_PASSES} a model learns it by heart and little "
            f"else (arXiv 2305.16264); give more text, or about {fewer:,} --steps"
        )
    padding = 1 - plan.tokens / (plan.rows * plan.row_tokens)
    if padding > MAX_PADDING:
        most = max(plan.tokens // plan.rows - 1, 1)
        shorter = command_line("plan", "--shards", shards, "--name", "short", "--context", most)
        yield f"{padding:.0%} of the plan's rows are padding; {shorter} makes shorter rows, --packing concat full ones"
    share = table_parameters(model) / parameters(model)
    suited = suited_vocabulary(model)
    if share > MAX_TABLE and suited < model.vocab_size:
        yield (
            f"{share:.0%} of the parameters ({table_parameters(model):,}) are the vocabulary's table of "
            f"{model.vocab_size:,} tokens; `bateia shard` with --vocab-size {suited} suits it, or take a larger model"
        )
    if not any(plan.slices.values()):
        yield "no text is held out, so nothing is evaluated; `bateia shard` with --val-fraction 0.1 holds out a tenth"
