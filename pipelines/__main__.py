"""The command line: `bateia`, or `python -m pipelines`. What follows `--` belongs to Beam."""

from __future__ import annotations

import os
import sys

import bateia  # noqa: F401 - our packages are ours, whatever lies in the working directory
from pipelines.cli.app import find_command, help_text, intro_text, version_text
from pipelines.cli.command import EXIT_BAD_INPUT
from pipelines.engine.streams import make_streams_safe, not_utf8

EXIT_INTERRUPTED = 130


def split_beam_args(argv: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in argv:
        return argv, []
    middle = argv.index("--")
    return argv[:middle], argv[middle + 1 :]


def quiet_beam() -> None:
    """Beam warns at import that an extra for Google's cloud is absent, in every process; nobody asked for it."""
    import logging

    logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())


def general_text(words: list[str]) -> str | None:
    """Text for words that name no command: none, --help, --version."""
    if not words:
        return intro_text()
    if words[0] in ("-h", "--help") or words == ["help"]:
        return help_text()
    return version_text() if words[0] in ("--version", "version") else None


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0 done, 1 nothing came of it, 2 bad input, 130 interrupted."""
    words = sys.argv[1:] if argv is None else argv
    ours, beam_args = split_beam_args(words)
    make_streams_safe()
    if (garbled := not_utf8(words)) is not None:
        return refuse(f"argument '{garbled}' is no UTF-8; convert it first, or rename the file")
    try:
        if (text := general_text(ours)) is not None:
            print(text)
            return 0
        return run(ours, beam_args, as_process=argv is None)
    except KeyboardInterrupt:
        sys.stderr.write("\nbateia: stopped\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `bateia show … | head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - nothing may be flushed at exit
        return 0


def run(words: list[str], beam_args: list[str], as_process: bool) -> int:
    """as_process: whether the process was started for this command, so that it may re-exec itself."""
    from schemas.faults import BadInput

    if words[0] == "help":
        words = [*words[1:], "--help"]
    command, rest = find_command(words)
    quiet_beam()
    args = command.parser().parse_args(rest)
    args.beam_args = beam_args
    if beam_args and not command.takes_beam_args:
        return refuse(f"options after `--` are for Beam, and this command runs no pipeline: {beam_args[0]}")
    if as_process and command.huge_pages:
        from pipelines.engine.huge_pages import use_huge_pages

        use_huge_pages()
    try:
        command.check_folders(args)
        if not as_process or command.at_once or getattr(args, "quiet", False):
            return command.run(args)
        from pipelines.engine.terminal import StartNote

        with StartNote(f"bateia {command.name}: starting …"):
            return command.run(args)
    except BadInput as fault:
        return refuse(str(fault))
    except BrokenPipeError:
        raise
    except OSError as fault:  # a file system's answer that no one nearer had a word for
        return refuse(fault_line(fault))


def refuse(what: str) -> int:
    """Say in one line what can't be used."""
    sys.stderr.write(f"bateia: {' '.join(what.splitlines())}\n")
    return EXIT_BAD_INPUT


def fault_line(fault: OSError) -> str:
    """A file system's fault with the path that it is about."""
    from schemas.faults import reason

    what = f"{fault.filename}: {fault.strerror}" if fault.filename is not None else reason(fault)
    return f"{what}; check the path, its permissions and the disk's space"


if __name__ == "__main__":
    raise SystemExit(main())
