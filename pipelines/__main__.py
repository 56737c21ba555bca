"""The command line: `bateia`, or `python -m pipelines`. What follows `--` belongs to Beam."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from pipelines.commands import add_commands
from pipelines.faults import BadInput
from pipelines.huge_pages import use_huge_pages

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Usage errors as one line that names the remedy, exit code 2."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message}; see `{self.prog} --help`\n")
        raise SystemExit(EXIT_BAD_INPUT)


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="bateia", description="From the raw web to a language model.", allow_abbrev=False)
    add_commands(top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser))
    return top


def split_beam_args(argv: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def quiet_beam() -> None:
    """Beam warns at import that an extra for Google's cloud is absent, in every process; nobody asked for it."""
    import logging

    logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())


def main(argv: list[str] | None = None) -> int:
    ours, beam_args = split_beam_args(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(ours)
    args.beam_args = beam_args
    quiet_beam()
    if beam_args and not getattr(args, "takes_beam_args", False):
        sys.stderr.write(
            f"bateia: options after `--` are for Beam, and this command runs no pipeline: {beam_args[0]}\n"
        )
        return EXIT_BAD_INPUT
    if argv is None and getattr(args, "huge_pages", False):
        use_huge_pages()
    try:
        return args.run(args)
    except BadInput as fault:
        sys.stderr.write(f"bateia: {fault}\n")
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `bateia show … | head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - nothing may be flushed at exit
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
