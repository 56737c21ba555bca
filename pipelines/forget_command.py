"""`bateia forget`: its options, and what it tells of every page."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipelines.stage_command import positive, run_stage


def add_forget(commands: Any) -> None:
    command = commands.add_parser("forget", help="take pages out of shards and plans", allow_abbrev=False)
    command.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    command.add_argument("--url-list", required=True, metavar="FILE", help="URLs, one a line")
    command.add_argument("--dry-run", action="store_true", help="say what would be forgotten, and change nothing")
    command.add_argument("--batch-size", type=positive, metavar="B", help="say which steps of B rows saw the pages")
    command.add_argument("--workers", type=positive, default=1, metavar="N", help="processes of the in-process runner")
    command.set_defaults(run=run_forget, takes_beam_args=True)


def run_forget(args: argparse.Namespace) -> int:
    from pipelines.forget_find import find_all, read_urls
    from pipelines.forget_tell import not_found
    from pipelines.forget_tombstones import is_pending
    from pipelines.verify import open_manifest

    urls = read_urls(args.url_list)
    shards, manifest = open_manifest(args.shards)
    if is_pending(shards.folder) and not args.dry_run:
        if code := finish_pending(shards.folder, args):
            return code
        shards, manifest = open_manifest(args.shards)
    found = find_all(shards.folder, manifest, urls)
    not_found(found, args.shards)
    for line in found.told_before():
        print(line)
    return forget_found(shards, manifest, found, args) if found.kept else 0


def finish_pending(folder: str, args: argparse.Namespace) -> int:
    from pipelines.forget_pending import read_pending
    from pipelines.forget_tell import tell_seen
    from schemas.shards import read_shards

    sys.stderr.write(f"bateia: {folder}: an interrupted forget is finished first\n")
    pending = read_pending(folder)
    return do(pending, args, tell_seen(read_shards(folder), pending, args.batch_size))


def forget_found(shards: Any, manifest: Any, found: Any, args: argparse.Namespace) -> int:
    from pipelines.forget import described
    from pipelines.forget_pending import plan_forget, plans_not_of_these, write_pending
    from pipelines.forget_tell import tell_seen
    from pipelines.forget_tombstones import read_tombstones

    documents = [described(row) for row in found.kept]
    pending = plan_forget(shards, manifest, read_tombstones(shards.folder), documents)
    for fault in plans_not_of_these(shards):
        sys.stderr.write(f"bateia: left alone: {fault}\n")
    seen = tell_seen(shards, pending, args.batch_size)
    if not args.dry_run:
        write_pending(pending)
        return do(pending, args, seen)
    print("\n".join(seen))
    new = ", ".join(f"{old} as {name}" for old, name in pending.rebuilt.items())
    print(f"would forget {len(documents):,} documents in {len(pending.affected)} shards and rebuild {new or 'no plan'}")
    return 0


def do(pending: Any, args: argparse.Namespace, seen: list[str]) -> int:
    """Finish what is pending, and tell it. seen: who had seen its pages."""
    from pipelines.forget import finish, summary
    from pipelines.phases import Phases

    phases = Phases(args.workers, args.beam_args, begin=lambda name: None)

    def work() -> str:
        job = finish(pending, phases)
        return "\n".join([*seen, *summary(job)])

    return run_stage(pending.shards, work, lambda: f"{len(pending.documents):,} documents are being forgotten")
