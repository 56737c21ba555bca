"""`bateia assets`: what the recipes need besides code, where it comes from, and how to bring it here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.command import Command
from pipelines.cli.options import add_fetch_options, fetch_of
from schemas.wording import plural

if TYPE_CHECKING:
    from pipelines.assets.registry import Asset


def add_list(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def add_fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="its name, as `bateia assets` lists it")
    parser.add_argument("--from", dest="local", type=Path, metavar="FILE", help="take this file, download nothing")
    parser.add_argument("--url", metavar="URL", help="download from here instead, e.g. a mirror")
    parser.add_argument("--words", type=Path, metavar="DIR", help="block lists: folder of word files to compile in")


def add_build(parser: argparse.ArgumentParser) -> None:
    source = "folder or tar archive in UT1's layout, or datatrove's"
    parser.add_argument("--from", dest="source", type=Path, metavar="SRC", required=True, help=source)
    parser.add_argument("--name", default="ut1", metavar="NAME", help="the list's name in recipes and in the ledger")
    words = "folder with banned_words.txt and its kin; without it no URL is judged by its words"
    parser.add_argument("--words", type=Path, metavar="DIR", help=words)
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="the list's date (default: of the newest file in SRC)")
    parser.add_argument("--licence", default="", metavar="TEXT", help="the list's licence, recorded beside it")
    parser.add_argument("--output", type=Path, metavar="DIR", help="compiled folder (default: the asset folder's NAME)")
    parser.add_argument("--replace", action="store_true", help="replace a compiled folder that is there already")


def faults_as_bad_input(command: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], int]:
    """Faults that a user can mend as BadInput; anything else is ours and shows its traceback."""

    def run(args: argparse.Namespace) -> int:
        from schemas.faults import BadInput
        from transforms.steps.urls.blocklist import BlocklistError

        try:
            command(args)
        except (BlocklistError, OSError) as error:
            raise BadInput(str(error)) from error
        return 0

    return run


def run_fetch(args: argparse.Namespace) -> None:
    from pipelines.assets.fetch import fetch, unseen
    from pipelines.assets.registry import AssetError
    from pipelines.engine.terminal import StatusLine
    from transforms.steps.urls.blocklist import HEADER, read_header

    if args.local and args.url:
        raise AssetError("--from and --url exclude each other; give one")
    line = StatusLine()
    path = fetch(args.name, args.local, args.url, args.words, line.write if line.replaces else unseen)
    line.clear()
    print(f"{args.name}: {path}")
    if (path / HEADER).is_file():
        print_counts(read_header(path))


def run_build(args: argparse.Namespace) -> None:
    from pipelines.assets.registry import store
    from transforms.steps.urls.build import build_blocklist

    output = args.output or store() / args.name
    header = build_blocklist(
        args.source, output, args.name, args.words, args.date, licence=args.licence, replace=args.replace
    )
    print(f"{args.name}: {output}")
    print_counts(header)


def print_counts(header: dict[str, Any]) -> None:
    counts, categories = header["counts"], header["categories"]
    print(
        f"  {plural(counts['domains'], 'host')} and {plural(counts['urls'], 'URL')} "
        f"of {header['date']} in {plural(len(categories), 'category', 'categories')}"
    )
    print(f"  {counts['hard']:,} hard words, {counts['soft']:,} soft words, {counts['substrings']:,} substrings")
    for fault, what in (
        ("not_utf8", "lines weren't UTF-8 and were read as Latin-1"),
        ("too_long", "lines were too long"),
    ):
        if header[fault]:
            print(f"  {header[fault]:,} {what}")
    unmatched, left_out = header.get("unmatched", {"lines": 0, "examples": []}), header.get("left_out", [])
    if unmatched["lines"]:
        print(f"  {unmatched['lines']:,} lines can match no page and were left out, such as")
        for line in unmatched["examples"]:
            print(f"    {harmless(line)}")
    if left_out:
        print(f"  {len(left_out):,} files left out, not called domains or urls: {harmless(named(left_out))}")


def named(files: list[str], most: int = 10) -> str:
    """Some of the names, and how many more there are."""
    more = f" and {len(files) - most:,} more" if len(files) > most else ""
    return ", ".join(files[:most]) + more


def harmless(text: str) -> str:
    """A foreign line without what could steer a terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def list_assets(args: argparse.Namespace) -> None:
    from pipelines.assets.registry import BLOCK_LIST, known_assets, store
    from transforms.steps.urls.blocklist import HEADER, BlocklistError, read_header

    print(f"asset folder: {store()}")
    for asset in known_assets().values():
        print()
        for line in describe_asset(asset):
            print(line)
    for path in sorted(header.parent for header in store().glob(f"*/{HEADER}")):
        if path.name not in known_assets():
            try:
                state = f"{read_header(path)['date']}"
            except BlocklistError as error:
                state = str(error)
            print(f"\n{path.name}  ({BLOCK_LIST} of your own, {state})\n  path     {path}")


def describe_asset(asset: Asset) -> list[str]:
    """Lines of `bateia assets` for one asset: presence, date and size of its files, the rest from assets.json."""
    from datetime import UTC, datetime

    from pipelines.assets.registry import BLOCK_LIST, AssetError, resolve_blocklist, resolve_language_model
    from transforms.steps.urls.blocklist import read_header

    sha256, state = asset.sha256, "absent"
    try:
        if asset.folder and not asset.path.exists():
            state, path = "compiled at first use", str(asset.path)
        elif asset.kind == BLOCK_LIST:
            folder = resolve_blocklist(asset.name)
            header = read_header(folder)
            sha256 = header["source"]["sha256"]
            size = sum(file.stat().st_size for file in folder.iterdir())
            state = f"present, {header['date']}, {size / 1e6:,.1f} MB, {plural(header['counts']['domains'], 'host')}"
            path = str(folder)
        else:
            file = resolve_language_model(asset.name)
            status = file.stat()
            day = datetime.fromtimestamp(status.st_mtime, UTC).date()
            state, path = f"present, {day}, {status.st_size / 1e6:,.1f} MB", str(file)
    except AssetError as error:
        path = str(error)
    return [
        f"{asset.name}  ({asset.kind}, {state})",
        f"  about    {asset.about}",
        f"  path     {path}",
        f"  origin   {asset.origin}",
        f"  licence  {asset.licence}",
        f"  sha256   {sha256 or 'recorded when fetched'}",
    ]


def add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", default=".", metavar="DIR", help="folder that a run would write to")
    parser.add_argument("--java", action="store_true", help="also look for Java, which some runners need")
    parser.add_argument("--gpu", action="store_true", help="also look for a GPU")
    add_fetch_options(parser)


def run_doctor(args: argparse.Namespace) -> int:
    from pipelines.upkeep.doctor import LACKS, examine

    lacking = 0
    for finding in examine(args.output, fetch_of(args), args.java, args.gpu):
        print(harmless(str(finding)), flush=True)
        lacking += finding.state == LACKS
    return 1 if lacking else 0


COMMANDS = (
    Command(
        name="assets",
        group="upkeep",
        about="List block lists and language models: present, origin, licence, sha256",
        example="bateia assets",
        options=add_list,
        run=faults_as_bad_input(list_assets),
        at_once=True,
    ),
    Command(
        name="assets fetch",
        group="upkeep",
        about="Bring a block list or model to the asset folder ($BATEIA_ASSETS, or ~/.cache/bateia)",
        example="bateia assets fetch ut1 --from blacklists.tar.gz",
        options=add_fetch,
        run=faults_as_bad_input(run_fetch),
    ),
    Command(
        name="assets build-blocklist",
        group="upkeep",
        about="Compile a block list of one's own, which recipes find by its name",
        example="bateia assets build-blocklist --from lists/ --name mine",
        options=add_build,
        run=faults_as_bad_input(run_build),
    ),
    Command(
        name="doctor",
        group="upkeep",
        about="Look at what this machine has for a run, and say what to do about what it lacks",
        example="bateia doctor --output out",
        options=add_doctor,
        run=run_doctor,
    ),
)
