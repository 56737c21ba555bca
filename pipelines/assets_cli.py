"""`bateia assets`: what the recipes need besides code, where it comes from, and how to bring it here."""

from __future__ import annotations

import sys
from argparse import Namespace, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.assets import (
    BLOCK_LIST,
    Asset,
    AssetError,
    fetch,
    known_assets,
    resolve_blocklist,
    resolve_language_model,
    store,
)
from transforms.steps.blocklist import HEADER, WORD_FILES, BlocklistError, read_header
from transforms.steps.blocklist_build import build_blocklist

ABOUT = """\
Block lists and language models: list them, fetch them, compile a block list of your own.

  bateia assets                                   what there is, where, and under which licence
  bateia assets fetch ut1                         download and compile UT1's lists
  bateia assets fetch ut1 --from blacklists.tar.gz   the same from a file, without network
  bateia assets build-blocklist --from lists/ --name mine   compile your own; recipes find it as `mine`

They live in $BATEIA_ASSETS or ~/.cache/bateia."""


def add_parser(subparsers: _SubParsersAction[Any]) -> None:
    """Add `assets` and its commands to the `bateia` parser."""
    assets = subparsers.add_parser(
        "assets",
        help="block lists and language models: list, fetch, compile",
        description=ABOUT,
        formatter_class=RawDescriptionHelpFormatter,
    )
    assets.set_defaults(run=_guarded(list_assets))
    commands = assets.add_subparsers(metavar="COMMAND")
    commands.add_parser("list", help="what there is (the default)").set_defaults(run=_guarded(list_assets))

    get = commands.add_parser("fetch", help="bring an asset to the asset folder")
    get.add_argument("name", metavar="NAME", help="its name, as `bateia assets` lists it")
    get.add_argument("--from", dest="local", type=Path, metavar="FILE", help="take this local file, download nothing")
    get.add_argument("--url", help="download from here instead, e.g. a mirror")
    get.add_argument("--words", type=Path, metavar="DIR", help="block lists: folder of word files to compile in")
    get.set_defaults(run=_guarded(run_fetch))

    build = commands.add_parser("build-blocklist", help="compile a block list from a folder or tar archive")
    build.add_argument(
        "--from", dest="source", type=Path, metavar="SRC", required=True, help="UT1's layout, or datatrove's"
    )
    build.add_argument("--name", default="ut1", help="the list's name in recipes and in the ledger (ut1)")
    build.add_argument(
        "--words",
        type=Path,
        metavar="DIR",
        help=f"folder with {', '.join(WORD_FILES.values())}; without it no URL is judged by its words",
    )
    build.add_argument("--date", metavar="YYYY-MM-DD", help="the list's date (newest file in SRC)")
    build.add_argument("--licence", default="", help="the list's licence, recorded in the compiled folder")
    build.add_argument("--output", type=Path, metavar="DIR", help="compiled folder (the asset folder's NAME)")
    build.add_argument("--replace", action="store_true", help="replace a compiled folder that is there already")
    build.set_defaults(run=_guarded(run_build))


def _guarded(command: Callable[[Namespace], None]) -> Callable[[Namespace], int]:
    """Exit code 2 and one line on stderr for what a user can mend; anything else is ours and shows its traceback."""

    def run(args: Namespace) -> int:
        try:
            command(args)
        except (AssetError, BlocklistError, OSError) as error:
            print(f"bateia assets: {error}", file=sys.stderr)
            return 2
        return 0

    return run


def run_fetch(args: Namespace) -> None:
    if args.local and args.url:
        raise AssetError("--from and --url exclude each other; give one")
    path = fetch(args.name, args.local, args.url, args.words)
    print(f"{args.name}: {path}")
    if (path / HEADER).is_file():
        _print_counts(read_header(path))


def run_build(args: Namespace) -> None:
    output = args.output or store() / args.name
    header = build_blocklist(
        args.source, output, args.name, args.words, args.date, licence=args.licence, replace=args.replace
    )
    print(f"{args.name}: {output}")
    _print_counts(header)


def _print_counts(header: dict[str, Any]) -> None:
    counts, categories = header["counts"], header["categories"]
    print(
        f"  {counts['domains']:,} hosts and {counts['urls']:,} URLs of {header['date']} in {len(categories)} categories"
    )
    print(f"  {counts['hard']:,} hard words, {counts['soft']:,} soft words, {counts['substrings']:,} substrings")
    for fault, what in (
        ("not_utf8", "lines weren't UTF-8 and were read as Latin-1"),
        ("too_long", "lines were too long"),
    ):
        if header[fault]:
            print(f"  {header[fault]:,} {what}")


def list_assets(args: Namespace) -> None:
    print(f"asset folder: {store()}")
    for asset in known_assets().values():
        print()
        for line in _describe(asset):
            print(line)
    for path in sorted(header.parent for header in store().glob(f"*/{HEADER}")):
        if path.name not in known_assets():
            try:
                state = f"{read_header(path)['date']}"
            except BlocklistError as error:
                state = str(error)
            print(f"\n{path.name}  ({BLOCK_LIST} of your own, {state})\n  path     {path}")


def _describe(asset: Asset) -> list[str]:
    """Lines of `bateia assets` for one asset: presence, date and size as found, the rest as pinned."""
    sha256, state = asset.sha256, "absent"
    try:
        if asset.folder and not asset.path.exists():
            state, path = "compiled at first use", str(asset.path)
        elif asset.kind == BLOCK_LIST:
            found = resolve_blocklist(asset.name)
            header = read_header(found)
            sha256 = header["source"]["sha256"]
            size = sum(file.stat().st_size for file in found.iterdir())
            state = f"present, {header['date']}, {size / 1e6:,.1f} MB, {header['counts']['domains']:,} hosts"
            path = str(found)
        else:
            found = resolve_language_model(asset.name)
            status = found.stat()
            day = datetime.fromtimestamp(status.st_mtime, UTC).date()
            state, path = f"present, {day}, {status.st_size / 1e6:,.1f} MB", str(found)
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
