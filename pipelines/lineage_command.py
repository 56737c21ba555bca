"""`bateia explain-batch` and `bateia explain`: their options."""

from __future__ import annotations

import argparse
import json
from typing import Any

from pipelines.shard_command import FIRST_PLAN
from pipelines.stage_command import positive


def add_explain(commands: Any) -> None:
    command = commands.add_parser("explain", help="what became of a URL, from the ledger", allow_abbrev=False)
    command.add_argument("url", metavar="URL")
    command.add_argument("--in", dest="folder", required=True, metavar="DIR", help="a finished output")
    of_shards = "of shards: also say which steps of this many rows see the page"
    command.add_argument("--batch-size", type=positive, metavar="B", help=of_shards)
    command.set_defaults(run=run_explain)


def run_explain(args: argparse.Namespace) -> int:
    from pipelines.explain import explain

    print(explain(args.url, args.folder, args.batch_size))
    return 0


def add_explain_batch(commands: Any) -> None:
    command = commands.add_parser("explain-batch", help="which pages a training step saw", allow_abbrev=False)
    command.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    command.add_argument("--plan", default=FIRST_PLAN, metavar="NAME", help=f"default {FIRST_PLAN}")
    command.add_argument("--step", type=int, required=True, metavar="K", help="counted from 0")
    command.add_argument("--batch-size", type=positive, required=True, metavar="B", help="rows of a step")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=run_explain_batch)


def run_explain_batch(args: argparse.Namespace) -> int:
    from pipelines.lineage import batch_of, tell_batch

    batch = batch_of(args.shards, args.plan, args.step, args.batch_size)
    print(json.dumps(batch, ensure_ascii=False, indent=1) if args.json else tell_batch(batch))
    return 0
