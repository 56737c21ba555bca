"""The comparison of tokenizers as one page: bars by language, and every number. No script, nothing from outside."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.report_charts import Html, bar, fill, plural, size
from pipelines.report_parts import alarm, legend, row, section, table, whole_page
from pipelines.report_style import PAN
from pipelines.tokenizer_report import ALL, COLUMNS, Counts, Entry, cells, parity

COLOURS = ("kept", "dropped", "third", "fourth", "fifth", "sixth")  # then they start anew
STYLE = """
:root { --third:#5f8a6b; --fourth:#9a6f9e; --fifth:#b5765c; --sixth:#4f87a8; }
@media (prefers-color-scheme:dark) { :root { --third:#7fae8c; --fourth:#b890bc; --fifth:#cf9079; --sixth:#79aecd; } }
.third { fill:var(--third); } .fourth { fill:var(--fourth); } .fifth { fill:var(--fifth); }
.sixth { fill:var(--sixth); }
.big { grid-template-columns:repeat(auto-fit,minmax(13rem,1fr)); border-radius:14px; }
.bars { display:grid; grid-template-columns:minmax(3em,max-content) 1fr; gap:.9rem 1.1rem; margin:1rem 0 .2rem; }
.bars .lang { font-weight:600; } .bars .of { display:grid; gap:.28rem; align-content:center; }
.one { display:grid; grid-template-columns:1fr 3.2em; gap:.7rem; align-items:center; font-size:.86rem; line-height:1; }
.one svg.bar { margin:0; height:11px; } .one b { font-weight:500; text-align:right; color:var(--quiet); }
.one.best b { color:var(--ink); font-weight:650; }
.keys { display:flex; flex-wrap:wrap; } .keys .legend span { white-space:normal; }
.scroll { overflow-x:auto; } .scroll td,.scroll th { white-space:nowrap; } .numbers th:first-child { width:auto; }
.name { display:block; overflow-wrap:anywhere; }
@media (max-width:600px) { .bars { grid-template-columns:1fr; gap:.3rem; } .bars .lang { margin-top:.5rem; } }
"""


def render(entries: Sequence[Entry]) -> str:
    """The whole page."""
    sections = [
        alarm(faults(entries)),
        bars(entries, "bytes_per_token", "Bytes a token stands for", "More is better: less to compute for a text."),
        bars(entries, "tokens_per_word", "Tokens a word takes", "Fewer is better. Words are what is between spaces."),
        bars(entries, "whole_words", "Words that are one token", "More is better. Of all words, in percent.", 100),
        numbers(entries),
    ]
    foot = fill("<footer>{made}</footer>", made=[fill("<p>{name} <code>{sha256}</code></p>", **of(e)) for e in entries])
    return whole_page("Tokenizers", entries[0].whole.documents, header(entries), sections, foot, style=STYLE)


def of(entry: Entry) -> dict[str, str]:
    return {"name": entry.name, "sha256": entry.sha256}


def header(entries: Sequence[Entry]) -> Html:
    card = '<div><dt>{name}</dt><dd class="{kind}">{value}</dd><dd>{about}</dd></div>'
    best = max(rate(entry) for entry in entries)
    cards = [
        fill(
            card,
            name=entry.name,
            kind="kept" if rate(entry) == best else "",
            value=f"{rate(entry):.2f}",
            about=f"bytes a token · {entry.vocabulary:,} tokens in the vocabulary · read by {entry.engine}",
        )
        for entry in entries
    ]
    return fill(
        '<header>\n<p class="brand">{pan}<span>Bateia · tokenizers</span></p>\n<h1>{title}</h1>\n'
        '<p class="lead">{sentence}</p>\n<dl class="big" style="--digits:8">{cards}</dl></header>',
        pan=PAN,
        title="Tokenizers compared" if len(entries) > 1 else "A tokenizer",
        sentence=sentence(entries),
        cards=cards,
    )


def rate(entry: Entry) -> float:
    return entry.whole.ratios["bytes_per_token"] or 0.0


def sentence(entries: Sequence[Entry]) -> Html:
    """The comparison in plain words."""
    whole, languages = entries[0].whole, len(entries[0].languages)
    on = f"{plural(whole.documents, 'document')} ({size(whole.bytes)}) in {plural(languages, 'language')}"
    ranked = sorted(entries, key=lambda entry: entry.whole.tokens)
    first, last = ranked[0], ranked[-1]
    if first.whole.tokens == last.whole.tokens:
        return fill("On {on}: <b>{tokens}</b> tokens.", on=on, tokens=first.whole.tokens)
    less = 100 * (1 - first.whole.tokens / last.whole.tokens)
    said = "On {on}, <b>{first}</b> takes the fewest tokens, {tokens}: {less}\u00a0% fewer than {last}."
    return fill(said, on=on, first=first.name, tokens=first.whole.tokens, less=f"{less:.1f}", last=last.name)


def faults(entries: Sequence[Entry]) -> list[str]:
    told = [
        f"{entry.name} does not give back {plural(entry.whole.lost, 'document')}."
        for entry in entries
        if entry.whole.lost
    ]
    return told + [f"{parity(entry)}." for entry in entries if entry.differing]


def colour(at: int) -> str:
    return COLOURS[at % len(COLOURS)]


def bars(entries: Sequence[Entry], key: str, title: str, note: str, times: int = 1) -> Html:
    """A bar for each tokenizer in each language, on one scale from nought."""
    languages = list(entries[0].languages)
    values = {
        language: [times * (entry.languages[language].ratios[key] or 0.0) for entry in entries]
        for language in languages
    }
    top = max(value for row_ in values.values() for value in row_)
    better = min if key == "tokens_per_word" else max
    shown = []
    for language, found in values.items():
        ones = [one(at, value, top, len(found) > 1 and value == better(found)) for at, value in enumerate(found)]
        shown.append(fill('<div class="lang">{name}</div><div class="of">{ones}</div>', name=language, ones=ones))
    marks = [legend(**{colour(at): entry.name}) for at, entry in enumerate(entries)]
    keys = fill('<div class="keys">{marks}</div>', marks=marks) if len(entries) > 1 else ""
    about = fill('<p class="note">{note}</p>', note=note)
    return section(title, about, keys, fill('<div class="bars">{shown}</div>', shown=shown))


def one(at: int, value: float, top: float, best: bool) -> Html:
    template = '<div class="one {kind}">{picture}<b>{value}</b></div>'
    return fill(template, kind="best" if best else "", picture=bar([(colour(at), value)], top), value=f"{value:.2f}")


def numbers(entries: Sequence[Entry]) -> Html:
    """Every number: a table for each tokenizer, a row for each language."""
    heads = ["Language", *(name.capitalize() for name in COLUMNS.values())]
    tables = []
    for entry in entries:
        rows = [counted(language, counts) for language, counts in entry.languages.items()]
        said = fill('<p class="note">{said}.</p>', said=parity(entry)) if entry.differing is not None else ""
        whole = table(f"Numbers of {entry.name}", heads, rows, counted(ALL, entry.whole))
        body = '<h3 class="name">{name}</h3><div class="scroll" tabindex="0">{whole}</div>{said}'
        tables.append(fill(body, name=entry.name, whole=whole, said=said))
    note = (
        "One-token words: by themselves or with the space before them. Part characters: tokens that hold bytes of a "
        "character and no whole one. Lost: documents that do not come back as they were. Speed: CPU time of one core."
    )
    return section("Numbers", fill('<p class="note">{note}</p>', note=note), tables, kind="long")


def counted(language: str, counts: Counts) -> Html:
    return row([language, *cells(counts)])
