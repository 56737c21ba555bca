"""Shards to a trained model: what `bateia train` does, and the same as a stage of a whole recipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pipelines.engine.children import run_command
from pipelines.engine.run import Phases, Stopped
from schemas.faults import BadInput, BrokenRun
from schemas.lease import release_all
from schemas.wording import command_line, plural
from trainer.backend.protocol import Group
from trainer.run.folder import RunFolder
from trainer.run.job import TrainJob, read_data
from trainer.settings import DTYPES, TrainRecipe

if TYPE_CHECKING:
    from trainer.data.batches import BatchSource
    from trainer.run.loop import Hook

EXIT_BROKEN, EXIT_BAD_INPUT = 1, 2


@dataclass(frozen=True)
class TextSamples:
    """Texts that the model writes at each evaluation.

    tokens: length of each; 0 for no texts.
    prompts: texts to continue.
    """

    tokens: int
    prompts: tuple[str, ...] = ()


def plan_training(shards: str, plan: str, recipe: TrainRecipe, **options: Any) -> TrainJob:
    """A training as asked for. options: of TrainJob. Raises BadInput for what can't be trained so."""
    from trainer.run.resume import settled

    info, of_plan = read_data(shards, plan)
    recipe = settled(recipe, **options)
    return TrainJob(
        shards=info, plan=of_plan, settings=recipe.settings_for(info.vocab_size, of_plan.context), **options
    )


def train(
    job: TrainJob,
    samples: TextSamples,
    group: Group,
    source: BatchSource | None = None,
    hooks: Sequence[Hook] = (),
) -> int:
    """Train to the end or until a signal, and write report and manifest. Returns the exit code.

    source: of batches; None for the job's plan.
    hooks: what else the training does.

    Raises BadInput in the first process; the others return its exit code.
    """
    try:
        return run_training(job, samples, group, source, hooks)
    finally:
        release_all()


def run_training(
    job: TrainJob, samples: TextSamples, group: Group, source: BatchSource | None, hooks: Sequence[Hook]
) -> int:
    """What `train` does while it has the output's lease."""
    from trainer.generate.samples import SampleTexts
    from trainer.run.hooks import standard_hooks
    from trainer.run.loop import Training
    from trainer.run.stopping import Stopper

    if group.rank == 0 and not job.quiet:
        announce(job)
    try:
        with Stopper() as stopper:
            done_too = [*standard_hooks(job), *hooks]
            if samples.tokens:
                done_too.append(SampleTexts(job, samples.tokens, samples.prompts))
            training = Training(job, done_too, group, source=source)
            ended = training.run(stopper)
        told = finish(training) if training.is_first and ended else []
    except (BadInput, BrokenRun) as fault:
        if group.rank == 0:
            if isinstance(fault, BadInput):
                raise
            sys.stderr.write(f"bateia: {fault}\n")
        return EXIT_BAD_INPUT if isinstance(fault, BadInput) else EXIT_BROKEN
    if told:
        print("\n".join(told))
    elif training.is_first:
        done = f"stopped after {training.steps:,} of {plural(job.settings.steps, 'step')}, all saved in {job.output}"
        sys.stderr.write(f"bateia: {done}. The same command goes on from there.\n")
    return 0 if ended else stopper.exit_code


def announce(job: TrainJob) -> None:
    """What will be trained, on stderr, before packages are loaded that take seconds. Raises BadInput if it can't be."""
    from trainer.forecast import cautions, forecast
    from trainer.run.resume import check

    check(job)
    notes = [f"note: {text}" for text in cautions(job)] if job.parent is None else []
    lines = [forecast(job), *notes, f"starting {job.backend} in {job.settings.dtype}, then compiling"]
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()


def finish(training: Any) -> list[str]:
    """Report, page and manifest. Returns the summary."""
    from pipelines.reports.render import PAGE, decode, write_page
    from pipelines.reports.training import TrainingReport, render_page
    from schemas.storage import join
    from trainer.run.finish import declare_finished, make_report

    job, backend = training.job, training.backend
    numbers = make_report(job, backend.device_kind, backend.devices)
    report = decode(numbers, TrainingReport, "the training's report")
    write_page(join(job.output, PAGE), render_page(report))
    declare_finished(job, numbers)
    return summary(job.output, report)


def summary(output: str, report: Any) -> list[str]:
    """report: pipelines.reports.training.TrainingReport."""
    totals = report.totals
    loss = "not finite" if totals.loss is None else f"{totals.loss:.4f}"
    pace = f"{totals.tokens_per_s or 0:,.0f} tokens/s on {report.devices} {report.device}"
    mfu = f", MFU {totals.mfu:.1%}" if totals.mfu else ""
    slices = report.evals[-1].slices if report.evals else {}
    bits = [f"{name} {item.bits_per_byte:.3f}" for name, item in slices.items() if item.bits_per_byte]
    return [
        f"{plural(report.parameters, 'parameter')}, {plural(totals.steps, 'step')}, "
        f"{plural(totals.tokens, 'token')}; loss {loss}",
        f"{pace}{mfu}; {totals.waited_share or 0:.1%} of the time waited for data",
        *([f"bits per byte: {', '.join(bits)}"] if bits else []),
        f"look at {output}/report.html; try {command_line('sample', '--run', output, '--prompt', 'The history of')}",
    ]


@dataclass(frozen=True)
class TrainRun:
    """The training of a recipe. It runs as a process of its own, `bateia train`: with memory in huge pages, without
    what Beam's workers left behind, and with its own way to stop."""

    output: str
    shards: str
    plan: str
    recipe: TrainRecipe

    def is_finished(self) -> bool:
        return RunFolder(self.output).is_finished(self._asked())

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        """None where the training itself goes on, for more steps."""
        return RunFolder(self.output).finished_differences(self._asked())

    def _asked(self) -> dict[str, Any]:
        """No device is asked for its dtype: this process would hold its memory while the training's own needs it."""
        from trainer.run.resume import dtype_of

        recipe = self.recipe.settled(dtype_of(self.output) or DTYPES[0])
        job = plan_training(self.shards, self.plan, recipe, output=self.output)
        return {"settings": job.settings.as_dict(), "data": job.data}

    def prepare(self, overwrite: bool) -> None:
        """What the training itself does, in its own process."""

    def progress_summary(self) -> str:
        return "checkpoints are"

    def execute(self, phases: Phases) -> TrainSummary:
        """Raises Stopped with the training's exit code if it did not come to its end."""
        execution = phases.execution
        options = [*(["--overwrite"] if execution.overwrite else []), *(["--quiet"] if execution.quiet else [])]
        command = ["train", "--shards", self.shards, "--plan", self.plan, "--output", self.output, *options]
        if code := run_command([*command, *flags_of(self.recipe)]):
            raise Stopped(code)
        return TrainSummary()


@dataclass(frozen=True)
class TrainSummary:
    """Empty: the training's own process has printed its summary."""

    def lines(self) -> Sequence[str]:
        return ()


def flags_of(recipe: TrainRecipe) -> list[str]:
    """The options of `bateia train` that make this recipe."""
    flags: list[str] = []
    for field in fields(recipe):
        value, flag = getattr(recipe, field.name), f"--{field.name.replace('_', '-')}"
        if value is True:
            flags.append(flag)
        elif value is not None and value is not False:
            flags += [flag, str(value)]
    return flags
