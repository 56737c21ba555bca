"""`bateia shards verify`, `shards index`, `forget`: finished shards checked, indexed, and pages taken out of them."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipelines.cli.command import Command
from pipelines.cli.options import add_execution, execution_of
from pipelines.cli.settings import positive
from schemas.wording import command_line, plural

FORMATS = ("datatrove", "megatron")


# --- shards verify ----------------------------------------------------------------------------------------------------


def add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    parser.add_argument("--plan", metavar="NAME", help="look at this plan alone (default: all)")
    hashes = "compare files' sha256 (default); without, damage that leaves numbers plausible is not seen"
    parser.add_argument("--sha256", action=argparse.BooleanOptionalAction, default=True, help=hashes)
    add_execution(parser, output=None)


def run_verify(args: argparse.Namespace) -> int:
    from pipelines.engine.terminal import StatusLine
    from pipelines.upkeep.verify import verify

    line = StatusLine()
    shown = line.replaces and not args.quiet

    def tell(name: str) -> None:
        if shown:
            line.write(f"verify  {name}")

    verified = verify(args.shards, args.plan, args.sha256, execution_of(args), tell)
    if shown:
        line.clear()
    for fault in verified.faults:
        print(fault)
    if verified.faults:
        sys.stderr.write(f"bateia: {plural(len(verified.faults), 'fault')} in {args.shards}\n")
        return 1
    print(verified.summary)
    return 0


# --- shards index -----------------------------------------------------------------------------------------------------


def add_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    formats = "datatrove: tokens-*.bin.index; megatron: tokens-*.idx"
    parser.add_argument("--format", required=True, nargs="+", choices=FORMATS, help=formats)


def run_index(args: argparse.Namespace) -> int:
    from pipelines.upkeep.indexes import summary, write_indexes

    print(summary(write_indexes(args.shards, tuple(args.format))))
    return 0


# --- index ------------------------------------------------------------------------------------------------------------


def add_url_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--in", dest="folder", required=True, metavar="DIR", help="documents, a corpus or shards")
    add_execution(parser, output=None)


def run_url_index(args: argparse.Namespace) -> int:
    from pipelines.engine.run import run_stage
    from pipelines.upkeep.url_index import plan_index

    return run_stage(plan_index(args.folder), execution_of(args))


# --- forget -----------------------------------------------------------------------------------------------------------


def add_forget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--url-list", metavar="FILE", help="URLs, one a line")
    what.add_argument("--exclude-hosts", metavar="FILE", help="hosts, one a line: all their pages, and of those below")
    parser.add_argument("--dry-run", action="store_true", help="say what would be forgotten, and change nothing")
    parser.add_argument("--batch-size", type=positive, metavar="B", help="say which steps of B rows saw the pages")
    add_execution(parser, output=None)


def run_forget(args: argparse.Namespace) -> int:
    from pipelines.upkeep.forget_request import read_urls
    from schemas.lease import release_all, take
    from schemas.shards.layout import open_shards

    urls = read_urls(args.url_list) if args.url_list is not None else []
    try:
        if not args.dry_run:
            take(open_shards(args.shards)[0].folder)  # before the request is written down
        return forget_urls(urls, args)
    finally:
        release_all()


def forget_urls(urls: Any, args: argparse.Namespace) -> int:
    from pipelines.upkeep.forget_request import match_urls, urls_of_hosts
    from schemas.faults import BadInput
    from schemas.shards.layout import open_shards
    from schemas.shards.tombstones import is_pending, read_tombstones

    shards, manifest = open_shards(args.shards)
    if is_pending(shards.folder) and not args.dry_run:
        if code := finish_pending(shards, args):
            return code
        shards, manifest = open_shards(args.shards)
    tombstones = read_tombstones(shards.folder)
    if args.exclude_hosts is not None:
        urls = urls_of_hosts(shards.folder, manifest, args.exclude_hosts)
    matches = match_urls(shards.folder, manifest, tombstones, urls)
    for url in matches.unknown:
        sys.stderr.write(f"bateia: not in {args.shards}: {url}\n")
    if not matches.documents and not matches.before:
        remedy = f"ask {command_line('explain', 'URL', '--in', args.shards)} of one"
        raise BadInput(f"{args.shards} has none of the pages of the list; {remedy}")
    for url in matches.before:
        print(f"{url}: forgotten before")
    return forget_documents(shards, manifest, tombstones, matches.documents, args) if matches.documents else 0


def finish_pending(shards: Any, args: argparse.Namespace) -> int:
    from pipelines.upkeep.forget_request import read_request, seen_lines

    sys.stderr.write(f"bateia: {shards.folder}: an interrupted forget is finished first\n")
    request = read_request(shards.folder)
    return carry_out(request, seen_lines(shards, request, args.batch_size), args)


def forget_documents(shards: Any, manifest: Any, tombstones: Any, documents: Any, args: argparse.Namespace) -> int:
    from pipelines.lineage.plans import usable_plans
    from pipelines.upkeep.forget_request import make_request, seen_lines
    from pipelines.upkeep.forget_shards import check

    request = make_request(shards, manifest, tombstones, documents)
    for fault in usable_plans(shards)[1]:
        sys.stderr.write(f"bateia: left alone: {fault}\n")
    seen = seen_lines(shards, request, args.batch_size)
    if not args.dry_run:
        return carry_out(request, seen, args)
    check(request, manifest, None)
    print("\n".join(seen))
    new = ", ".join(f"{old} as {name}" for old, name in request.rebuilt.items())
    print(
        f"would forget {plural(len(documents), 'document')} in {plural(len(request.by_shard), 'shard')} "
        f"and rebuild {new or 'no plan'}"
    )
    return 0


def carry_out(request: Any, seen: list[str], args: argparse.Namespace) -> int:
    """seen: lines on which steps had seen the pages."""
    from pipelines.engine.run import run_stage
    from pipelines.upkeep.forget import ForgetStage

    return run_stage(ForgetStage(request, tuple(seen)), execution_of(args))


COMMANDS = (
    Command(
        name="shards verify",
        group="upkeep",
        about="Check every file, number and row of shards and plans",
        example="bateia shards verify --shards out/shards",
        options=add_verify,
        run=run_verify,
        reads=("shards",),
        takes_beam_args=True,
    ),
    Command(
        name="shards index",
        group="upkeep",
        about="Write index files beside the tokens, for datatrove's and Megatron's loaders",
        example="bateia shards index --shards out/shards --format datatrove megatron",
        options=add_index,
        run=run_index,
        reads=("shards",),
    ),
    Command(
        name="index",
        group="upkeep",
        about="Index the addresses of documents, a corpus or shards, so that `explain` and `forget` open few files",
        example="bateia index --in out/documents --workers 8",
        options=add_url_index,
        run=run_url_index,
        reads=("folder",),
        takes_beam_args=True,
    ),
    Command(
        name="forget",
        group="upkeep",
        about="Take pages out of shards and their plans, and say which steps had seen them",
        example="bateia forget --shards out/shards --url-list urls.txt --dry-run",
        options=add_forget,
        run=run_forget,
        reads=("shards",),
        takes_beam_args=True,
    ),
)
