"""What a run was estimated to come to, by `bateia estimate --save`, and beside it what it came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from pipelines.reports.formats import figure
from pipelines.reports.records import Number
from pipelines.reports.render import decode
from schemas.faults import BadInput, reason
from schemas.storage import read_json

PAGES, CPU, WALL, REQUESTS, FETCHED = "pages", "CPU hours", "wall hours", "requests", "GB fetched"
WRITTEN, KEPT, TOKENS, MEMORY = "GB written", "documents kept", "million tokens", "MB of memory"
CHARS_OF_TOKEN = 4.0  # English and Portuguese under vocabularies of 32,768 have 4.0 to 4.6; other scripts fewer


class Amount(Struct, frozen=True):
    """An estimate, and the spread in which it may lie as far as the pieces that were tried show."""

    mean: Number
    low: Number
    high: Number

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.mean + other.mean, self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Amount:
        return Amount(self.mean * factor, self.low * factor, self.high * factor)

    def __str__(self) -> str:
        return f"{figure(self.mean)} ({figure(self.low)} to {figure(self.high)})"


class Estimate(Struct, frozen=True):
    """Of a run by a recipe.

    units: of the whole input; size: of them together, in bytes, rows of tables and records of selections
    pieces: that were tried
    workers: processes that the wall hours are for
    amounts: by the names above
    """

    recipe: str
    units: int
    size: int
    pieces: int
    workers: int
    amounts: dict[str, Amount]


class Compared(Struct, frozen=True):
    """A measure of a run beside its estimate."""

    measure: str
    estimated: Number
    low: Number
    high: Number
    measured: Number

    @property
    def is_within(self) -> bool:
        """Whether the run came out within the spread, as far as three digits show."""
        return float(f"{self.low:.3g}") <= float(f"{self.measured:.3g}") <= float(f"{self.high:.3g}")

    def __str__(self) -> str:
        spread = f"{figure(self.low)} to {figure(self.high)}"
        mark = "" if self.is_within else "; outside the estimate's spread"
        return f"{self.measure}: {figure(self.measured)}, estimated {figure(self.estimated)} ({spread}){mark}"


def read_estimate(path: str, recipe: str, units: int, size: int) -> Estimate:
    """A saved estimate of the run with this recipe and input. Raises BadInput for any other, and for no estimate."""
    try:
        estimate = decode(read_json(path), Estimate, f"estimate {path}")
    except (OSError, ValueError) as error:
        what = f"estimate {path} can't be read ({reason(error)})"
        raise BadInput(f"{what}; give what `bateia estimate --save` wrote") from error
    if (estimate.recipe, estimate.units, estimate.size) != (recipe, units, size):
        raise BadInput(
            f"estimate {path} is of another run: {estimate.recipe[:60]} on {estimate.units:,} units of "
            f"{estimate.size:,}, not {recipe} on {units:,} of {size:,}; estimate this one, or leave --estimate out"
        )
    return estimate


def compare(estimate: Estimate, measured: Mapping[str, float]) -> Iterator[Compared]:
    """The measures of the estimate that were measured, in its order, but for those that are nothing on both sides."""
    for name, amount in estimate.amounts.items():
        if name in measured and (measured[name] or amount.high):
            yield Compared(name, amount.mean, amount.low, amount.high, measured[name])
