"""What a report page is built of: the page around it, cards, tables with bars, small numbers."""

from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.report_charts import STYLE, Html, bar, fill, share

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


def whole_page(title: str, read: int, header: Html, sections: Sequence[Html], footer: Html, style: str = "") -> str:
    """The document: no script, nothing from outside. read: how many pages or documents the largest numbers are of."""
    return fill(
        PAGE,
        policy=POLICY,
        title=title,
        style=Html(STYLE + style),
        scale="vast" if read >= VAST else "",
        header=header,
        sections=sections,
        footer=footer,
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
