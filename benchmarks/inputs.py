"""What benchmarks read: WARC files and curated documents; where none are given, those of the embedded sample.

The sample is 136 articles in a small made-up web. A benchmark runs on it from a fresh checkout, but texts that are so
few, and so often repeated, say little about the web.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds

from benchmarks.harness import counted, note, positive
from benchmarks.process_cost import bateia, measure
from pipelines.sample.build import build_sample
from schemas.document import Page
from transforms.steps.warc.reader import Response, Unit, page_of, read_unit

CORPUS = "BATEIA_CORPUS"  # a folder: public/ holds sound WARC files, damaged/ damaged ones with expected.json


def corpus_folder(name: str) -> Path | None:
    """A folder of the corpus that the environment names, None if there is none."""
    corpus = os.environ.get(CORPUS)
    folder = Path(corpus, name) if corpus else None
    return folder if folder is not None and folder.is_dir() else None


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--corpus",),
        **{"type": Path, "nargs": "+", "metavar": "PATH"},
        help=f"folders of *.warc.gz, or such files; default: ${CORPUS}/public, else the embedded sample",
    )
    parser.add_argument("--files", type=positive, metavar="N", help="only the first N of them")


def warc_files(args: argparse.Namespace, scratch: Path) -> list[Path]:
    """The WARC files that the options name, or the sample's, written into the scratch folder."""
    public = corpus_folder("public")
    given: list[Path] = args.corpus or ([public] if public else [])
    if given:
        files = sorted(file for path in given for file in (path.glob("*.warc.gz") if path.is_dir() else [path]))
    else:
        note("No corpus is given: the embedded sample is read.")
        files = list(build_sample(scratch / "sample").warc_files)
    if not files:
        raise SystemExit(f"no *.warc.gz in {' '.join(map(str, given))}")
    return files[: args.files]


def repeated(files: list[Path], times: int, folder: Path) -> list[Path]:
    """The files, each so many times under names of its own."""
    if times == 1:
        return files
    folder.mkdir(parents=True)
    return [Path(shutil.copy(file, folder / f"{turn:02}-{file.name}")) for turn in range(times) for file in files]


def described(files: list[Path]) -> str:
    """How many WARC files there are and how large they are."""
    whose = " of the embedded sample" if files[0].name.startswith("bateia-sample") else ""
    return f"{counted(len(files), 'WARC file')}{whose}, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB"


def read_pages(files: list[Path]) -> Iterator[Page]:
    """Every HTML page with status 200, as `bateia curate` reads them, damaged files too."""
    for file in files:
        size = file.stat().st_size
        with file.open("rb") as stream:
            for event in read_unit(stream, Unit(str(file), size, 0, size)):
                page = page_of(event, str(file)) if isinstance(event, Response) else None
                if isinstance(page, Page):
                    yield page


def add_documents_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--documents",
        type=Path,
        metavar="DIR",
        help="output of `bateia curate` or `bateia dedup`; default: the embedded sample, curated",
    )


def documents_folder(args: argparse.Namespace, scratch: Path) -> Path:
    """The curated documents that the option names, or the sample's, made in the scratch folder."""
    if args.documents is not None:
        return args.documents
    note("No documents are given: the embedded sample is curated.")
    warcs, output = build_sample(scratch / "sample").warc_files, scratch / "sample-documents"
    command = bateia("curate", "--recipe", "tiny", "--no-blocklist", "--quiet", "--output", output, "--input", *warcs)
    measure(command, scratch / "sample.log")
    return output


def documents(folder: Path, language: str | None = None) -> list[tuple[str, str]]:
    """(text, language) of every document, or of those of one language."""
    files = sorted(map(str, folder.glob(f"data/{language or '*'}/*.parquet")))
    rows = ds.dataset(files, partitioning=None).to_table(columns=["text", "language"]).to_pylist() if files else []
    return [(row["text"], row["language"]) for row in rows]


def texts(folder: Path, language: str | None = None) -> list[str]:
    """The texts of every document, or of those of one language."""
    return [text for text, _ in documents(folder, language)]
