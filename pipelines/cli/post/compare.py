"""`bateia think`, `bench`, `arena`, `arena vote`, `search index`: what models can do, and which is better."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pipelines.cli.command import Command
from pipelines.cli.options import add_model, add_outputs, require_packages, write_file, write_outputs, write_page
from pipelines.cli.settings import add_settings, given, positive, whole
from schemas.wording import plural

# --- think ------------------------------------------------------------------------------------------------------------


def add_think(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--task", default="sum_list", metavar="NAME", help="task that is thought about")
    budgets = "tokens of thinking before the answer is forced (default 0 2 4 8 16 32)"
    parser.add_argument("--budgets", nargs="+", type=whole, default=[0, 2, 4, 8, 16, 32], metavar="N", help=budgets)
    parser.add_argument("--questions", type=positive, default=200, metavar="N", help="held-out ones")
    parser.add_argument("--json", metavar="F.json", help="write the numbers")


def run_think(args: argparse.Namespace) -> int:
    with require_packages():
        from trainer.generate.chat import ChatFormat
        from trainer.generate.generator import load_generator
        from trainer.post.tasks.find import find_task
        from trainer.post.think import measure_budgets

        generator = load_generator(args.folder, args.backend)
        chat, task = ChatFormat(generator.text, generator.bos), find_task(args.task)
        found = measure_budgets(generator.decoder, chat, task, [None, *sorted(set(args.budgets))], args.questions)
    print("thinking      right   95 % interval")
    for one in found:
        what = "as it likes" if one.tokens is None else plural(one.tokens, "token")
        print(f"{what:<12} {one.right:6.1%}   {one.low:.1%} to {one.high:.1%}")
    if args.json:
        write_file(args.json, json.dumps([one.to_json() for one in found], indent=1) + "\n")
    return 0


# --- bench ------------------------------------------------------------------------------------------------------------


def add_bench(parser: argparse.ArgumentParser) -> None:
    from trainer.post.bench import BenchSettings

    add_model(parser)
    parser.add_argument("--conversations", metavar="FILE", help="whose held-out questions are asked too")
    parser.add_argument("--shards", metavar="DIR", help="training text in which the questions are looked for")
    add_settings(parser, BenchSettings)
    parser.add_argument("--output", required=True, metavar="FILE", help="scores to write, a JSON line each")


def run_bench(args: argparse.Namespace) -> int:
    from pipelines.engine.terminal import StatusLine
    from schemas.faults import BadInput

    line = StatusLine()
    with require_packages():
        from trainer.generate.generator import load_generator
        from trainer.post.bench import BenchSettings, measure_bench

        settings = BenchSettings(**given(args, BenchSettings))
        if not settings.tasks and args.conversations is None and not settings.cloze:
            raise BadInput("nothing is asked; give --tasks, --conversations or --cloze")
        generator = load_generator(args.folder, args.backend)
        scores = measure_bench(generator, args.conversations, settings, args.shards, line.write)
    line.clear()
    write_file(args.output, "".join(json.dumps(score, ensure_ascii=False) + "\n" for score in scores))
    print(bench_table(scores))
    return 0


def bench_table(scores: list[dict[str, Any]]) -> str:
    lines = ["task          items    right    ended    seen in training"]
    for task in dict.fromkeys(score["task"] for score in scores):
        own = [score for score in scores if score["task"] == task]
        right = sum(score["right"] for score in own) / len(own)
        written = [score["stopped"] for score in own if score["stopped"] is not None]
        ended = f"{sum(written) / len(written):.1%}" if written else "–"
        seen = (
            f"{sum(score['seen'] is not None for score in own) / len(own):.1%}"
            if "seen" in own[0]
            else "not looked for"
        )
        lines.append(f"{task:<12} {len(own):>6,}   {right:6.1%}   {ended:>6}    {seen}")
    return "\n".join(lines)


# --- arena ------------------------------------------------------------------------------------------------------------


def add_arena(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--scores", nargs="+", metavar="FILE", help="outputs of `bateia bench`, named as their models")
    source.add_argument("--votes", metavar="FILE", help="output of `bateia arena vote`")
    parser.add_argument("--baseline", metavar="NAME", help="model whose rating is 1000 (default: the mean of all)")
    add_outputs(parser)


def run_arena(args: argparse.Namespace) -> int:
    from pipelines.analysis.arena import rate_scores, rate_votes
    from pipelines.reports.model.arena import render_page
    from pipelines.reports.render import encode
    from trainer.run.job import versions

    found = rate_scores(args.scores, args.baseline) if args.scores else rate_votes(args.votes, args.baseline)
    print("model                    rating   95 % interval   right   battles")
    for one in found.ratings:
        right = "" if one.accuracy is None else f"{one.accuracy:.1%}"
        print(f"{one.model:<22} {one.rating:8.0f}   {one.low:5.0f} to {one.high:<5.0f}  {right:>6}   {one.battles:>7,}")
    write_outputs(args, encode(found)["ratings"], lambda: render_page(found, versions()))
    return 0


def add_vote(parser: argparse.ArgumentParser) -> None:
    from trainer.generate.sampling import Sampling

    parser.add_argument("--runs", nargs="+", required=True, metavar="DIR", help="two runs or more")
    parser.add_argument("--prompts", metavar="FILE", help="a prompt a line; without, they are typed")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--output", metavar="FILE", help="votes, a JSON line each; further ones follow")
    where.add_argument("--html", metavar="F.html", help="write a page to vote on instead; needs --prompts")
    add_settings(parser, Sampling)


def run_vote(args: argparse.Namespace) -> int:
    """Two of the models answer each prompt without their names; what they are is told after the vote."""
    from pipelines.cli.options import read_text
    from pipelines.cli.post.chat import lines
    from schemas.faults import BadInput

    if len(args.runs) < 2:
        raise BadInput("one model is compared with none; give two --runs or more")
    if args.html and not args.prompts:
        raise BadInput("a page is made of prompts that are known before; give --prompts")
    prompts = iter(read_text(args.prompts).splitlines()) if args.prompts else lines()
    with require_packages():
        from trainer.generate.generator import load_generator
        from trainer.generate.sampling import Sampling
        from trainer.post.votes import Ballot

        ballot = Ballot({run: load_generator(run) for run in args.runs}, Sampling(**given(args, Sampling)))
        if args.html:
            return write_ballot(args.html, [ballot.ask(prompt) for prompt in prompts if prompt.strip()])
        with Path(args.output).open("a", encoding="utf-8") as file:
            for prompt in prompts:
                pair = ballot.ask(prompt)
                print(f"\nA: {pair.left}\n\nB: {pair.right}\n\nwhich is better: a, b, t (tie), or q to end? ", end="")
                sys.stdout.flush()
                if (vote := ballot.vote(pair, next(lines(), "q"))) is None:
                    break
                file.write(json.dumps(vote, ensure_ascii=False) + "\n")
                print(f"A is {vote['a']}, B is {vote['b']}")
    return 0


def write_ballot(path: str, pairs: list[Any]) -> int:
    """pairs: trainer.post.votes.Pair"""
    from dataclasses import asdict

    from pipelines.reports.model.vote import VoteReport, render_page
    from pipelines.reports.render import decode
    from schemas.faults import BadInput
    from trainer.run.job import versions

    if not pairs:
        raise BadInput("there is no prompt to vote on; give --prompts a file with a prompt a line")
    report = decode({"pairs": [asdict(pair) for pair in pairs]}, VoteReport, "the ballot")
    write_page(path, render_page(report, versions()))
    return 0


# --- search -----------------------------------------------------------------------------------------------------------


def add_index(parser: argparse.ArgumentParser) -> None:
    what = "whose training documents are searched; a model need not have seen all of them"
    parser.add_argument("--shards", nargs="+", required=True, metavar="DIR", help=what)
    parser.add_argument("--tokens", type=positive, default=64, metavar="N", help="of a passage at most (default 64)")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write")


def run_index(args: argparse.Namespace) -> int:
    from schemas.shards.layout import read_shards

    with require_packages("tools"):
        from trainer.post.tools.search import build_index

        count = build_index([read_shards(shards) for shards in args.shards], Path(args.output), args.tokens)
    print(f"{plural(count, 'passage')} in {args.output}")
    return 0


COMMANDS = (
    Command(
        name="think",
        group="assistant",
        about="Measure how much a model gains by tokens to think, by forcing its answer after so many",
        example="bateia think --run out/sft --budgets 0 4 8 16",
        options=add_think,
        run=run_think,
        reads=("folder",),
    ),
    Command(
        name="bench",
        group="assistant",
        about="Ask a model held-out questions whose answers can be verified, and write its scores",
        example="bateia bench --run out/sft --tasks multiply --output out/sft.jsonl",
        options=add_bench,
        run=run_bench,
        reads=("folder", "shards"),
    ),
    Command(
        name="arena",
        group="assistant",
        about="Rate models by their scores or by people's votes, with intervals (Bradley–Terry)",
        example="bateia arena --scores out/base.jsonl out/sft.jsonl --baseline base --html arena.html",
        options=add_arena,
        run=run_arena,
    ),
    Command(
        name="arena vote",
        group="assistant",
        about="Vote on the answers of two models without knowing which is which",
        example="bateia arena vote --runs out/sft out/rl --output out/votes.jsonl",
        options=add_vote,
        run=run_vote,
        reads=("runs",),
    ),
    Command(
        name="search index",
        group="assistant",
        about="Index the documents of shards for a model's search tool",
        example="bateia search index --shards out/shards --output out/index",
        options=add_index,
        run=run_index,
        reads=("shards",),
    ),
)
