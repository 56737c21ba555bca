"""How the report looks: safe markup for texts and numbers, and pictures drawn by hand as SVG.

Whatever a page says is hostile. `fill` escapes every value that is not yet `Html`, so markup only comes from templates.
"""

import html
import math
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

TEXT_LIMIT = 300  # characters of any one text, unless a section asks for another limit
JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are spelled with them: harmless inside a passage
SPACE = "\u00a0"  # between a number and its unit
NOTHING = "–"


class Html(str):
    """Markup that is finished: `fill` takes it as it is and escapes everything else."""

    __slots__ = ()


def visible(character: str) -> str:
    """A character as it may stand in the report: the unseen kinds (control, bidi, surrogate, unassigned) get a name."""
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return character
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else f"⟨U+{code:04X}⟩"


def clean(text: str, limit: int = TEXT_LIMIT, keep: str = "") -> Html:
    """Foreign text for an element or a quoted attribute: capped, nothing unseen in it but `keep`, escaped."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return Html(html.escape("".join(c if c in keep else visible(c) for c in cut)))


def identifier(name: str) -> Html:
    """A name of ours or of a recipe's: it may break after an underscore where there is little room."""
    return Html(clean(name).replace("_", "_<wbr>"))


def passage(text: str, limit: int) -> Html:
    """Foreign text of several lines: like `clean`, with its lines, tabs and joiners."""
    return clean(text.replace("\r\n", "\n"), limit, keep="\n\t" + JOINERS)


def show(value: Any) -> Html:
    """Any value as markup: `Html` as it is, numbers with separators, lists joined, everything else cleaned."""
    if isinstance(value, Html):
        return value
    if value is None:
        return Html(NOTHING)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Html(number(value))
    if isinstance(value, (list, tuple)):
        return Html("".join(show(part) for part in value))
    return clean(str(value))


def fill(template: str, **values: Any) -> Html:
    """The template with every {name} replaced by its shown value."""
    return Html(template.format(**{name: show(value) for name, value in values.items()}))


def number(value: float) -> str:
    """1994 → 1,994 and 27.648 → 27.6; a float keeps three significant digits."""
    if not math.isfinite(value):
        return NOTHING
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}"
    return f"{value:.3g}"


def plural(count: int, noun: str) -> str:
    """1 page, 1,994 pages."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def share(part: float, whole: float) -> str:
    """A percentage that never says 0 or 100 unless it is exactly that."""
    if not whole:
        return NOTHING
    percent = 100 * part / whole
    if percent in (0, 100):
        return f"{percent:.0f}{SPACE}%"
    if percent < 0.05:
        return f"<0.1{SPACE}%"
    return f">99.9{SPACE}%" if 99.95 <= percent < 100 else f"{percent:.1f}{SPACE}%"


def size(count: float) -> str:
    """Bytes in decimal units: 50045990 → 50.0 MB."""
    units = ["B", "kB", "MB", "GB", "TB", "PB"]
    while count >= 999.95 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:,.{0 if units[0] == 'B' or count >= 100 else 1}f}{SPACE}{units[0]}"


def duration(seconds: float) -> str:
    """31.2 s, 2 min 05 s, 3 h 12 min."""
    if seconds < 59.95:
        return f"{seconds:.1f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest:02}{SPACE}s"
    return f"{minutes // 60:,}{SPACE}h {minutes % 60:02}{SPACE}min"


def bar(parts: Iterable[tuple[str, float]], whole: float, label: str = "", kind: str = "") -> Html:
    """One horizontal bar of coloured parts; without a label it is an ornament of the numbers beside it."""
    rects, x = [], 0.0
    for colour, value in parts:
        width = max(100 * value / whole, 0.4) if whole and value > 0 else 0.0
        rects.append(f'<rect class="{colour}" x="{x:.2f}" width="{width:.2f}" height="1"/>' if width else "")
        x += width
    role = fill('role="img" aria-label="{label}"', label=label) if label else Html('aria-hidden="true"')
    return fill(
        '<svg class="bar {kind}" viewBox="0 0 100 1" preserveAspectRatio="none" {role}>{rects}</svg>',
        kind=kind,
        role=role,
        rects=Html("".join(rects)),
    )


def spread(low: float | None, middle: float | None, high: float | None) -> Html:
    """A line from p5 to p95 with a mark at the median, on a scale from nought to p95."""
    if low is None or middle is None or high is None or not all(map(math.isfinite, (low, middle, high))):
        return Html("")
    start, end = min(low, 0), max(high, 0)
    if start == end:
        return Html("")
    at_low, at_middle, at_high = (100 * (value - start) / (end - start) for value in (low, middle, high))
    return Html(
        '<svg class="bar spread" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="soft" x="{at_low:.2f}" y="0.3" width="{at_high - at_low:.2f}" height="0.4"/>'
        f'<rect class="kept" x="{min(at_middle, 99):.2f}" width="1" height="1"/></svg>'
    )


def grid_step(whole: float) -> int:
    """A round distance between grid lines, so that five to ten of them fit into `whole`."""
    rough = max(whole / 5, 1)
    power = 10 ** int(math.log10(rough))
    return next(nice * power for nice in (5, 2, 1) if nice * power <= rough)


def compact(count: int, thousand: int) -> str:
    """A number for an axis: 512, 1k, 64k, 2M; for powers of two a thousand is 1024."""
    for power, letter in ((3, "G"), (2, "M"), (1, "k")):
        if count >= thousand**power:
            return f"{count / thousand**power:.3g}{letter}"
    return str(count)


def histogram(
    bins: Sequence[dict[str, Any]], height: int = 260, lost: str = "dropped", unit: str = "characters"
) -> Html:
    """Kept documents above the axis and dropped ones below it, on one scale, a column per bin.

    lost: dropped's name. unit: of the lengths.
    """
    tops = {fate: max((bin_[fate] for bin_ in bins), default=0) for fate in ("kept", "dropped")}
    whole = sum(tops.values())
    if not whole:
        return Html('<p class="none">No text was extracted.</p>')
    step = grid_step(whole)
    says = {"kept": "kept", "dropped": lost}
    halves = {
        fate: _half(bins, fate, says[fate], unit, step, max(round(height * top / whole), 8))
        for fate, top in tops.items()
    }
    edges = [Html(f"<li><span>{compact(bin_['from'], 1024)}</span></li>") for bin_ in bins]
    template = '<div class="histogram">{kept}<ol class="axis" aria-hidden="true">{edges}</ol>{dropped}</div>'
    return fill(template, kept=halves["kept"], edges=edges, dropped=halves["dropped"])


def _half(bins: Sequence[dict[str, Any]], fate: str, said: str, unit: str, step: int, height: int) -> Html:
    """One side of the histogram: columns growing from the axis, and grid lines with their numbers."""
    rects, lines, top = [], [], max(bin_[fate] for bin_ in bins)
    for column, bin_ in enumerate(bins):
        tall = max(100 * bin_[fate] / top, 0.8) if bin_[fate] else 0.0
        y = 100 - tall if fate == "kept" else 0.0
        end = f"to {bin_['to'] - 1:,}" if bin_["to"] is not None else "or more"
        title = f"{bin_['from']:,} {end} {unit}: {bin_[fate]:,} {said}"
        rects.append(
            f'<rect class="{fate}" x="{column + 0.06:.2f}" y="{y:.2f}" width="0.88" height="{tall:.2f}">'
            f"<title>{html.escape(title)}</title></rect>"
        )
    for value in range(step, top + 1, step):
        edge = "bottom" if fate == "kept" else "top"
        lines.append(
            f'<div class="line" style="{edge}:{100 * value / top:.2f}%"><span>{compact(value, 1000)}</span></div>'
        )
    peak = max(bins, key=lambda bin_: bin_[fate])
    label = f"Documents {said} by length: the fullest column, from {peak['from']:,} {unit}, holds {top:,}"
    return fill(
        '<div class="half {fate}" style="height:{height}px"><svg viewBox="0 0 {columns} 100" preserveAspectRatio="none"'
        ' role="img" aria-label="{label}">{rects}</svg><div aria-hidden="true">{lines}</div></div>',
        fate=fate,
        height=Html(height),
        columns=Html(len(bins)),
        label=label,
        rects=Html("".join(rects)),
        lines=Html("".join(lines)),
    )


def span_of(bin_: dict[str, int]) -> str:
    return f"{bin_['from']:,}" if bin_["to"] == bin_["from"] + 1 else f"{bin_['from']:,} to {bin_['to'] - 1:,}"


def log_histogram(bins: Sequence[dict[str, Any]], height: int = 180) -> Html:
    """Columns whose height is the logarithm of their number: one and a million are both seen."""
    top = 10 ** math.ceil(math.log10(max(10, *(bin_["kept"] for bin_ in bins))))
    high = math.log10(top) + 1  # one decade below 1, so that a single cluster has a column
    rects = []
    for column, bin_ in enumerate(bins):
        tall = 100 * (math.log10(bin_["kept"]) + 1) / high if bin_["kept"] else 0.0
        title = fill("{span} documents: {kept} clusters", span=span_of(bin_), kept=bin_["kept"])
        rects.append(
            f'<rect class="kept" x="{column + 0.06:.2f}" y="{100 - tall:.2f}" width="0.88" height="{tall:.2f}">'
            f"<title>{title}</title></rect>"
        )
    line = '<div class="line" style="bottom:{at}%"><span>{count}</span></div>'
    powers = range(round(math.log10(top)) + 1)
    lines = [fill(line, at=f"{100 * (power + 1) / high:.2f}", count=compact(10**power, 1000)) for power in powers]
    edges = [Html(f"<li><span>{compact(bin_['from'], 1024)}</span></li>") for bin_ in bins]
    return fill(
        '<div class="histogram"><div class="half" style="height:{height}px"><svg viewBox="0 0 {columns} 100" '
        'preserveAspectRatio="none" role="img" aria-label="Clusters by size; the numbers are below">{rects}</svg>'
        '<div aria-hidden="true">{lines}</div></div><ol class="axis" aria-hidden="true">{edges}</ol></div>',
        height=Html(height),
        columns=Html(len(bins)),
        rects=Html("".join(rects)),
        lines=lines,
        edges=edges,
    )
