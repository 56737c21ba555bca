"""Texts of several extractions beside each other, as a page to read: where they differ is what a figure can't say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment

LONGEST = 20_000  # characters of a text that are shown

PAGE = """<!doctype html><meta charset="utf-8"><title>Extractions side by side</title>
<style>
body{font:14px/1.45 system-ui,sans-serif;margin:1rem;color:#222;background:#fff}
details{border-top:1px solid #ccc;padding:.3rem 0} summary{cursor:pointer}
.texts{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(20rem,1fr);gap:1rem;overflow-x:auto}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.4 ui-monospace,monospace;max-height:80vh;overflow-y:auto}
h2{font-size:1rem;margin:.5rem 0}
</style>
<h1>{{ pages|length }} pages</h1>
{% for page in pages %}<details><summary>{{ page.corpus }} · {{ page.group }} · {{ page.url }}</summary>
<div class="texts">{% for name, text in page.texts %}<section><h2>{{ name }}, {{ text|length }} characters</h2>
<pre dir="auto">{{ text[:longest] }}</pre></section>{% endfor %}</div></details>
{% endfor %}"""


def write_look(path: Path, pages: Sequence[tuple[str, str, str, str | None, Mapping[str, str]]]) -> None:
    """pages: corpus, URL, language or kind, gold text, and the texts by the extraction's name.

    The page holds texts of web sites: keep it to yourself.
    """
    rows = [
        {
            "corpus": corpus,
            "url": url,
            "group": group,
            "texts": [*([("people's text", gold)] if gold else []), *texts.items()],
        }
        for corpus, url, group, gold, texts in pages
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    rendered = Environment(autoescape=True).from_string(PAGE).render(pages=rows, longest=LONGEST)
    path.write_text(rendered, "utf-8", "replace")
