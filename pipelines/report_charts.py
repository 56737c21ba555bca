"""How the report looks: safe markup for texts and numbers, pictures drawn by hand as SVG, and the style sheet.

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


def histogram(bins: Sequence[dict[str, Any]], height: int = 260) -> Html:
    """Kept documents above the axis and dropped ones below it, on one scale, a column per bin."""
    tops = {fate: max((bin_[fate] for bin_ in bins), default=0) for fate in ("kept", "dropped")}
    whole = sum(tops.values())
    if not whole:
        return Html('<p class="none">No text was extracted.</p>')
    step = grid_step(whole)
    halves = {fate: _half(bins, fate, top, step, max(round(height * top / whole), 8)) for fate, top in tops.items()}
    edges = [Html(f"<li><span>{compact(bin_['from'], 1024)}</span></li>") for bin_ in bins]
    template = '<div class="histogram">{kept}<ol class="axis" aria-hidden="true">{edges}</ol>{dropped}</div>'
    return fill(template, kept=halves["kept"], edges=edges, dropped=halves["dropped"])


def _half(bins: Sequence[dict[str, Any]], fate: str, top: int, step: int, height: int) -> Html:
    """One side of the histogram: columns growing from the axis, and grid lines with their numbers."""
    rects, lines = [], []
    for column, bin_ in enumerate(bins):
        tall = max(100 * bin_[fate] / top, 0.8) if bin_[fate] else 0.0
        y = 100 - tall if fate == "kept" else 0.0
        end = f"to {bin_['to'] - 1:,}" if bin_["to"] is not None else "or more"
        title = f"{bin_['from']:,} {end} characters: {bin_[fate]:,} {fate}"
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
    label = f"Documents {fate} by length: the fullest column, from {peak['from']:,} characters, holds {top:,}"
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


PAN = Html(
    '<svg viewBox="0 0 32 32" aria-hidden="true"><path d="M2 12h28L19 25q-3 2.6-6 0z" fill="var(--slate)"/>'
    '<ellipse cx="16" cy="12" rx="14" ry="4.2" fill="var(--track)" stroke="var(--slate)"/>'
    '<g class="kept"><circle cx="13" cy="12.4" r="1.7"/><circle cx="18.4" cy="11.6" r="1.3"/>'
    '<circle cx="16.4" cy="13.8" r="1"/></g></svg>'
)

STYLE = Html("""
:root { --paper:#faf8f3; --card:#fffefb; --ink:#25221c; --quiet:#6a6457; --line:#e6e0d3; --track:#f0ebdf;
  --gold:#c4861a; --gold-ink:#8f5d08; --slate:#8793a3; --brick:#b5452c; --alarm:#fdf1ea; --soft:#e3c489; }
@media (prefers-color-scheme:dark) { :root { --paper:#151618; --card:#1c1e21; --ink:#ebe6db; --quiet:#a59f92;
  --line:#2f3135; --track:#26282c; --gold:#dda53a; --gold-ink:#ecba5c; --slate:#66727f; --brick:#e0775b;
  --alarm:#2b1f1b; --soft:#75592a; } }
* { box-sizing:border-box; }
html { -webkit-text-size-adjust:100%; }
body { margin:0; background:var(--paper); color:var(--ink); font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
  "Helvetica Neue",Arial,sans-serif; font-variant-numeric:tabular-nums; overflow-wrap:anywhere; }
header,main,footer { max-width:1160px; margin:0 auto; padding:0 clamp(1rem,4vw,2.5rem); }
header { padding-top:clamp(1.5rem,5vw,3.5rem); }
h1 { font-size:clamp(1.9rem,5vw,2.9rem); line-height:1.1; letter-spacing:-.02em; margin:.6rem 0 .9rem;
  font-weight:650; }
h2 { font-size:1.2rem; letter-spacing:-.01em; margin:0; font-weight:650; }
p { margin:.3rem 0; }
.brand { display:flex; align-items:center; gap:.55rem; color:var(--quiet); font-size:.92rem; }
.brand svg { width:1.7rem; height:1.7rem; flex:none; }
.lead { font-size:clamp(1.08rem,2.2vw,1.28rem); line-height:1.5; max-width:46em; }
.lead b { color:var(--gold-ink); font-weight:650; }
.about,.note,.none { color:var(--quiet); font-size:.92rem; max-width:62em; }
.big { display:grid; grid-template-columns:repeat(4,1fr); gap:1px; margin:1.8rem 0 0; background:var(--line);
  border:1px solid var(--line); border-radius:14px 14px 0 0; overflow:hidden; }
.big div { background:var(--card); padding:1.1rem 1.25rem; container-type:inline-size; }
.big dt { color:var(--quiet); font-size:.88rem; }
.big dd { margin:0; font-size:min(2.5rem,calc(150cqi / var(--digits))); line-height:1.25; font-weight:650;
  letter-spacing:-.02em; white-space:nowrap; }
.big dd+dd { font-size:.88rem; font-weight:400; letter-spacing:0; white-space:normal; color:var(--quiet); }
.big .kept { color:var(--gold-ink); } .big .unreadable { color:var(--brick); }
.sum { font-size:.88rem; color:var(--quiet); margin-top:.6rem; }
section { background:var(--card); border:1px solid var(--line); border-radius:14px; margin:1.25rem 0 0;
  padding:1.4rem clamp(1rem,2.5vw,1.75rem) 1.5rem; min-width:0; }
.columns { display:grid; grid-template-columns:minmax(0,1fr) minmax(0,1fr); gap:0 1.25rem; align-items:start; }
.alarm { background:var(--alarm); border-color:var(--brick); }
.alarm h2 { color:var(--brick); } .alarm ul { margin:.4rem 0 0; padding-left:1.2rem; }
svg.bar { display:block; width:100%; height:5px; background:var(--track); border-radius:3px; margin-top:.3rem; }
svg.whole { height:12px; border-radius:0 0 14px 14px; margin:0; }
svg.step { height:12px; border-radius:4px; }
svg.spread { height:11px; border-radius:3px; margin-top:.25rem; }
.kept { fill:var(--gold); } .dropped { fill:var(--slate); }
.unreadable { fill:var(--brick); } .soft { fill:var(--soft); }
.key { display:inline-block; width:.75em; height:.75em; border-radius:3px; margin:0 .35em 0 0; }
.key rect { width:100%; height:100%; } .legend span { white-space:nowrap; margin-right:1.1em; }
table { width:100%; border-collapse:collapse; margin-top:.7rem; font-size:.94rem; }
caption { position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%); white-space:nowrap; }
th,td { padding:.42rem 0 .42rem .9rem; border-top:1px solid var(--line); vertical-align:top; text-align:left;
  font-weight:400; }
th:first-child { padding-left:0; }
thead th { border-top:0; padding-top:0; color:var(--quiet); font-size:.82rem; vertical-align:bottom; }
tfoot th,tfoot td { font-weight:650; } tfoot .dim { font-weight:400; }
.numbers td,.numbers thead th+th { text-align:right; white-space:nowrap; }
.numbers th:first-child { width:99%; } .numbers thead th { white-space:nowrap; }
.dim,.shares td:last-child { color:var(--quiet); }
.tag { margin-left:.4em; padding:0 .5em; border:1px solid; border-radius:99px; font-size:.76rem; color:var(--brick); }
.histogram { margin:1.2rem 0 .6rem; padding-right:2.6rem; }
.half { position:relative; } .half svg { position:absolute; inset:0; width:100%; height:100%; z-index:1; }
.half rect:hover { opacity:.75; }
.line { position:absolute; left:0; right:0; border-top:1px solid var(--line); }
.line span { position:absolute; left:calc(100% + .4rem); top:-.5em; white-space:nowrap; font-size:.72rem; line-height:1;
  color:var(--quiet); }
.axis { display:flex; list-style:none; margin:0; padding:.2rem 0; font-size:.7rem; color:var(--quiet); }
.axis li { flex:1 1 0; width:0; } .axis span { display:inline-block; white-space:nowrap; transform:translateX(-50%); }
.facts { display:grid; grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr)); gap:.9rem 1.2rem; margin:.9rem 0 0; }
.facts dt { color:var(--quiet); font-size:.82rem; } .facts dd { margin:0; font-weight:600; }
details { margin-top:.7rem; } summary { cursor:pointer; padding:.2rem 0; color:var(--quiet); border-radius:4px; }
summary:hover { color:var(--ink); } summary:focus-visible { outline:2px solid var(--gold); outline-offset:2px; }
.samples { margin-top:.8rem; } .samples>details { margin:0; border-top:1px solid var(--line); padding:.35rem 0; }
.samples summary b { color:var(--ink); font-weight:600; }
.pages { columns:26em 2; column-gap:2rem; padding-top:.6rem; }
article { margin:0 0 1.4rem; padding-left:1rem; border-left:3px solid var(--line); contain:paint; break-inside:avoid; }
.kept-pages article { border-color:var(--gold); }
.url,code { font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace; font-size:.84rem;
  word-break:break-word; }
.why { font-size:.86rem; color:var(--quiet); margin:0; } .why span { margin-right:1.1em; }
blockquote { margin:.4rem 0 0; white-space:pre-wrap; unicode-bidi:isolate; font-size:.92rem; max-width:75ch;
  tab-size:4; }
.group th { font-weight:650; padding-top:1.1rem; border-top:0; } .texts td:nth-child(2) { min-width:6em; }
footer { padding-top:1.5rem; padding-bottom:3rem; color:var(--quiet); font-size:.86rem; }
@media (min-width:821px) {
  .wide .named { display:grid; grid-template-columns:21em 1fr; gap:1rem; align-items:center; }
  .wide td { vertical-align:middle; }
  .wide svg.bar { margin:0; height:12px; border-radius:4px; } .wide svg.step { height:18px; }
}
@media (max-width:820px) {
  .columns { grid-template-columns:minmax(0,1fr); } .big { grid-template-columns:1fr 1fr; }
}
@media (max-width:600px) {
  body { font-size:15px; } .big div { padding:.8rem .9rem; } th,td { padding-left:.6rem; }
  .numbers tr { position:relative; } .numbers tr:has(.bar)>* { padding-bottom:1.2rem; }
  .numbers svg.bar { position:absolute; left:0; bottom:.5rem; } .numbers svg.step { height:8px; }
  .numbers thead th { white-space:normal; } .axis li:nth-child(even) { visibility:hidden; }
  .vast .numbers tr { display:flex; flex-wrap:wrap; border-top:1px solid var(--line); }
  .vast .numbers tr>* { flex:1; border:0; } .vast .numbers tr>:first-child { flex:1 0 100%; padding-bottom:0; }
  .texts,.texts tbody,.texts tr,.texts th,.texts td { display:block; border:0; padding:0; }
  .texts thead { display:none; } .texts tr { border-top:1px solid var(--line); padding:.5rem 0; }
}
@media print {
  html { font-size:10px; } body { background:#fff; font-size:11px; } section,.big { border-color:#ccc; }
  .big { grid-template-columns:repeat(4,1fr); } .columns { grid-template-columns:1fr 1fr; } header { padding-top:0; }
  section,tr,article { break-inside:avoid; } .long { break-inside:auto; }
  svg { print-color-adjust:exact; -webkit-print-color-adjust:exact; }
}
""")
