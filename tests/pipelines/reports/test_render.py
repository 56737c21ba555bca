"""Templates: what they print is harmless by default, and nothing can switch that off unseen."""

from __future__ import annotations

import ast
import re
import runpy
from importlib import resources
from unittest import mock

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup
from msgspec import Struct

from pipelines.reports.render import decode, environment, identifier, passage
from schemas.faults import BadInput
from support.paths import ROOT

ROOM = ROOT / "pipelines" / "reports"
HOSTILE = "<b>&\"'\x00\u202e\ud800{{ 7*7 }}"
READS = "&lt;b&gt;&amp;&#34;&#39;␀⟨U+202E⟩⟨U+D800⟩{{ 7*7 }}"


def rendered(source: str, **values: object) -> str:
    return environment().from_string(source).render(values)


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("{{ value }}", HOSTILE, READS),
        ('<p title="{{ value }}">', HOSTILE, f'<p title="{READS}">'),
        ("{{ value ~ '<' }}", HOSTILE, READS + "&lt;"),
        ("{{ [value, '<'] | join('') }}", HOSTILE, READS + "&lt;"),
        ("{{ '%s' | format(value) }}", HOSTILE, READS),
        ("{{ value | identifier }}", HOSTILE, READS),
        ("{{ value | passage(99) }}", HOSTILE, READS),
        ("{% macro one(x) %}{{ x }}{% endmacro %}{{ one(value) }}", HOSTILE, READS),
        ("{% set block %}<i>{{ value }}</i>{% endset %}{{ block }}", HOSTILE, f"<i>{READS}</i>"),
        ("{{ value }}", "x" * 999, "x" * 300 + "…"),
        ("{{ value }}", 1994, "1,994"),
        ("{{ value }}", 27.648, "27.6"),
        ("{{ value }}", None, "–"),
        ("{{ value }}", True, "True"),
        ("{{ value }}", Markup("<i>"), "<i>"),
    ],
)
def test_what_is_printed_is_cleaned_and_escaped(source: str, value: object, said: str) -> None:
    assert rendered(source, value=value) == said


def test_names_break_after_underscores() -> None:
    assert identifier("few_words<") == "few_<wbr>words&lt;"
    assert passage("a\n<b>", 3) == "a\n&lt;…"


@pytest.mark.parametrize("source", ["{{ missing }}", "{{ value.missing }}", "{% if missing %}{% endif %}"])
def test_what_is_not_there_is_a_defect(source: str) -> None:
    with pytest.raises(UndefinedError):
        rendered(source, value={})


# --- Nothing but charts makes markup ----------------------------------------------------------------------------------


def test_no_template_switches_escaping_off() -> None:
    templates = sorted((ROOM / "templates").glob("*.*"))
    assert len(templates) > 10
    for path in templates:
        source = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", source), path.name
        if path.name not in {"tokens.html", "look.html", "vote.html"}:
            assert "<script" not in source and "tojson" not in source, path.name


def made_markup(source: str) -> list[str]:
    """Markup that is made of anything but a literal."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Markup"]
    return [ast.unparse(call) for call in named if not (call.args and isinstance(call.args[0], ast.Constant))]


def test_markup_is_made_of_literals_alone() -> None:
    """But for the card, which is Markdown: there Markup means words that need not be code."""
    found = {path.name: made_markup(path.read_text("utf-8")) for path in sorted(ROOM.rglob("*.py"))}
    assert {name for name, calls in found.items() if calls} == {"card.py"}
    assert made_markup("Markup(x); Markup(f'{x}'); Markup('<b>')") == ["Markup(x)", "Markup(f'{x}')"]


@pytest.mark.parametrize(
    "name", ["style.css", "tokens.css", "look.css", "bpe.js", "shown.js", "tokens.js", "llama.js", "look.js"]
)
def test_files_that_pages_include_are_included_as_they_are(name: str) -> None:
    folder = "templates" if name == "style.css" else "web"
    source = (ROOM / folder / name).read_text("utf-8")
    assert environment().get_template(name).render() == source
    assert "</script" not in source and "</style" not in source


# --- JSON -------------------------------------------------------------------------------------------------------------


class Row(Struct, frozen=True):
    count: int


@pytest.mark.parametrize(
    ("value", "said"),
    [([], "Expected `object`, got `array`"), ({}, "missing required field `count`"), ({"count": "1"}, "at `$.count`")],
)
def test_json_of_another_form_is_refused_by_place(value: object, said: str) -> None:
    with pytest.raises(BadInput, match=r"^run/report\.json is no report of this version") as caught:
        decode(value, Row, "run/report.json")
    assert said in str(caught.value) and "make it anew" in str(caught.value)


# --- What is installed ------------------------------------------------------------------------------------------------


def test_a_wheel_holds_the_templates_and_scripts() -> None:
    """By what setup.py says, since building one takes the network."""
    setuptools = pytest.importorskip("setuptools")
    with mock.patch.object(setuptools, "setup") as setup:
        runpy.run_path(str(ROOT / "setup.py"))
    patterns = setup.call_args.kwargs["package_data"]["pipelines.reports"]
    files = [path.relative_to(ROOM) for folder in ("templates", "web") for path in (ROOM / folder).iterdir()]
    assert len(files) > 15
    for file in files:
        assert any(file.match(pattern) for pattern in patterns), file
        assert resources.files("pipelines.reports").joinpath(*file.parts).is_file()
