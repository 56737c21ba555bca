"""A report as files: report.json is its encoding, report.html the page that a template makes of it.

Whatever a page says may be hostile. Every value that a template prints is cleaned (`shown`) and then escaped; markup
comes from templates and charts alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from markupsafe import Markup, escape

from pipelines.reports import charts, formats
from pipelines.reports.formats import NOTHING, clean, number
from schemas import wording
from schemas.faults import BadInput
from schemas.storage import join, write_json, write_whole
from transforms.steps.text.languages import name_of

if TYPE_CHECKING:
    from jinja2 import Environment

T = TypeVar("T")

REPORT, PAGE = "report.json", "report.html"
VAST = 10_000_000  # pages, documents or tokens: from here on numbers get a line of their own on a telephone


def encode(report: msgspec.Struct) -> dict[str, Any]:
    """A report as report.json has it."""
    return msgspec.to_builtins(report)


def decode(value: Any, kind: type[T], source: str) -> T:
    """A report, or a part of one, from its JSON.

    source: what an error names as the place the value came from.
    Raises BadInput for a value of another form.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{source} is no report of this version ({error}); make it anew") from error


def write_report(folder: str, report: msgspec.Struct, page: str) -> None:
    """Write report.json and report.html, each whole or not at all."""
    write_json(join(folder, REPORT), encode(report))
    write_page(join(folder, PAGE), page)


def write_page(path: str, page: str) -> None:
    with write_whole(path) as file:
        file.write(page.encode("utf-8", "replace"))


def render(template: str, **values: Any) -> str:
    """The page that a file of templates/ makes of the values."""
    return environment().get_template(template).render(values)


def shown(value: Any) -> Any:
    """A value as text that is yet to be escaped: numbers with separators, None as a dash, texts cleaned and capped."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return NOTHING
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return clean(str(value))


def passage(text: str, limit: int) -> Markup:
    return escape(formats.passage(text, limit))


def identifier(name: str) -> Markup:
    """A name of ours or of a recipe's: it may break after an underscore where there is little room."""
    return Markup("_<wbr>").join(clean(name).split("_"))


@cache
def environment() -> Environment:
    """The templates of pages."""
    return new_environment(finalize=shown)


def new_environment(finalize: Callable[[Any], Any]) -> Environment:
    """The templates, with the formats and charts of this room as their functions.

    finalize: what every printed value goes through before it is escaped.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=ChoiceLoader([PackageLoader("pipelines.reports", folder) for folder in ("templates", "web")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"shown": shown, "passage": passage, "identifier": identifier, "on_one_line": formats.on_one_line}
    for module, names in (
        (wording, ("plural",)),
        (formats, ("number", "figure", "share", "size", "duration", "span")),
        (charts, ("bar", "gauge", "spread", "whisker", "strip", "histogram", "log_histogram", "line_chart")),
    ):
        made.globals |= {name: getattr(module, name) for name in names}
    made.globals |= {"VAST": VAST, "language_name": name_of}
    made.policies["json.dumps_function"] = _compact_json
    return made


def source_of(name: str) -> str:
    """A file of web/ as a template includes it."""
    return environment().get_template(name).render()


def script_hash(names: Sequence[str]) -> str:
    """What a page's policy knows its one script by, which is made of these files of web/."""
    script = "".join(source_of(name) for name in names)
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _compact_json(value: Any, **_: Any) -> str:
    """JSON without spaces, in which half a surrogate pair, which no file can hold, is spelled out."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)
