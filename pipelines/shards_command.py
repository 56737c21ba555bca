"""`bateia shards verify` and `bateia shards sidecars`: their options and what they tell."""

from __future__ import annotations

import argparse
import sys
from typing import Any

FORMATS = ("datatrove", "megatron")


def add_shards(commands: Any) -> None:
    command = commands.add_parser("shards", help="shards checked, or indexed for other loaders", allow_abbrev=False)
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    add_verify(actions)
    add_sidecars(actions)


def add_verify(actions: Any) -> None:
    command = actions.add_parser("verify", help="every file, number and row of shards and plans", allow_abbrev=False)
    command.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    command.add_argument("--plan", metavar="NAME", help="look at this plan alone; default: all")
    hashes = "compare files' sha256 (default); without, damage that leaves numbers plausible is not seen"
    command.add_argument("--sha256", action=argparse.BooleanOptionalAction, default=True, help=hashes)
    command.add_argument("--quiet", action="store_true", help="no progress line")
    command.set_defaults(run=run_verify)


def run_verify(args: argparse.Namespace) -> int:
    from pipelines.verify import verify

    shown = sys.stderr.isatty() and not args.quiet
    verified = verify(args.shards, args.plan, args.sha256, say_file if shown else lambda what: None)
    if shown:
        sys.stderr.write("\r\x1b[K")
    for fault in verified.faults:
        print(fault)
    if verified.faults:
        sys.stderr.write(f"bateia: {len(verified.faults)} faults in {args.shards}\n")
        return 1
    print(verified.summary)
    return 0


def say_file(what: str) -> None:
    sys.stderr.write(f"\r\x1b[Kverify  {what[:100]}")
    sys.stderr.flush()


def add_sidecars(actions: Any) -> None:
    command = actions.add_parser("sidecars", help="index files for other loaders", allow_abbrev=False)
    command.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    of = "datatrove: tokens-*.bin.index; megatron: tokens-*.idx"
    command.add_argument("--format", required=True, nargs="+", choices=FORMATS, help=of)
    command.set_defaults(run=run_sidecars)


def run_sidecars(args: argparse.Namespace) -> int:
    from pipelines.sidecars import tell_sidecars, write_sidecars

    print(tell_sidecars(write_sidecars(args.shards, tuple(args.format))))
    return 0
