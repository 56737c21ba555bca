"""`bateia estimate`: a few pieces of the input through a recipe, and what the whole would come to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.crawls.names import keyed
from pipelines.stages.curate import CurateRun
from schemas.faults import BadInput
from schemas.storage import read_table
from schemas.tally import Tally
from schemas.wording import plural
from transforms.curate import CuratePages, CurateUnit
from transforms.steps.fetch.files import is_remote
from transforms.steps.sources.read import JSONL, SELECTION, WARC, WET
from transforms.units import Records, run_unit

RATES = Path(__file__).parents[2] / "deploy" / "rates.json"
PIECE_BYTES = 8 << 20  # of a unit that is tried; a worker's start is paid once, so it does not count
PIECE_ROWS = 200  # of a selection
CHARS_OF_TOKEN = 4.0  # English and Portuguese under vocabularies of 32,768 have 4.0 to 4.6; other scripts fewer
MEASURES = ("pages", "CPU hours", "GB fetched", "GB written", "documents kept", "million tokens")


@dataclass(frozen=True)
class Piece:
    """A piece of the input that was tried. size: bytes or rows of it; values: by MEASURES."""

    size: int
    values: tuple[float, ...]
    memory_mb: int


@dataclass(frozen=True)
class Amount:
    """An estimate: by all pieces together, and by the one that gives least and most."""

    mean: float
    low: float
    high: float

    def times(self, factor: float) -> Amount:
        return Amount(self.mean * factor, self.low * factor, self.high * factor)

    def __str__(self) -> str:
        return f"{figure(self.mean)} ({figure(self.low)} to {figure(self.high)})"


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def estimate(run: CurateRun, pieces: int, show: Callable[[str], None]) -> tuple[dict[str, Amount], int, int]:
    """What the whole run would come to by MEASURES, MB of a worker, and how many pieces were tried.

    Raises BadInput if nothing can be read of them.
    """
    units = sorted(run.units, key=lambda unit: keyed(1, unit.name))
    tried = []
    work = CuratePages(run.bound.recipe.curate, run.settings["dump"], False, run.columns, run.fetch)
    work.setup()
    try:
        with tempfile.TemporaryDirectory(prefix="bateia-") as folder:
            for number, unit in enumerate(units[:pieces], 1):
                show(f"piece {number} of {min(pieces, len(units))}: {unit.path}")
                tried.append(try_piece(work, piece_of(unit), f"{folder}/{number}"))
    finally:
        work.close()
    if not any(piece.size for piece in tried) or not any(piece.values[0] for piece in tried):
        raise BadInput("no page could be read of the pieces that were tried; look at one with `bateia curate`")
    whole = sum(unit.end - unit.start for unit in run.units)
    return scaled(tried, whole), max(piece.memory_mb for piece in tried), len(tried)


def piece_of(unit: CurateUnit) -> CurateUnit:
    """The beginning of a unit that is large."""
    if unit.kind == SELECTION:
        return replace(unit, end=min(unit.end, unit.start + PIECE_ROWS))
    if unit.kind in (WARC, WET) or (unit.kind == JSONL and unit.start > 0):
        size = unit.size or unit.end  # of a file whose size was not asked for, a typical one
        return replace(unit, size=size, end=min(unit.end, unit.start + PIECE_BYTES))
    return unit


def try_piece(work: CuratePages, unit: CurateUnit, folder: str) -> Piece:
    records = Records(folder, "units")
    run_unit(work, records, unit)
    record = records.read(unit.name)
    tally, timings = Tally.from_json(record["tally"]), record["timings"]
    written = sum(file["bytes"] for file in record["files"])
    chars = sum(
        sum(len(text) for text in read_table(f"{folder}/{file['path']}", ["text"])["text"].to_pylist())
        for file in record["files"]
        if file["path"].startswith("data/")
    )
    remote = is_remote(unit.root or unit.path)
    fetched = fetched_bytes(folder, record) if unit.kind == SELECTION else unit.end - unit.start
    values = (
        float(tally.read),
        timings["cpu_s"] / 3600,
        fetched / 1e9 if remote else 0.0,
        written / 1e9,
        float(tally.kept),
        chars / CHARS_OF_TOKEN / 1e6,
    )
    return Piece(unit.end - unit.start, values, int(timings["max_rss_mb"]))


def fetched_bytes(folder: str, record: dict[str, Any]) -> int:
    ledgers = [file["path"] for file in record["files"] if file["path"].startswith("ledger/")]
    return sum(sum(read_table(f"{folder}/{path}", ["bytes"])["bytes"].to_pylist()) for path in ledgers)


def scaled(tried: list[Piece], whole: int) -> dict[str, Amount]:
    """Pieces to the whole input, by their sizes."""
    size = sum(piece.size for piece in tried)
    amounts = {}
    for number, name in enumerate(MEASURES):
        rates = [piece.values[number] / piece.size for piece in tried if piece.size]
        mean = sum(piece.values[number] for piece in tried) / size
        amounts[name] = Amount(mean * whole, min(rates) * whole, max(rates) * whole)
    return amounts


def lines_of(
    amounts: dict[str, Amount], memory_mb: int, pieces: int, run: CurateRun, workers: int, price: float | None
) -> Iterator[str]:
    """The estimate as a person reads it."""
    rates = json.loads(RATES.read_text("utf-8"))
    usd = price if price is not None else rates["usd_per_core_hour"]
    source = "your --price" if price is not None else f"{rates['what']}, {rates['date']}"
    yield f"{plural(len(run.units), 'unit')} of {plural(len(run.files), 'file')}, by {plural(pieces, 'piece')} of them"
    rows: dict[str, object] = dict(amounts)
    rows[f"wall hours, {plural(workers, 'worker')}"] = amounts["CPU hours"].times(1 / workers)
    rows["dollars"] = f"{amounts['CPU hours'].times(usd)} at {usd:g} a core hour ({source})"
    rows["MB of memory"] = f"{memory_mb:,} a worker, {memory_mb * workers:,} in all, and an extraction child for each"
    width = max(map(len, rows))
    for name, value in rows.items():
        yield f"  {name:<{width}}  {value}"
    requests = sum(1 for unit in run.units if is_remote(unit.root or unit.path))
    if requests:
        hours = requests / run.fetch.requests_per_s / 3600
        yield f"  {requests:,} requests or more, {run.fetch.requests_per_s:g} a second, take {figure(hours)} hours"
    yield f"documents only, {CHARS_OF_TOKEN:g} characters a token; in brackets the pieces with least and most"
