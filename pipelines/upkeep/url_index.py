"""`bateia index`: an index of an output's addresses, made by workers; `pipelines.lineage.urls` says what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.engine.run import Phases
from pipelines.engine.stores.leases import take_lease
from pipelines.lineage.explain import STAGES
from pipelines.lineage.urls import FOLDER, WORK, Tallies, files_with_urls, make_index, open_index
from schemas.manifest import Manifest, open_finished
from schemas.storage import absolute, join, remove
from schemas.wording import plural
from transforms.units import Records, Work, write_units


@dataclass(frozen=True)
class IndexStage:
    """An output whose addresses are to be indexed."""

    output: str
    manifest: Manifest

    def is_finished(self) -> bool:
        return False

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        return []

    def prepare(self, overwrite: bool) -> None:
        take_lease(self.output)

    def progress_summary(self) -> str:
        hashed = len(self._records("hash").listed())
        return f"the addresses of {hashed:,} of {plural(len(files_with_urls(self.manifest)), 'file')} are hashed"

    def execute(self, phases: Phases) -> IndexSummary:
        """Index the addresses in two phases, by file and by bucket; nothing if this output has its index."""
        if open_index(self.output, self.manifest) is not None:
            return IndexSummary((f"the index of {self.output} is there and of just this output",))

        def do(name: str, work: Work, units: Sequence[Any]) -> Tallies:
            listed, records = join(self.output, FOLDER, WORK, f"{name}.jsonl"), self._records(name)
            write_units(listed, units)
            sizes = [(unit.name, getattr(unit, "rows", 1)) for unit in units]
            noun = "page" if name == "hash" else "bucket"
            phases.run_units(name, listed, work, records, sizes, noun, done=records.finished(n for n, _ in sizes))
            return {unit.name: records.read(unit.name)["tally"] for unit in units}

        index = make_index(absolute(self.output), self.manifest, do)
        remove(join(self.output, "failure.log"))
        return IndexSummary(
            (f"indexed: the addresses of {plural(len(index.paths), 'file')} of {self.output}, in {FOLDER}/",)
        )

    def _records(self, name: str) -> Records:
        return Records(self.output, f"{FOLDER}/{WORK}/{name}")


@dataclass(frozen=True)
class IndexSummary:
    text: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        return self.text


def plan_index(folder: str) -> IndexStage:
    """Raises BadInput if the folder holds no finished output with addresses."""
    return IndexStage(folder.rstrip("/"), open_finished(folder, STAGES, "`bateia curate`, `dedup` or `shard`"))
