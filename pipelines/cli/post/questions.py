"""`bateia surprisal`, `few-shot`, `memorize`: measurements of a trained model."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pipelines.cli.command import Command
from pipelines.cli.options import add_model, add_outputs, read_text, require_packages, write_outputs, write_page
from pipelines.cli.settings import add_settings, given
from schemas.wording import plural

if TYPE_CHECKING:
    from pipelines.reports.model.fewshot import FewShotReport
    from pipelines.reports.model.memorization import Extraction, MemorizationReport

SHOWN_PASSAGES, PASSAGE_CHARS = 8, 160  # on a terminal
LEAST_TOKENS = 2  # of a passage: any model guesses one token now and then


# --- surprisal --------------------------------------------------------------------------------------------------------


def add_surprisal(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", metavar="TEXT", help="the text itself")
    source.add_argument("--file", metavar="FILE", help="a file in UTF-8; - reads standard input")
    parser.add_argument("--html", metavar="F.html", help="write a page with what was expected at each token")


def run_surprisal(args: argparse.Namespace) -> int:
    text = args.text if args.file is None else read_text(args.file)
    with require_packages():
        from pipelines.analysis.surprisal import score_text
        from trainer.generate.generator import load_generator

        report = score_text(load_generator(args.folder, args.backend), args.folder, text)
    if args.html:
        from pipelines.reports.model.surprisal import render_page
        from trainer.run.job import versions

        write_page(args.html, render_page(report, versions()))
    else:
        from pipelines.engine.terminal import has_colours
        from pipelines.reports.terminal import surprisal_view

        print(surprisal_view(report, colour=has_colours(sys.stdout)))
    return 0


# --- few-shot ---------------------------------------------------------------------------------------------------------


def add_few_shot(parser: argparse.ArgumentParser) -> None:
    from trainer.probes.fewshot import FewShotSettings

    add_model(parser)
    parser.add_argument("--shards", required=True, metavar="DIR", help="shards of its tokenizer with held-out text")
    add_settings(parser, FewShotSettings)
    add_outputs(parser, "--output")


def run_few_shot(args: argparse.Namespace) -> int:
    from pipelines.engine.terminal import StatusLine

    line = StatusLine()

    def show_progress(task: str) -> None:
        if line.replaces:
            line.write(f"{task} …")

    with require_packages():
        from trainer.probes.fewshot import FewShotSettings, measure_few_shot

        settings = FewShotSettings(**given(args, FewShotSettings))
        numbers = measure_few_shot(args.folder, args.shards, settings, args.backend, show_progress).to_json()
    line.clear()
    from pipelines.reports.model.fewshot import FewShotReport, render_page
    from pipelines.reports.render import decode
    from trainer.run.job import versions

    report = decode(numbers, FewShotReport, "the evaluation")
    print(few_shot_table(report))
    write_outputs(args, numbers, lambda: render_page(report, versions()))
    return 0


def few_shot_table(report: FewShotReport) -> str:
    """The right answer's bits per byte, how often it was chosen and how often it was the greedy one."""
    lines = ["task       shots     bits/byte        chosen         exact"]
    for name, task in report.tasks.items():
        for point in task.points:
            bits = f"{point.bits_per_byte:6.3f} ± {point.bits_per_byte_se:.3f}"
            accuracy = f"{point.accuracy:6.1%} ± {point.accuracy_se:4.1%}"
            exact = f"{point.exact:6.1%} ± {point.exact_se:4.1%}"
            lines.append(f"{name:<9}  {point.shots:>5}  {bits:>12}  {accuracy}  {exact}")
    by_chance = f"chosen among {report.candidates}, {report.chance:.1%} by chance; ± is a standard error"
    return "\n".join([*lines, by_chance, *report.notes])


# --- memorize ---------------------------------------------------------------------------------------------------------


def add_memorize(parser: argparse.ArgumentParser) -> None:
    from trainer.probes.prompts import ExtractionSettings

    add_model(parser)
    parser.add_argument("--shards", required=True, metavar="DIR", help="shards that it was trained on")
    add_settings(parser, ExtractionSettings)
    add_outputs(parser, "--output")


def run_memorize(args: argparse.Namespace) -> int:
    with require_packages():
        from trainer.probes.memorization import measure_memorization
        from trainer.probes.prompts import ExtractionSettings

        settings = ExtractionSettings(**given(args, ExtractionSettings))
        numbers = measure_memorization(args.folder, args.shards, settings, args.backend).to_json()
    from pipelines.reports.model.memorization import MemorizationReport, render_page
    from pipelines.reports.render import decode
    from trainer.run.job import versions

    report = decode(numbers, MemorizationReport, "the measurement")
    print(memorization_text(report))
    write_outputs(args, numbers, lambda: render_page(report, versions()))
    return 0


def memorization_text(report: MemorizationReport) -> str:
    from trainer.generate.text import harmless

    lines = [extraction_line(name, extraction, report.extractable) for name, extraction in report.asked.items()]
    by_heart = [passage for passage in report.longest if passage.tokens >= LEAST_TOKENS]
    if not any(extraction.extracted for extraction in report.asked.values()):
        longest = max((passage.tokens for passage in by_heart), default=0)
        rest = (
            f"the longest passage has {plural(longest, 'token')}" if longest else "no prompt is gone on with verbatim"
        )
        lines.append(f"nothing is known by heart: {rest}")
    for passage in by_heart[:SHOWN_PASSAGES]:
        source = f"{passage.url} ({passage.warc_file}, offset {passage.warc_offset}), token {passage.begin}"
        source, text = (harmless(" ".join(value.split())) for value in (source, passage.text))
        cut = text if len(text) <= PASSAGE_CHARS else text[:PASSAGE_CHARS] + "…"
        lines.append(f"\n{plural(passage.tokens, 'token')}, {plural(passage.bytes, 'byte')} of {source}\n  {cut}")
    return "\n".join(lines)


def extraction_line(name: str, extraction: Extraction, extractable: int) -> str:
    from pipelines.reports.model.memorization import PROMPTS

    kind = f"{PROMPTS[name]:<30}"
    if extraction.share is None:
        return f"{kind}  nothing there is long enough"
    error = f" ± {extraction.share_se:.1%}" if extraction.share_se else ""
    share = f"{extraction.extracted:,} of {plural(extraction.prompts, 'prompt')} ({extraction.share:.1%}{error})"
    rest = f"mean {extraction.mean:.1f}, median {extraction.median:g}, longest {extraction.longest}"
    return f"{kind}  {share} go on verbatim for {plural(extractable, 'token')}; {rest}"


COMMANDS = (
    Command(
        name="surprisal",
        group="model",
        about="Show how many bits each token of a text costs a model, and what it had expected",
        example='bateia surprisal --run out/model --text "The history of the pan" --html surprisal.html',
        options=add_surprisal,
        run=run_surprisal,
        reads=("folder",),
    ),
    Command(
        name="few-shot",
        group="model",
        about="Measure what a model learns from 0 to 16 examples in its prompt",
        example="bateia few-shot --run out/model --shards out/shards --html few-shot.html",
        options=add_few_shot,
        run=run_few_shot,
        reads=("folder", "shards"),
    ),
    Command(
        name="memorize",
        group="model",
        about="Measure how far a model repeats its training text verbatim, and from which pages",
        example="bateia memorize --run out/model --shards out/shards --html memorized.html",
        options=add_memorize,
        run=run_memorize,
        reads=("folder", "shards"),
    ),
)
