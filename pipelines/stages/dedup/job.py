"""What a deduplication is asked for: its inputs, how its work is cut, and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.engine.output import StageOutput
from pipelines.stages.datasets import Input, files_behind, source_of
from schemas.storage import absolute, join
from transforms.dedup.signatures import DedupWorkdir, SignatureFile
from transforms.documents import Part, columns_in, measures_in
from transforms.steps.recipe import CorpusRecipe

STAGE = "dedup"
OUTPUT_FOLDERS = ("data", "clusters", "signatures", "pii", "work", ".progress", ".urls")
OUTPUT_FILES = ("README.md", "report.json", "report.html", "failure.log")


@dataclass(frozen=True)
class DedupJob:
    """One run as asked for.

    earlier_texts: the files of earlier corpora whose texts are compared; empty if no text is.
    settings: all that the output's bytes depend on besides the input.
    """

    output: str
    name: str
    recipe: CorpusRecipe
    inputs: tuple[Input, ...]
    earlier: tuple[Input, ...]
    parts: tuple[Part, ...]
    signature_files: tuple[SignatureFile, ...]
    earlier_texts: tuple[Part, ...]
    tokenizer: str | None
    settings: dict[str, Any]

    @property
    def root(self) -> str:
        """The output as workers name it."""
        return absolute(self.output)

    @property
    def workdir(self) -> DedupWorkdir:
        return DedupWorkdir(self.root)

    @property
    def documents(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def text_parts(self) -> tuple[Part, ...]:
        return (*self.earlier_texts, *self.parts)

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the quality values of all inputs. An input has the same in all its files: those of its recipe."""
        return tuple(dict.fromkeys(name for path in self.first_files for name in measures_in(path)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the optional columns of all inputs."""
        return tuple(dict.fromkeys(name for path in self.first_files for name in columns_in(path)))

    @property
    def first_files(self) -> list[str]:
        """A file of each input: an input's files have the same columns."""
        return [join(item.path, item.data[0].path) for item in self.inputs if item.data]

    @property
    def source(self) -> list[dict[str, Any]]:
        """What was read, back to the WARC files, and what it was compared with."""
        read = [source_of(item) | files_behind(item) for item in self.inputs]
        return read + [source_of(item) | {"role": "against"} for item in self.earlier]

    @property
    def directory(self) -> StageOutput:
        return StageOutput(self.output, STAGE, OUTPUT_FOLDERS, OUTPUT_FILES, self.settings, self.source)
