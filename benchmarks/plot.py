"""A chart as an SVG file of its own, for a result: lines, points and a band on common axes.

The reports' charts take their colours and sizes from the page around them; a file beside a Markdown result has none.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.reports.charts import ticks

WIDTH, HEIGHT = 720, 320  # pixels
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 44, 46  # margins around the axes
COLOURS = ("#1f6f8b", "#b5651d", "#7a9e3f", "#8b3a62")
BAND, GRID = "#cfe0d8", "#dddddd"

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """What is drawn.

    title: above the chart, and its text for those who don't see it.
    x_label, y_label: of the axes, with units.
    lines, points: (x, y) by name.
    band: lower and upper edge of an area behind the lines.
    from_zero: whether the y axis begins at 0, else at the smallest value.
    """

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, Points] = field(default_factory=dict)
    points: Mapping[str, Points] = field(default_factory=dict)
    band: tuple[Points, Points] | None = None
    from_zero: bool = True


def draw(chart: Chart) -> str:
    """The chart as SVG."""
    series = [*chart.lines.values(), *chart.points.values(), *(chart.band or ())]
    (left, right), (low, high) = (span([point[axis] for points in series for point in points]) for axis in (0, 1))
    low = min(low, 0.0) if chart.from_zero else low

    def position(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (x - left) / (right - left)
        return across, TOP + (HEIGHT - TOP - BOTTOM) * (high - y) / (high - low)

    def path(points: Points) -> str:
        return " ".join("{:.1f},{:.1f}".format(*position(*point)) for point in points)

    shapes = []
    for x in ticks(left, right):
        across, _ = position(x, low)
        shapes.append(text(f"{x:g}", across, HEIGHT - BOTTOM + 16, "middle"))
    for y in ticks(low, high):
        _, down = position(left, y)
        shapes.append(f'<path d="M{LEFT},{down:.1f} H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        shapes.append(text(f"{y:g}", LEFT - 6, down + 4, "end"))
    if chart.band is not None:
        lower, upper = chart.band
        shapes.append(f'<polygon points="{path(lower)} {path(upper[::-1])}" fill="{BAND}"/>')
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate((*chart.lines, *chart.points))}
    for name, points in chart.lines.items():
        shapes.append(f'<polyline points="{path(points)}" fill="none" stroke="{colours[name]}" stroke-width="1.5"/>')
    for name, points in chart.points.items():
        marks = (position(*point) for point in points)
        shapes += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colours[name]}"/>' for x, y in marks]
    legend, across = [], float(LEFT)
    for name, colour in colours.items():
        legend.append(text(name, across, TOP - 10, "start", colour))
        across += 20 + 6.5 * len(name)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{html.escape(chart.title)}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            text(f"{chart.title}; {chart.y_label}", LEFT, 16, "start"),
            *legend,
            *shapes,
            text(chart.x_label, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle"),
            "</svg>\n",
        ]
    )


def span(values: Sequence[float]) -> tuple[float, float]:
    """The smallest and the largest value, a little apart even if they are equal."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low, low + (abs(low) or 1.0))


def text(content: str, x: float, y: float, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{html.escape(content)}</text>'
