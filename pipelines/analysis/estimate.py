"""`bateia estimate`: a few pieces of the input through a recipe, and what the whole would come to."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.crawls.names import keyed
from pipelines.reports.formats import figure
from pipelines.reports.records import (
    CHARS_OF_TOKEN,
    CPU,
    FETCHED,
    KEPT,
    MEMORY,
    PAGES,
    REQUESTS,
    TOKENS,
    WALL,
    WRITTEN,
    Amount,
    Estimate,
)
from pipelines.stages.curate.run import CurateRun
from schemas.faults import BadInput
from schemas.storage import absolute
from schemas.tally import Tally
from schemas.wording import plural
from transforms.curate import CuratePages, CurateUnit
from transforms.steps.sources.read import JSONL, SELECTION, WARC, WET
from transforms.units import Records, run_unit

RATES = Path(__file__).parents[2] / "deploy" / "rates.json"
PIECE_BYTES = 8 << 20  # of a unit that is tried
PIECE_ROWS = 200  # of a selection
WARM_BYTES, WARM_ROWS = 1 << 19, 20  # done before, uncounted: a worker loads its models once
MEASURES = (PAGES, CPU, FETCHED, WRITTEN, KEPT, TOKENS, REQUESTS)
# Student's t at 90 %, two-sided, by pieces less one; from the usual tables.
T_90 = (math.inf, 6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83, 1.81)
OF_CPU = 0.3  # of its mean: what the same work's CPU seconds differ by from run to run on a machine that others use
START_S = Amount(8.0, 4.0, 16.0)  # of a run before its first unit and after its last: Beam, lists, reports
OF_ONE_PIECE = 0.5  # of the mean: what the spread is taken to be where a single piece shows none


@dataclass(frozen=True)
class Piece:
    """A piece of the input that was tried.

    size: bytes or rows of it
    values: by MEASURES
    """

    size: int
    values: tuple[float, ...]
    memory_mb: int = 0


def estimate(run: CurateRun, pieces: int, workers: int, show: Callable[[str], None]) -> Estimate:
    """What the whole run would come to, by up to `pieces` of each kind of file. Raises BadInput if none can be read."""
    kinds = sorted({unit.kind for unit in run.units})
    recipe, dump = run.bound.recipe.curate, run.settings["dump"]
    work = CuratePages(recipe, dump, False, run.columns, run.fetch, folder=absolute("."))
    tried: list[Piece] = []
    amounts: dict[str, Amount] = {name: Amount(0.0, 0.0, 0.0) for name in MEASURES}
    work.setup()
    try:
        with tempfile.TemporaryDirectory(prefix="bateia-") as folder:
            for kind in kinds:
                units = sorted((unit for unit in run.units if unit.kind == kind), key=lambda unit: keyed(1, unit.name))
                chosen = [piece_of(unit) for unit in units[:pieces]]
                if kind in (WARC, WET, SELECTION):
                    try_piece(work, beginning(chosen[0], WARM_BYTES, WARM_ROWS), f"{folder}/{kind}")
                of_kind = []
                for number, unit in enumerate(chosen, 1):
                    show(f"piece {number} of {len(chosen)}: {unit.path}")
                    of_kind.append(try_piece(work, unit, f"{folder}/{kind}-{number}"))
                added = scaled(of_kind, sum(unit.end - unit.start for unit in units), requests_by(kind, len(units)))
                amounts = {name: amounts[name] + added[name] for name in MEASURES}
                tried += of_kind
    finally:
        work.close()
    if not any(piece.values[0] for piece in tried):
        raise BadInput("no page could be read of the pieces that were tried; look at one with `bateia curate`")
    cpu = amounts[CPU]
    off = max(cpu.mean - cpu.low, OF_CPU * cpu.mean)
    amounts[CPU] = Amount(cpu.mean, max(0.0, cpu.mean - off), cpu.mean + off)
    memory = max(piece.memory_mb for piece in tried)
    amounts[WALL] = wall(amounts[CPU], amounts[REQUESTS], workers, run.fetch.requests_per_s)
    amounts[MEMORY] = Amount(memory, memory / 2, 2 * memory)  # it grows with the largest page, which pieces seldom have
    return Estimate(run.bound.recipe.name, len(run.units), run.size, len(tried), workers, amounts)


def piece_of(unit: CurateUnit) -> CurateUnit:
    """The beginning of a unit that is large."""
    return beginning(unit, PIECE_BYTES, PIECE_ROWS)


def beginning(unit: CurateUnit, size: int, rows: int) -> CurateUnit:
    """So many bytes or rows of a unit, where it can be read in part."""
    if unit.kind == SELECTION:
        return replace(unit, end=min(unit.end, unit.start + rows))
    if unit.kind in (WARC, WET) or (unit.kind == JSONL and unit.start > 0):
        whole = unit.size or unit.end  # of a file whose size was not asked for, a typical one
        return replace(unit, size=whole, end=min(unit.end, unit.start + size))
    return unit


def try_piece(work: CuratePages, unit: CurateUnit, folder: str) -> Piece:
    """What one piece of a file comes to when it is curated, its outputs and its time counted."""
    records = Records(folder, "units")
    run_unit(work, records, unit)
    record = records.read(unit.name)
    tally, timings = Tally.from_json(record["tally"]), record["timings"]
    values = (
        float(tally.read),
        timings["cpu_s"] / 3600,
        timings.get("fetched_bytes", 0) / 1e9,
        sum(file["bytes"] for file in record["files"]) / 1e9,
        float(tally.kept),
        tally.kept_chars / CHARS_OF_TOKEN / 1e6,
        float(timings.get("requests", 0)),
    )
    return Piece(unit.end - unit.start, values, int(timings["max_rss_mb"]))


def requests_by(kind: str, units: int) -> int | None:
    """By how many units requests are scaled; None where they grow with the size, as those of a selection's records."""
    return None if kind == SELECTION else units


def scaled(tried: Sequence[Piece], whole: int, units: int | None = None) -> dict[str, Amount]:
    """Pieces to the whole input, by their sizes; requests by `units` where these are given."""
    amounts = {}
    size = sum(piece.size for piece in tried)
    for number, name in enumerate(MEASURES):
        if name == REQUESTS and units is not None:
            per_unit = [piece.values[number] for piece in tried]
            amounts[name] = spread(per_unit, sum(per_unit) / len(tried), len(tried) / units).times(units)
        else:
            rates = [piece.values[number] / piece.size for piece in tried if piece.size]
            mean = sum(piece.values[number] for piece in tried) / size if size else 0.0
            amounts[name] = spread(rates, mean, size / whole if whole else 1.0).times(whole)
    return amounts


def spread(rates: Sequence[float], mean: float, share: float) -> Amount:
    """The mean with what it may be off by: the extremes, or Student's interval of nine in ten where that is wider.

    share: of the whole that was tried; what is known needs no spread
    """
    if len(rates) > 1:
        variance = sum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1)
        student = T_90[min(len(rates), len(T_90)) - 1] * math.sqrt(variance / len(rates))
        off = max(student, *(abs(rate - mean) for rate in rates))
    else:
        off = OF_ONE_PIECE * mean
    off *= math.sqrt(max(0.0, 1.0 - share))
    return Amount(mean, max(0.0, mean - off), mean + off)


def wall(cpu: Amount, requests: Amount, workers: int, requests_per_s: float) -> Amount:
    """Hours by the clock: of the CPU's work over workers, or of the requests in a row, whichever are more; and a start.

    They are those of a machine with a core for each worker, and nothing else to do.
    """
    by_cpu, by_requests = cpu.times(1 / workers), requests.times(1 / requests_per_s / 3600)
    ends = (max(getattr(by_cpu, end), getattr(by_requests, end)) for end in ("mean", "low", "high"))
    return Amount(*ends) + START_S.times(1 / 3600)


def lines_of(made: Estimate, run: CurateRun, price: float | None) -> Iterator[str]:
    """The estimate as a person reads it."""
    rates = json.loads(RATES.read_text("utf-8"))
    usd = price if price is not None else rates["usd_per_core_hour"]
    source = "your --price" if price is not None else f"{rates['what']}, {rates['date']}"
    amounts, workers = made.amounts, made.workers
    yield f"{plural(made.units, 'unit')} of {plural(len(run.files), 'file')}, by {plural(made.pieces, 'piece')} of them"
    rows: dict[str, object] = {name: amounts[name] for name in MEASURES if amounts[name].high or name == PAGES}
    rows[f"{WALL}, {plural(workers, 'worker')}"] = amounts[WALL]
    rows["dollars"] = f"{amounts[CPU].times(usd)} at {usd:g} a core hour ({source})"
    memory = amounts[MEMORY]
    rows[MEMORY] = f"{memory} a worker, {figure(memory.mean * workers)} in all, and an extraction child for each"
    width = max(map(len, rows))
    for name, value in rows.items():
        yield f"  {name:<{width}}  {value}"
    if amounts[REQUESTS].high:
        hours = figure(amounts[REQUESTS].mean / run.fetch.requests_per_s / 3600)
        yield f"  the requests alone, {run.fetch.requests_per_s:g} a second, take {hours} hours"
    where = "in brackets where nine in ten of such runs come out, on a machine with a core for each worker"
    yield f"documents only, {CHARS_OF_TOKEN:g} characters a token; {where}"
