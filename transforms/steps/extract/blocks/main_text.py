"""From a page's HTML to its main text: the steps of this room in their order."""

from __future__ import annotations

from transforms.steps.extract.blocks.judge import verdicts
from transforms.steps.extract.blocks.layout import Layout
from transforms.steps.extract.blocks.model import load_model
from transforms.steps.extract.blocks.render import Format, render
from transforms.steps.extract.blocks.source import read_source

try:
    from transforms.steps.extract.blocks.layout_c import lay_out
except ImportError:  # not built: there was no compiler
    from transforms.steps.extract.blocks.layout import lay_out

# A page with less text than this that scripts write has its text in <noscript>, if that holds ten times as much. Forums
# of one kind are such pages: 22 of the 113 forum pages of WCXB's development split hold nothing else.
SCRIPTED = 400  # characters


def main_text(html: str, form: Format = "text") -> str:
    """The main text of a page, empty if it has none.

    html: the decoded page. Time is linear in its length; no page is refused, whatever it holds.
    """
    page = page_of(html)
    return render(page, verdicts(page, load_model()), form) if page.texts else ""


def page_of(html: str) -> Layout:
    page = lay_out(read_source(html))
    size = sum(map(len, page.texts))
    if size < SCRIPTED and "<noscript" in html:
        without_scripts = lay_out(read_source(html, noscript=True))
        if sum(map(len, without_scripts.texts)) >= max(10 * size, SCRIPTED):
            return without_scripts
    return page
