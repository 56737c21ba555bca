"""What a runner says it has done, held against what is there: a runner that loses bundles must not finish a run."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.faults import BrokenRun
from schemas.storage import read_json, size_of
from schemas.wording import plural
from transforms.packed import lost_rows
from transforms.units import Records

REMEDY = "nothing is declared finished; run the same command again, and on another runner if it happens again"


def require_counts(path: str, phase: str, elements: dict[str, int]) -> dict[str, int]:
    """What a phase's shuffles have counted, by name. Raises BrokenRun if that shows a loss.

    path: of the JSON file that `transforms.packed.write_sums` wrote.
    elements: how many inputs each shuffle has, by its label.
    """
    if size_of(path) is None:
        raise BrokenRun(f"phase {phase} ended without its counts: the runner lost what was sent; {REMEDY}")
    counts = read_json(path)
    if faults := lost_rows(counts, elements):
        raise BrokenRun(f"phase {phase}: the runner lost data ({'; '.join(faults[:3])}); {REMEDY}")
    return counts


def require_units(records: Records, names: Iterable[str], phase: str) -> None:
    """Raise BrokenRun unless every unit of a phase has its record."""
    wanted, there = set(names), set(records.listed())
    if missing := sorted(wanted - there):
        raise BrokenRun(
            f"phase {phase}: the runner ended with {plural(len(missing), 'unit')} of {len(wanted):,} undone, such as "
            f"{missing[0]}; {REMEDY}"
        )
