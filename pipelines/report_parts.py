"""What a report page is built of: the page around it, cards, tables with bars, small numbers."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from pipelines.report_charts import NOTHING, Html, bar, fill, histogram, plural, share
from pipelines.report_style import STYLE

ROWS_OPEN = 12  # rows of a ranking that are seen at once; the rest is folded
VAST = 10_000_000  # pages or documents: from here on numbers get a line of their own on a telephone

POLICY = Html("default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'")

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{title} · Bateia</title>
<style>{style}</style>
</head>
<body class="{scale}">
{header}
<main>
{sections}
</main>
{footer}
</body>
</html>
"""


def whole_page(title: str, read: int, header: Html, sections: Sequence[Html], foot: Html, style: str = "") -> str:
    """The document: no script, nothing from outside. read: how many pages or documents the largest numbers are of."""
    return fill(
        PAGE,
        policy=POLICY,
        title=title,
        style=Html(STYLE + style),
        scale="vast" if read >= VAST else "",
        header=header,
        sections=sections,
        footer=foot,
    )


def section(title: str, *body: Any, kind: str = "") -> Html:
    """One card of the page."""
    return fill('<section class="{kind}"><h2>{title}</h2>\n{body}\n</section>\n', kind=kind, title=title, body=body)


def columns(left: Sequence[Html], right: Sequence[Html]) -> Html:
    """Two columns where there is room for them."""
    return fill('<div class="columns"><div>{left}</div><div>{right}</div></div>', left=left, right=right)


def row(cells: Sequence[Any]) -> Html:
    """One row of a table: the first cell names it."""
    first, *others = cells
    cells_html = [fill("<td>{cell}</td>", cell=cell) for cell in others]
    return fill('<tr><th scope="row">{first}</th>{others}</tr>\n', first=first, others=cells_html)


def table(caption: str, heads: Sequence[str], rows: Iterable[Html], last: Any = "", kind: str = "numbers") -> Html:
    """A table for eyes and for screen readers; `last` is a closing row."""
    return fill(
        '<table class="{kind}"><caption>{caption}</caption><thead><tr>{heads}</tr></thead>\n{rows}{last}</table>',
        kind=kind,
        caption=caption,
        heads=[fill('<th scope="col">{head}</th>', head=head) for head in heads],
        rows=list(rows),
        last=fill("<tfoot>{last}</tfoot>", last=last) if last else "",
    )


def ranking(caption: str, heads: Sequence[str], rows: Sequence[Html], kind: str = "numbers shares") -> Html:
    """A table whose tail is folded away."""
    if not rows:
        return Html('<p class="none">None.</p>')
    head, tail = rows[:ROWS_OPEN], rows[ROWS_OPEN:]
    more = table(f"{caption}, continued", heads, tail, kind=kind)
    folded = fill("<details><summary>{n} more</summary>{more}</details>", n=len(tail), more=more) if tail else ""
    return fill("{shown}{folded}", shown=table(caption, heads, head, kind=kind), folded=folded)


def named(name: Any, picture: Html, tag: str = "") -> Html:
    """A row's name with its bar below it, or beside it in a wide table."""
    mark = fill('<span class="tag">{tag}</span>', tag=tag) if tag else ""
    template = '<div class="named"><span>{name}{mark}</span>{picture}</div>'
    return fill(template, name=name or "unknown", mark=mark, picture=picture)


def legend(**colours: str) -> Html:
    """What each colour means."""
    key = '<span><svg class="key" aria-hidden="true"><rect class="{colour}"/></svg>{meaning}</span> '
    marks = [fill(key, colour=colour, meaning=meaning) for colour, meaning in colours.items()]
    return fill('<p class="note legend">{marks}</p>', marks=marks)


def facts(pairs: Iterable[tuple[str, Any]]) -> Html:
    """Small numbers with their names."""
    items = [fill("<div><dt>{name}</dt><dd>{value}</dd></div>", name=name, value=value) for name, value in pairs]
    return fill('<dl class="facts">{items}</dl>', items=items)


def kept_of(rows: Sequence[dict[str, Any]], name: str, whole: str, heads: Sequence[str]) -> Html:
    """A ranking of names by pages, with the kept part of each in its bar."""
    top = max((entry[whole] for entry in rows), default=0)
    shown = []
    for entry in rows:
        kept, total = entry["kept"], entry[whole]
        label = named(entry[name], bar([("kept", kept), ("dropped", total - kept)], top))
        shown.append(row([label, total, kept, share(kept, total)]))
    return fill("{key}{rows}", key=legend(kept="kept", dropped="not kept"), rows=ranking(heads[0], heads, shown))


def lengths_of(bins: Sequence[dict[str, Any]], counted: str, lost: str) -> Html:
    """How long the texts are, kept ones and lost ones apart."""
    rows = [row([bin_["from"], bin_["kept"], bin_["dropped"]]) for bin_ in bins]
    numbers = table("Document lengths", ["Characters from", "Kept", lost.title()], rows)
    folded = fill("<details><summary>The numbers</summary>{numbers}</details>", numbers=numbers) if rows else ""
    key = legend(kept="kept, above the axis", dropped=f"{lost}, below")
    note = fill('<p class="note">{counted}; the scale doubles with every column.</p>', counted=counted)
    return section("Document lengths", key, histogram(bins, lost=lost), note if rows else "", folded)


def alarm(told: Sequence[Any]) -> Html:
    """What a reader has to know before trusting the numbers; nothing at all when there is nothing."""
    items = fill("<ul>{items}</ul>", items=[fill("<li>{item}</li>", item=item) for item in told])
    return section("Please note", items, kind="alarm") if told else Html("")


def settings_fold(settings: Sequence[dict[str, str]], caption: str) -> Html:
    """Every setting of a recipe, what it means and where it comes from, step by step, folded away."""
    steps = []
    for step, entries in groupby(settings, key=lambda setting: setting["step"]):
        rows = [row([setting["name"], *(setting[key] for key in ("value", "about", "source"))]) for setting in entries]
        title = fill('<tr class="group"><th scope="rowgroup" colspan="4">{step}</th></tr>', step=step)
        steps.append(fill("<tbody>{title}{rows}</tbody>", title=title, rows=rows))
    if not steps:
        return Html('<p class="none">None.</p>')
    said = f"{plural(len(settings), 'setting')} in {plural(len(steps), 'step')}"
    body = table(caption, ["Setting", "Value", "Meaning", "Source"], steps, kind="texts")
    return fill("<details><summary>{said}</summary>{body}</details>", said=said, body=body)


def footer(report: dict[str, Any]) -> Html:
    """What made this, so that it can be made again."""
    versions = " · ".join(f"{name} {version}" for name, version in report["versions"].items())
    return fill(
        "<footer><p>Dataset <code>{hash}</code></p><p>{versions}</p></footer>",
        hash=report["dataset_hash"] or NOTHING,
        versions=versions,
    )
