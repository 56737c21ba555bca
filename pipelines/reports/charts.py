"""Charts as inline SVG: they need no script, survive e-mail and print, and a screen reader finds their labels.

Each function returns finished markup, made of numbers and escaped labels. style.css has the colours; a colour is the
name of a class there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup
from msgspec import Struct, field

from pipelines.reports.formats import clean, compact, number, span

WIDTH, HEIGHT = 600, 220  # units of a line chart, which is as wide as there is room
LEFT, BOTTOM, TOP = 52, 22, 8
GRID_LINES = 4  # of a line chart, about
COLOURS = 5  # of lines

Points = Sequence[tuple[float, float]]


class Bin(Struct, frozen=True):
    """Documents whose size lies from `start` to before `end`.

    start: of characters, tokens or documents in a cluster.
    end: None for a last bin without an upper edge.
    kept: how many documents.
    """

    start: int = field(name="from")
    end: int | None = field(name="to")
    kept: int


class SplitBin(Bin, frozen=True):
    """A bin of two sides.

    dropped: documents below the axis: dropped, removed, or held out to validate.
    """

    dropped: int


def bar(parts: Iterable[tuple[str, float]], whole: float, label: str = "", kind: str = "") -> Markup:
    """One horizontal bar.

    parts: (colour, value) from the left.
    whole: what the full width stands for.
    label: for screen readers; without one the bar is an ornament of the numbers beside it.
    kind: class of its own in style.css.
    """
    rects, x = [], 0.0
    for colour, value in parts:
        width = max(100 * value / whole, 0.4) if whole and value > 0 else 0.0
        if width:
            rect = Markup('<rect class="{}" x="{:.2f}" width="{:.2f}" height="1"/>')
            rects.append(rect.format(colour, x, width))
        x += width
    role = Markup('role="img" aria-label="{}"').format(clean(label)) if label else Markup('aria-hidden="true"')
    svg = Markup('<svg class="bar{}" viewBox="0 0 100 1" preserveAspectRatio="none" {}>{}</svg>')
    return svg.format(f" {kind}" if kind else "", role, joined(rects))


def spread(low: float | None, middle: float | None, high: float | None) -> Markup:
    """A line from the 5th to the 95th percentile with a mark at the median, on a scale from nought to the 95th."""
    if low is None or middle is None or high is None or not all(map(math.isfinite, (low, middle, high))):
        return Markup("")
    start, end = min(low, 0), max(high, 0)
    if start == end:
        return Markup("")
    x_low, x_middle, x_high = (100 * (value - start) / (end - start) for value in (low, middle, high))
    return Markup(
        '<svg class="bar spread" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="soft" x="{:.2f}" y="0.3" width="{:.2f}" height="0.4"/>'
        '<rect class="kept" x="{:.2f}" width="1" height="1"/></svg>'
    ).format(x_low, x_high - x_low, min(x_middle, 99))


def whisker(low: float, middle: float, high: float, start: float, end: float) -> Markup:
    """An interval with a mark in it, on a scale from start to end that several share."""
    whole = end - start
    if not all(map(math.isfinite, (low, middle, high, whole))) or whole <= 0:
        return Markup("")
    x_low, x_middle, x_high = (min(max(100 * (value - start) / whole, 0), 100) for value in (low, middle, high))
    return Markup(
        '<svg class="bar spread" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="soft" x="{:.2f}" y="0.3" width="{:.2f}" height="0.4"/>'
        '<rect class="kept" x="{:.2f}" width="1" height="1"/></svg>'
    ).format(x_low, max(x_high - x_low, 0.4), min(x_middle, 99))


def gauge(value: float, limit: float, passed: bool) -> Markup:
    """A measured value as a bar from nought, with a line at what it has to be on one side of."""
    if not (math.isfinite(value) and math.isfinite(limit)):
        return Markup("")
    whole = max(abs(value), abs(limit)) * 1.15 or 1.0
    colour = "kept" if passed else "unreadable"
    return Markup(
        '<svg class="bar step" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="{}" width="{:.2f}" y="0.25" height="0.5"/><rect class="other" x="{:.2f}" width="0.5" height="1"/>'
        "</svg>"
    ).format(colour, max(100 * abs(value) / whole, 0.4), 100 * abs(limit) / whole)


def strip(pieces: Iterable[tuple[str, float, str]], whole: float) -> Markup:
    """A bar whose pieces are named when one points at them.

    pieces: (colour, value, name) from the left.
    """
    rects, x = [], 0.0
    for colour, value, name in pieces:
        rect = Markup('<rect class="{}" x="{:.3f}" y="0" width="{:.3f}" height="6"><title>{}</title></rect>')
        rects.append(rect.format(colour, 100 * x / whole, 100 * value / whole, clean(name)))
        x += value
    svg = Markup('<svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img">{}</svg>')
    return svg.format(joined(rects))


# --- Histograms: a column for each bin, the bins in powers of two -----------------------------------------------------


def histogram(
    bins: Sequence[SplitBin], height: int = 260, kept: str = "kept", lost: str = "dropped", unit: str = "characters"
) -> Markup:
    """Kept documents above the axis and the others below it, on one scale.

    height: of both sides together, in pixels.
    kept, lost: what became of those above and of those below.
    unit: of the sizes.
    """
    tops = [max((getattr(bin_, fate) for bin_ in bins), default=0) for fate in ("kept", "dropped")]
    whole = sum(tops)
    if not whole:
        return Markup('<p class="none">No text was extracted.</p>')
    heights = [max(round(height * top / whole), 8) for top in tops]
    step = grid_step(whole)
    above = _half("kept", bins, [bin_.kept for bin_ in bins], kept, unit, step, heights[0])
    below = _half("dropped", bins, [bin_.dropped for bin_ in bins], lost, unit, step, heights[1])
    return Markup('<div class="histogram">{}{}{}</div>').format(above, _edges(bins), below)


def _half(colour: str, bins: Sequence[Bin], counts: list[int], fate: str, unit: str, step: int, height: int) -> Markup:
    """One side of a histogram: columns growing from the axis, and grid lines with their numbers."""
    top, is_above = max(counts), colour == "kept"
    columns = []
    for index, (bin_, count) in enumerate(zip(bins, counts, strict=True)):
        tall = max(100 * count / top, 0.8) if count else 0.0
        title = f"{span(bin_.start, bin_.end)} {unit}: {count:,} {fate}"
        columns.append(_column(colour, index, 100 - tall if is_above else 0.0, tall, title))
    edge = "bottom" if is_above else "top"
    lines = [_grid_line(edge, 100 * value / top, value) for value in range(step, top + 1, step)]
    fullest = bins[counts.index(top)].start
    label = f"Documents {fate} by length: the fullest column, from {fullest:,} {unit}, holds {top:,}"
    return _plot(f" {colour}", height, label, columns, lines)


def log_histogram(bins: Sequence[Bin], height: int = 180) -> Markup:
    """Columns whose height is the logarithm of their number: one and a million are both seen."""
    top = 10 ** math.ceil(math.log10(max(10, *(bin_.kept for bin_ in bins))))
    high = math.log10(top) + 1  # one decade below 1, so that a single cluster has a column
    columns = []
    for index, bin_ in enumerate(bins):
        tall = 100 * (math.log10(bin_.kept) + 1) / high if bin_.kept else 0.0
        title = f"{span(bin_.start, bin_.end)} documents: {bin_.kept:,} clusters"
        columns.append(_column("kept", index, 100 - tall, tall, title))
    powers = range(round(math.log10(top)) + 1)
    lines = [_grid_line("bottom", 100 * (power + 1) / high, 10**power) for power in powers]
    plot = _plot("", height, "Clusters by size; the numbers are below", columns, lines)
    return Markup('<div class="histogram">{}{}</div>').format(plot, _edges(bins))


def _column(colour: str, index: int, y: float, height: float, title: str) -> Markup:
    rect = Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="0.88" height="{:.2f}"><title>{}</title></rect>')
    return rect.format(colour, index + 0.06, y, height, clean(title))


def _grid_line(edge: str, percent: float, value: int) -> Markup:
    return Markup('<div class="line" style="{}:{:.2f}%"><span>{}</span></div>').format(
        edge, percent, compact(value, 1000)
    )


def _plot(kind: str, height: int, label: str, columns: Sequence[Markup], lines: Sequence[Markup]) -> Markup:
    return Markup(
        '<div class="half{}" style="height:{}px"><svg viewBox="0 0 {} 100" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg><div aria-hidden="true">{}</div></div>'
    ).format(kind, height, len(columns), clean(label), joined(columns), joined(lines))


def _edges(bins: Sequence[Bin]) -> Markup:
    """The lower edges of the bins, below or between the columns."""
    edges = [Markup("<li><span>{}</span></li>").format(compact(bin_.start, 1024)) for bin_ in bins]
    return Markup('<ol class="axis" aria-hidden="true">{}</ol>').format(joined(edges))


def grid_step(whole: float) -> int:
    """A round distance between grid lines, so that five to ten of them fit into `whole`."""
    rough = max(whole / 5, 1)
    power = 10 ** int(math.log10(rough))
    return next(nice * power for nice in (5, 2, 1) if nice * power <= rough)


# --- Lines ------------------------------------------------------------------------------------------------------------


def line_chart(
    label: str,
    series: Sequence[tuple[str, Points]],
    from_zero: bool = False,
    end: Callable[[float], str] = "step {:,}".format,
) -> Markup:
    """Lines on common axes, with a legend where there are several.

    label: for screen readers.
    series: (name, points) of each line; points: (x, y), x from 0 on. A point that is not finite is left out.
    from_zero: whether the y axis begins at 0.
    end: what stands below the last x, given it.
    """
    finite = [(name, [point for point in points if math.isfinite(point[1])]) for name, points in series]
    drawn = [(name, points) for name, points in finite if points]
    if not drawn:
        return Markup('<p class="none">Nothing was measured.</p>')
    every_point = [point for _, points in drawn for point in points]
    last = max(max(x for x, _ in every_point), 1)
    low, high = bounds([y for _, y in every_point], from_zero)
    grid = [_tick(value, low, high) for value in ticks(low, high)]
    lines = [_line(name, index, points, last, (low, high)) for index, (name, points) in enumerate(drawn)]
    return Markup(
        '<div class="curve"><svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{grid}{lines}'
        '<text x="{left}" y="{foot}">0</text><text x="{width}" y="{foot}" text-anchor="end">{end}</text></svg>'
        "{legend}</div>"
    ).format(
        width=WIDTH,
        height=HEIGHT,
        label=clean(label),
        grid=joined(grid),
        lines=joined(lines),
        left=LEFT,
        foot=HEIGHT - 6,
        end=clean(end(last)),
        legend=_legend([name for name, _ in drawn]) if len(drawn) > 1 else "",
    )


def bounds(values: Sequence[float], from_zero: bool) -> tuple[float, float]:
    """The ends of the y axis: the values' own with a margin."""
    low, high = (0.0 if from_zero else min(values)), max(values)
    margin = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    return (low if from_zero else low - margin), high + margin


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between the bounds."""
    rough = (high - low) / GRID_LINES
    power = 10 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough)
    first = math.ceil(low / step)
    return [step * multiple for multiple in range(first, math.floor(high / step) + 1)]


def _y(value: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - BOTTOM - TOP) * (high - value) / (high - low)


def _tick(value: float, low: float, high: float) -> Markup:
    y = _y(value, low, high)
    text = f"{value:.2g}" if 0 < abs(value) < 0.01 else number(value)
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
    ).format(LEFT, WIDTH, LEFT - 6, y + 4, text, y=y)


def _line(name: str, index: int, points: Points, last: float, ends: tuple[float, float]) -> Markup:
    corners = [(LEFT + (WIDTH - LEFT) * x / last, _y(y, *ends)) for x, y in points]
    if len(corners) == 1:
        corners = [corners[0], (corners[0][0] + 2, corners[0][1])]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    line = Markup('<polyline class="c{}" points="{}"><title>{}</title></polyline>')
    return line.format(index % COLOURS, path, clean(name))


def _legend(names: Sequence[str]) -> Markup:
    mark = Markup(
        '<span><svg class="key" viewBox="0 0 12 12" aria-hidden="true">'
        '<line class="c{}" x1="0" x2="12" y1="6" y2="6"/></svg>{}</span> '
    )
    marks = [mark.format(index % COLOURS, clean(name)) for index, name in enumerate(names)]
    return Markup('<p class="note legend">{}</p>').format(joined(marks))


def joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)
