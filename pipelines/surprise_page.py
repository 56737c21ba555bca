"""The page of `bateia surprise --html`: a text as a heat map, and what the model had expected at each token.

There is no script. Tokens are radio buttons, of which a browser lets the arrow keys choose one; what is told of a token
is seen while it is chosen or pointed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from pipelines.report_charts import NOTHING, Html, fill, number, passage, plural
from pipelines.report_parts import row, section, table
from pipelines.surprise_text import Part, Reading
from pipelines.surprise_view import band_names
from pipelines.tokens_view import shown
from pipelines.voice_page import footer, page
from trainer.surprise import Surprise

MOST_DRAWN = 5000  # tokens; sums are of the whole text
WORST = 12
NAME_CHARS = 60

STYLE = """
:root { --h1:#fbf1d3; --h2:#f8dd9f; --h3:#f5bf72; --h4:#ee9a5c; --h5:#e2745a; }
@media (prefers-color-scheme:dark) { :root { --h1:#37301c; --h2:#54421b; --h3:#6f4d1c; --h4:#86481f; --h5:#9f3f2b; } }
.painted { border:0; padding:0; margin:.9rem 0 0; min-width:0; white-space:pre-wrap; line-height:1.95;
  font-size:1.03rem; tab-size:4; unicode-bidi:isolate; }
.painted legend { font-size:.88rem; color:var(--quiet); padding:0; white-space:normal; line-height:1.5; }
.painted p { margin:.5rem 0 0; white-space:pre-wrap; }
.t { padding:.16em 0; border-radius:4px; cursor:default; position:relative; -webkit-box-decoration-break:clone;
  box-decoration-break:clone; }
.h1 { background:var(--h1); } .h2 { background:var(--h2); } .h3 { background:var(--h3); } .h4 { background:var(--h4); }
.h5 { background:var(--h5); }
.t input { position:absolute; width:1px; height:1px; margin:0; opacity:0; pointer-events:none; }
.t:hover,.t:has(:checked) { outline:2px solid var(--slate); } .t:has(:focus-visible) { outline:3px solid var(--ink); }
.t i { font-style:normal; color:var(--quiet); }
.tip { display:none; position:fixed; z-index:2; left:0; right:0; bottom:0; padding:.7rem clamp(1rem,4vw,2.5rem) .8rem;
  background:var(--ink); color:var(--paper); font-size:.9rem; line-height:1.6; white-space:normal; max-height:45vh;
  overflow:auto; }
.t:has(:checked) .tip,.t:hover .tip { display:block; } .painted:has(.t:hover) .t:not(:hover) .tip { display:none; }
.tip>span { display:block; max-width:1080px; margin:0 auto; }
.tip b { font-weight:650; } .tip span span { margin-left:1.1em; display:inline-block; opacity:.85; }
.tip .own { opacity:1; text-decoration:underline; text-underline-offset:.2em; }
.scale { display:flex; flex-wrap:wrap; gap:.3rem; margin:.7rem 0 0; padding:0; list-style:none; font-size:.82rem; }
.scale li { padding:.1rem .6rem; border-radius:4px; border:1px solid var(--line); }
.scale li:first-child { border-color:transparent; padding-left:0; color:var(--quiet); }
main { padding-bottom:1rem; } footer { padding-bottom:9rem; }
@media print { .tip { display:none !important; } .t { print-color-adjust:exact; -webkit-print-color-adjust:exact; } }
"""


def render(reading: Reading, run: str) -> str:
    lead = fill(
        "The model needed <b>{bits}</b> bits for each byte of this text.", bits=Html(f"{reading.bits_per_byte:.3f}")
    )
    cards = [
        ("Bits per byte", Html(f"{reading.bits_per_byte:.3f}"), plural(reading.size, "byte")),
        ("Bits", round(reading.bits), "−log2 of the text's probability"),
        ("Tokens", reading.tokens, f"{reading.bits / reading.tokens:.2f} bits each"),
    ]
    sections = [heat(reading), section("Most surprising", most_surprising(reading))]
    return page("surprise", "What surprises a model", lead, cards, sections, footer(run, reading.step), STYLE)


def heat(reading: Reading) -> Html:
    ends = accumulate(len(part.tokens) for part in reading.parts)
    drawn = [part for part, end in zip(reading.parts, ends, strict=True) if end <= MOST_DRAWN]
    left = reading.tokens - sum(len(part.tokens) for part in drawn)
    more = f" Of the text {plural(left, 'token')} more are counted and not drawn." if left else ""
    scale = [fill('<li class="h{at}">{name}</li>', at=Html(at), name=name) for at, name in enumerate(band_names())]
    template = (
        '<p class="note">{note}{more}</p><ul class="scale" aria-label="Bits of a token by its ground"><li>Bits</li>'
        '{scale}</ul>\n<fieldset class="painted"><legend>Point at a token, or choose one and go on with the arrow keys.'
        "</legend>"
        '<p dir="auto">{parts}</p></fieldset>'
    )
    parts = [painted(part, reading.names) for part in drawn]
    return section("The text", fill(template, note=reading.note, more=more, scale=scale, parts=parts))


def painted(part: Part, names: Sequence[str]) -> Html:
    """A part on its ground, with what there is to say of its tokens."""
    said = f"{shown(part.text)}: {part.bits:.2f} bits"
    said += f", rank {part.tokens[0].rank:,}" if len(part.tokens) == 1 else f" in {len(part.tokens)} tokens"
    return fill(
        '<label class="t h{band}" title="{said}"><input type="radio" name="t">{text}'
        '<span class="tip">{told}</span></label>',
        band=Html(part.band),
        said=said,
        text=visible(part.text),
        told=[told_of(token, part, names) for token in part.tokens],
    )


def visible(text: str) -> Html:
    """As it is, with a sign where a line ends; what has no sign at all is shown by its code point."""
    return Html(passage(text, len(text) + 1).replace("\n", "<i>⏎</i>\n")) if text else NOTHING_THERE


NOTHING_THERE = Html(f"<i>{NOTHING}</i>")


def told_of(token: Surprise, part: Part, names: Sequence[str]) -> Html:
    """A line: the token, its bits and rank, and what was likeliest instead."""
    rivals = [
        fill(
            '<span class="{own}">{name} {share}</span>',
            own="own" if rival == token.token else "",
            name=named(names[rival]),
            share=percent(likely),
        )
        for rival, likely in token.likeliest
    ]
    template = "<span><b>{name}</b> {bits} bits, rank {rank}; likeliest:{rivals}</span>"
    return fill(template, name=named(names[token.token]), bits=f"{token.bits:.2f}", rank=token.rank, rivals=rivals)


def named(name: str) -> Html:
    return fill("“{name}”", name=passage(shown(name), NAME_CHARS))


def percent(likely: float) -> str:
    return f"{likely:.1%}" if likely >= 0.001 else "<0.1%"


def most_surprising(reading: Reading) -> Html:
    worst = sorted(reading.parts, key=lambda part: -part.bits)[:WORST]
    rows = []
    for part in worst:
        first = part.tokens[0]
        expected, likely = first.likeliest[0]
        cells = [named(part.text), Html(f"{part.bits:.2f}"), number(first.rank)]
        rows.append(row([*cells, fill("{name} {share}", name=named(reading.names[expected]), share=percent(likely))]))
    return table("The most surprising tokens", ["Token", "Bits", "Rank", "Likeliest instead"], rows)
