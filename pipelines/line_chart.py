"""Curves over the steps of a training, drawn by hand as SVG."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence

from pipelines.report_charts import Html, fill, number

WIDTH, HEIGHT = 600, 220  # units of the picture, which is as wide as there is room
LEFT, BOTTOM, TOP = 52, 22, 8
LINES = 4  # grid lines, about

STYLE = """
.curve>svg { width:100%; max-width:46rem; height:auto; display:block; margin-top:.6rem; overflow:visible; }
.curve polyline { fill:none; stroke-width:2; vector-effect:non-scaling-stroke; stroke-linejoin:round; }
.curve .grid { stroke:var(--line); vector-effect:non-scaling-stroke; }
.curve>svg text { font-size:11px; fill:var(--quiet); }
.c0 { stroke:var(--gold); } .c1 { stroke:var(--slate); } .c2 { stroke:var(--brick); } .c3 { stroke:var(--ink); }
.c4 { stroke:var(--soft); } .key .c0,.key .c1,.key .c2,.key .c3,.key .c4 { stroke-width:24; }
"""
COLOURS = 5

Points = Sequence[tuple[float, float]]


def curves(
    label: str,
    series: Sequence[tuple[str, Points]],
    from_zero: bool = False,
    end: Callable[[float], str] = "step {:,}".format,
) -> Html:
    """Lines of (step, value) on common axes; the name of each in its legend where there are several. end: what
    stands below the last step, given its number."""
    shown = [(name, [point for point in points if math.isfinite(point[1])]) for name, points in series]
    shown = [(name, points) for name, points in shown if points]
    if not shown:
        return Html('<p class="none">Nothing was measured.</p>')
    everything = [point for _, points in shown for point in points]
    last = max(max(x for x, _ in everything), 1)
    low, high = bounds([y for _, y in everything], from_zero)
    lines = [grid_line(value, low, high) for value in ticks(low, high)]
    drawn = [polyline(name, at, points, last, (low, high)) for at, (name, points) in enumerate(shown)]
    return fill(
        '<div class="curve"><svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{lines}{drawn}'
        '<text x="{left}" y="{foot}">0</text><text x="{width}" y="{foot}" text-anchor="end">{end}</text></svg>'
        "{key}</div>",
        width=Html(WIDTH),
        height=Html(HEIGHT),
        label=label,
        lines=lines,
        drawn=drawn,
        left=Html(LEFT),
        foot=Html(HEIGHT - 6),
        end=end(last),
        key=key_of([name for name, _ in shown]) if len(shown) > 1 else "",
    )


def bounds(values: Sequence[float], from_zero: bool) -> tuple[float, float]:
    low, high = (0.0 if from_zero else min(values)), max(values)
    margin = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    return (low if from_zero else low - margin), high + margin


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between the bounds."""
    rough = (high - low) / LINES
    power = 10 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough)
    first = math.ceil(low / step)
    return [step * at for at in range(first, math.floor(high / step) + 1)]


def height_of(value: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - BOTTOM - TOP) * (high - value) / (high - low)


def grid_line(value: float, low: float, high: float) -> Html:
    y = height_of(value, low, high)
    text = f"{value:.2g}" if 0 < abs(value) < 0.01 else number(value)
    return Html(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{html.escape(text)}</text>'
    )


def polyline(name: str, at: int, points: Points, last: float, ends: tuple[float, float]) -> Html:
    placed = [(LEFT + (WIDTH - LEFT) * x / last, height_of(y, *ends)) for x, y in points]
    if len(placed) == 1:
        placed = [placed[0], (placed[0][0] + 2, placed[0][1])]
    path = Html(" ".join(f"{x:.1f},{y:.1f}" for x, y in placed))
    template = '<polyline class="c{at}" points="{path}"><title>{name}</title></polyline>'
    return fill(template, at=Html(at % COLOURS), path=path, name=name)


def key_of(names: Sequence[str]) -> Html:
    line = '<line class="c{at}" x1="0" x2="12" y1="6" y2="6"/>'
    key = '<span><svg class="key" viewBox="0 0 12 12" aria-hidden="true">' + line + "</svg>{name}</span> "
    marks = [fill(key, at=Html(at % COLOURS), name=name) for at, name in enumerate(names)]
    return fill('<p class="note legend">{marks}</p>', marks=marks)
