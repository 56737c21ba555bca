"""`bateia converse make`, `converse shard`: conversations to train on, and their shards."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.command import Command
from pipelines.cli.options import require_packages
from pipelines.cli.settings import add_settings, given, number, positive, whole
from schemas.wording import plural

if TYPE_CHECKING:
    from trainer.data.chat import Conversation

BASICS, CORPUS, REFUSALS, SEARCHES, TASK = KINDS = ("basics", "corpus", "refusals", "searches", "task")


def add_make(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", required=True, metavar="NAME", help=f"of what: {', '.join(KINDS)}")
    parser.add_argument("--output", required=True, metavar="FILE", help="JSON lines to write")
    parser.add_argument("--count", type=positive, default=2000, metavar="N", help="conversations, at most")
    parser.add_argument("--seed", type=whole, default=1, metavar="N", help="draws the conversations")
    parser.add_argument("--shards", metavar="DIR", help="corpus: shards whose pages they are made of")
    parser.add_argument("--task", metavar="NAME", help="task: multiply, multiply_3 or sum_list")
    worked = "share in the better way: task (default 0.2), searches with --labels (default 0.5)"
    parser.add_argument("--worked", type=number, metavar="F", help=worked)
    parser.add_argument("--facts", metavar="FILE", help="refusals, searches: the facts")
    labels = "refusals, searches: what `bateia probe` with --json wrote; without, all is searched, and nobody is real"
    parser.add_argument("--labels", metavar="F.json", help=labels)
    parser.add_argument("--group", default="B", metavar="NAME", help="with --labels: whose facts are asked for")
    parser.add_argument("--shuffled", action="store_true", help="with --labels: dealt out anew, as a control")


def run_make(args: argparse.Namespace) -> int:
    from trainer.data.chat import write_conversations

    with require_packages():
        count = write_conversations(args.output, conversations_of(args))
    print(f"{plural(count, 'conversation')} in {args.output}")
    return 0


def conversations_of(args: argparse.Namespace) -> Iterator[Conversation]:
    """Raises BadInput for a kind that there is not, or what it needs and is not given."""
    from schemas.faults import BadInput

    if args.kind == BASICS:
        from trainer.post.makers.basics import make_basics

        return make_basics(args.count, args.seed)
    if args.kind == CORPUS:
        from schemas.shards.layout import read_shards
        from trainer.generate.text import Text
        from trainer.post.makers.corpus import make_from_pages

        if args.shards is None:
            raise BadInput("--kind corpus is made of pages; give --shards")
        return make_from_pages(read_shards(args.shards), Text(Path(args.shards) / "tokenizer"), args.count)
    if args.kind == REFUSALS:
        from trainer.post.makers.refusals import make_refusals, read_labels

        if args.facts is None or args.labels is None:
            raise BadInput("--kind refusals is made of what a model knows; give --facts and --labels")
        labels = read_labels(args.facts, args.labels)
        return make_refusals(labels, args.count, args.seed, args.group, args.shuffled)
    if args.kind == SEARCHES:
        from trainer.post.makers.refusals import read_labels
        from trainer.post.makers.searches import choose_searches, make_searches
        from trainer.probes.told import read_facts

        if args.facts is None:
            raise BadInput("--kind searches is made of facts; give --facts")
        if args.labels is None:
            return make_searches(read_facts(args.facts), args.count, args.seed)
        labels, share = read_labels(args.facts, args.labels), 0.5 if args.worked is None else args.worked
        return choose_searches(labels, args.count, share, args.seed, args.group, args.shuffled)
    if args.kind == TASK:
        from trainer.post.tasks.find import find_task

        if args.task is None:
            raise BadInput("--kind task is made of a task's questions; give --task")
        share = 0.2 if args.worked is None else args.worked
        return find_task(args.task).conversations(args.count, share, args.seed, tested=args.count // 8)
    raise BadInput(f"no kind of conversations is called '{args.kind}'; known: {', '.join(KINDS)}")


def add_shard(parser: argparse.ArgumentParser) -> None:
    from trainer.post.conversations import ShardConversations

    parser.add_argument("--input", nargs="+", required=True, metavar="FILE", help="files of conversations")
    parser.add_argument("--run", dest="folder", required=True, metavar="DIR", help="run whose tokenizer is used")
    parser.add_argument("--output", metavar="DIR", help="folder to write; none with --show")
    parser.add_argument("--show", type=positive, metavar="N", help="print the first N in tokens instead")
    add_settings(parser, ShardConversations)


def run_shard(args: argparse.Namespace) -> int:
    from schemas.faults import BadInput
    from trainer.data.chat import read_conversations

    with require_packages():
        from trainer.post.conversations import ShardConversations, tokenize, write_shards
        from trainer.post.sft import open_base

        settings = ShardConversations(**given(args, ShardConversations))
        base = open_base(args.folder)
        chat = base.chat()
        read = (conversation for path in args.input for conversation in read_conversations(path))
        tokenized = tokenize(read, chat, settings.plain, settings.given_calls)
        if args.show:
            for _, one in zip(range(args.show), tokenized, strict=False):
                print(shown(chat, one))
            return 0
        if args.output is None:
            raise BadInput("give --output for the shards, or --show to look at the conversations")
        context = settings.context or base.model.context
        source = [{"path": path, "bytes": Path(path).stat().st_size} for path in args.input if Path(path).exists()]
        told = write_shards(
            tokenized,
            base.tokenizer,
            base.ids,
            Path(args.output),
            context,
            settings.seed,
            source,
            settings.plain,
        )
    train, val = (told.counts[split]["documents"] for split in ("train", "val"))
    print(
        f"{plural(train, 'conversation')} to train, {val:,} held out; {plural(told.rows, 'row')} of "
        f"{plural(context, 'token')}, {told.padding:.0%} padding"
    )
    if told.too_long:
        print(f"{plural(len(told.too_long), 'conversation')} longer than a row left out, such as {told.too_long[0]}")
    return 0


def shown(chat: Any, one: Any) -> str:
    """A conversation's tokens; what is learned stands between « and »."""
    from trainer.generate.text import harmless

    pieces, learned = [], False
    for token, taught in zip(one.tokens, one.mask, strict=True):
        if bool(taught) != learned:
            pieces.append("«" if taught else "»")
            learned = bool(taught)
        name = chat.text.name(token)
        pieces.append(name if name.startswith("<") and name.endswith(">") else chat.text.decode([token]))
    return harmless(f"{one.conversation.id}: {''.join(pieces)}{'»' if learned else ''}")


COMMANDS = (
    Command(
        name="converse make",
        group="assistant",
        about="Make conversations to train on, from templates or from the questions and titles of pages",
        example="bateia converse make --kind basics --output out/basics.jsonl",
        options=add_make,
        run=run_make,
        reads=("shards",),
    ),
    Command(
        name="converse shard",
        group="assistant",
        about="Turn conversations into token shards with a mask and a plan, in a run's tokenizer",
        example="bateia converse shard --input out/basics.jsonl --run out/model --output out/conversations",
        options=add_shard,
        run=run_shard,
        reads=("folder",),
    ),
)
