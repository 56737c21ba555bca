"""Options on what is read: columns of tables of one's own, and how files on servers are fetched."""

from __future__ import annotations

import argparse
from typing import Any

from pipelines.cli.options import execution_of
from pipelines.cli.settings import add_settings, given

FETCH_OPTIONS = ("requests_per_s", "contact", "cache", "cache_gb")
OWN = "Parquet, JSONL or text files and folders of one's own"


def add_sources(parser: Any) -> None:
    from transforms.steps.sources.columns import Columns

    add_settings(parser.add_argument_group("tables of one's own"), Columns)
    add_fetch_options(parser)


def add_fetch_options(parser: Any) -> None:
    from transforms.steps.fetch.settings import FetchSettings

    add_settings(parser.add_argument_group("files on servers"), FetchSettings, FETCH_OPTIONS)


def columns_of(args: argparse.Namespace) -> Any:
    from transforms.steps.sources.columns import Columns

    return Columns(**given(args, Columns))


def fetch_of(args: argparse.Namespace) -> Any:
    from transforms.steps.fetch.settings import FetchSettings, fetch_settings

    return fetch_settings(**given(args, FetchSettings))


def documents_of(args: argparse.Namespace) -> list[str]:
    """The inputs of a command that takes documents, with files of one's own read first.

    Raises BadInput, and SystemExit with the code of a reading that ended early.
    """
    from pipelines.engine.run import Stopped
    from pipelines.stages.own_text import as_documents

    try:
        return as_documents(args.input, args.output, columns_of(args), fetch_of(args), execution_of(args))
    except Stopped as stopped:
        raise SystemExit(stopped.code) from None
