"""Small pages to exact text: every rule of structure, each with a row where it does not apply."""

import numpy as np
import pytest

from transforms.steps.extract.blocks.layout import lay_out
from transforms.steps.extract.blocks.render import Format, render
from transforms.steps.extract.blocks.source import read_source


def written(html: str, form: Format, kept: list[bool] | None = None) -> str:
    page = lay_out(read_source(html))
    return render(page, np.array(kept or [True] * len(page.texts)), form)


LONG_LINE = "The pan turns slowly and the light sand leaves it with"
LONG_CELL = "x" * 251
TEX = '<annotation encoding="application/x-tex">{\\displaystyle y&lt;1}</annotation>'


@pytest.mark.parametrize(
    ("html", "text", "markdown"),
    [
        ("<h2>Head <i>line</i></h2><p>Text", "Head line\nText", "## Head line\n\nText"),
        ("<div>no heading</div>", "no heading", "no heading"),
        # Lists: marks, numbers, nesting; an item that holds blocks is a container
        ("<ul><li>a<li>b</ul><p>c", "- a\n- b\nc", "- a\n- b\n\nc"),
        ("<ul><li>a<ul><li>b</ul></ul>", "- a\n- b", "- a\n  - b"),
        ("<ol><li>a<li>b</ol><ol><li>c</ol>", "1. a\n2. b\n1. c", "1. a\n2. b\n1. c"),
        ("<ul><li><p>a</p></ul>", "- a", "- a"),
        ("<ul><li><h3>a</h3><p>b</p></ul>", "a\nb", "### a\n\nb"),
        # Tables: of data; with a caption; a bar in a cell; uneven rows
        (
            "<table><caption>C</caption><tr><th>a<th>b|c<tr><td>1</table>",
            "C\n| a | b\\|c |\n| --- | --- |\n| 1 |  |",
            "C\n\n| a | b\\|c |\n| --- | --- |\n| 1 |  |",
        ),
        # … that only arrange: one column, one row, a long cell, many paragraphs, a table or heading inside
        ("<table><tr><td>a<tr><td>b</table>", "a\nb", "a\n\nb"),
        ("<table><tr><td>a<td>b</table>", "a\nb", "a\n\nb"),
        (f"<table><tr><td>a<td>b<tr><td>c<td>{LONG_CELL}</table>", f"a\nb\nc\n{LONG_CELL}", None),
        ("<table><tr><td>a<td><p>b<p>c<p>d<p>e<tr><td>f<td>g</table>", "a\nb\nc\nd\ne\nf\ng", None),
        ("<table><tr><td>a<td><h2>b</h2><tr><td>c<td>d</table>", "a\nb\nc\nd", None),
        ("<table><tr><td>o<td>p<tr><td><table><tr><td>a</table></table>", "o\np\na", None),
        # Code keeps lines and indentation, tabs and entities; line numbers beside it go
        ("<pre>def f(x):\n    if x &lt; 1:\n\n\t<b>y</b>\n</pre>", "def f(x):\n    if x < 1:\n\n\ty", None),
        ("<pre>a\n  b</pre>", "a\n  b", "```\na\n  b\n```"),
        ("<p>x</p><pre>1\n2\n3</pre>", "x", "x"),
        ("<p>a\n   b</p>", "a b", "a b"),
        ("<blockquote><p>a<br>B</blockquote>", "a\nB", "> a\n> B"),
        # Line breaks: kept, two make a paragraph, one within a sentence is mended
        ("<p>a<br>B<br><br>c", "a\nB\nc", "a\nB\n\nc"),
        (f"<p>{LONG_LINE}<br>the water.", f"{LONG_LINE} the water.", f"{LONG_LINE} the water."),
        (f"<p>{LONG_LINE}<br>The water.", f"{LONG_LINE}\nThe water.", None),
        (f"<p>{LONG_LINE}.<br>the water.", f"{LONG_LINE}.\nthe water.", None),
        ("<p>a short line<br>and another", "a short line\nand another", None),
        # Formulas: annotation, alttext, MathJax, MediaWiki's image; once where two of them say the same
        ("<p>a <math alttext='x^2'><mi>x</mi></math>.", "a $x^2$.", "a $x^2$."),
        (f"<p>a <math><mi>y</mi>{TEX}</math>", "a $y<1$", None),
        ('<p>a <script type="math/tex">b<c</script> d', "a $b<c$ d", None),
        ("<p>a <math><mi>y</mi><mo>&lt;</mo><msup><mi>x</mi><mn>2</mn></msup></math>.", "a $y < x^2$.", None),
        ('<p>a <script type="math/mml"><math><mi>y</mi></math></script> d', "a $y$ d", None),
        (
            '<p>a <mjx-container class="MathJax"><mjx-math class="MJX-TEX"><mjx-utext>y</mjx-utext></mjx-math>'
            "<mjx-assistive-mml><math><mi>y</mi></math></mjx-assistive-mml></mjx-container> d",
            *("a $y$ d", None),
        ),
        ("<p>a <script>b<c</script> d", "a d", None),
        ('<p>a <img class="mwe-math-fallback-image-inline" alt="{\\displaystyle z}">', "a $z$", None),
        ('<p>a <img class="photo" alt="{\\displaystyle z}">', "a", None),
        (f'<p>a <math>{TEX}</math><img class="mwe-math-fallback-image-inline" alt="y&lt;1">', "a $y<1$", None),
        ('<p>a <span class="katex-html"><span>b</span>c</span> d', "a d", None),
        ('<p>a <span class="other"><span>b</span>c</span> d', "a bc d", None),
        # Words: cells, items and links side by side are not glued, parts of a word are
        ("<p><a href=x>One</a><a href=y>Two</a> t<b>hr</b>ee", "One Two three", None),
        ("<dl><dt>T<dd>D</dl>", "T\nD", None),
        ("<figure><img><figcaption>Cap</figcaption></figure>after", "Cap\nafter", "Cap\n\nafter"),
        # Characters: joiners stay; what XML can't hold, soft hyphens and byte order marks go
        ("<p>a\u200cb &zwj;c &#8;d\x08e\xad\ufefff", "a\u200cb \u200dc def", None),
        ("<p>&amp;lt;&nbsp;&#x1F600; &bogus; &", "&lt; \U0001f600 &bogus; &", None),
        # No markup and no hidden content in the text
        ("<noscript><p>no</noscript><noframes>no</noframes><p>yes<!-- no --><template>no</template>", "yes", None),
        ("<p title='a>b'>c</p><p a=\"x>y\" b>d<p>1 < 2 <3", "c\nd\n1 < 2 <3", None),
        # Broken sources
        ("<p>a<script>x", "a", None),
        ("<p>a<svg>b", "ab", None),
        ("<p>a</div></td></b>b<p", "ab", None),
        ("", "", ""),
    ],
)
def test_page_becomes_exactly_this(html, text, markdown) -> None:
    assert written(html, "text") == text
    if markdown is not None:
        assert written(html, "markdown") == markdown


@pytest.mark.parametrize(
    ("html", "kept", "text"),
    [
        ("<title>Gold - Site</title><p>menu<h1>Gold</h1><p>a", [True, False, True], "Gold\nmenu\na"),
        ("<title>Site</title><p>menu<h1>Gold</h1><p>a", [True, False, True], "menu\na"),
        ("<title>Site</title><p>menu<h1>Gold</h1><p>a", [True, True, True], "Gold\nmenu\na"),
        ("<title>Gold</title><h1>Gold</h1><p>a", [False, False], ""),
        ("<title>Gold is found - Site</title><h1>Site</h1><p>a", [False, True], "a"),
        ("<title>Gold is found - Site</title><h1>Site</h1><p>a", [True, True], "Site\na"),
        ("<title>Gold is found - Site</title><h1>Site</h1><h1>Gold is found</h1><p>a", [0, 0, 1], "Gold is found\na"),
        ("<title>Site | Gold is found</title><h1>Site</h1><h1>Gold is found</h1><p>a", [0, 0, 1], "Gold is found\na"),
        (
            "<title>Gold is found</title><h1>Gold is found</h1><h1>How gold is found</h1>",
            [0, 1],
            "Gold is found\nHow gold is found",
        ),
    ],
)
def test_the_pages_own_heading_comes_first(html, kept, text) -> None:
    assert written(html, "text", kept) == text


ROWS = "<table>" + "".join(f"<tr><td>k{number}<td>value{number}" for number in range(4)) + "</table>"


@pytest.mark.parametrize(
    ("kept", "rows"),
    [
        ([True] * 8, [0, 1, 2, 3]),
        ([True] * 4 + [False] * 4, [0, 1, 2, 3]),
        ([True] * 3 + [False] * 5, [0]),
    ],
)
def test_a_table_is_kept_whole_if_half_of_it_is(kept, rows) -> None:
    lines = [f"| k{number} | value{number} |" for number in rows]
    assert written(ROWS, "text", kept) == "\n".join([lines[0], "| --- | --- |", *lines[1:]])


def test_a_long_text_that_stands_twice_is_written_once() -> None:
    for text, times in (("x" * 40, 1), ("x" * 39, 2)):
        assert written(f"<p>{text}<p>y<p>{text}", "text").count(text) == times
