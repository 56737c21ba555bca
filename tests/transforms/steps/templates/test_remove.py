"""Lines of a site's template are taken out of a page, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from schemas.document import Document
from schemas.faults import BadInput
from transforms.steps.templates.keys import keyed_lines
from transforms.steps.templates.remove import KEYS, RemoveTemplateLines

URL = "https://www.example.org/1"
LONG = "The river carries gold from the hills, and people have washed it since anyone can remember."
Step = Callable[..., RemoveTemplateLines]


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """A step that knows some lines as the site's template."""

    def made(*lines: str, url: str = URL) -> RemoveTemplateLines:
        keys = [line.key for line in keyed_lines(url, "\n".join(lines))]
        np.save(tmp_path / KEYS, np.array(sorted(keys), np.uint64))
        return RemoveTemplateLines(str(tmp_path))

    return made


@pytest.mark.parametrize(
    ("template", "text", "left"),
    [
        (("Share this",), f"Share this\n{LONG}", LONG),
        (("Share  this",), f"  Share\tthis \n{LONG}", LONG),  # white space does not count
        (("share this",), f"Share this\n{LONG}", None),
        (("- Home",), f"{LONG}\n- Home\n- Shop", f"{LONG}\n- Shop"),
        (("More",), f"{LONG}\n\nMore\n\nThe end", f"{LONG}\n\nThe end"),
        (("## Related",), f"{LONG}\n\n## Related\n", LONG),  # with nothing under it
        (("## Related", "- A story"), f"{LONG}\n\n## Related\n\n- A story", LONG),
        (("## Related",), f"{LONG}\n## Related\n- A story", None),
        (("## Related",), f"{LONG}\n## Related\n### Old\n- A story", None),
        (("## Related",), f"{LONG}\n## Related\n## Other\n- A story", f"{LONG}\n## Other\n- A story"),
        (("return x", "| a | b |"), f"{LONG}\n```\nreturn x\n```\n| a | b |", None),  # code and tables
        (("Weight:",), f"{LONG}\nWeight:\n3 kg\nWeight:\n4 kg", None),  # what it says more than once
        (("return (", "import os;", "x => {", "<br />"), f"{LONG}\nreturn (\nimport os;\nx => {{\n<br />", None),
        ((LONG,), f"{LONG}\nShort", None),  # most of it
        (("Other",), f"{LONG}\nShare this", None),
        ((), f"{LONG}\nShare this", None),  # no site repeats any
    ],
)
def test_only_template_goes(step: Step, template: tuple[str, ...], text: str, left: str | None) -> None:
    assert step(*template).remove(URL, text).text == (text if left is None else left)


def test_a_line_is_its_sites_own(step: Step) -> None:
    text = f"{LONG}\nShare this"
    assert step("Share this").remove("https://news.example.org/", text).lines == 1
    assert step("Share this").remove("https://example.net/", text).lines == 0
    assert step("Share this", url="https://").remove("", text).lines == 0


def test_what_went_is_measured_and_what_stays_for_being_most_of_a_page(step: Step) -> None:
    document = Document(f"{LONG}\nShare", "i", "d", URL, "", "f", 0, quality={"other": 1})
    done = step("Share")(document)
    assert (done.text, dict(done.quality)) == (
        LONG,
        {"other": 1, "template_lines": 1, "template_share": pytest.approx(5 / (len(LONG) + 5))},
    )
    done = step(LONG)(document)
    share = pytest.approx(len(LONG) / (len(LONG) + 5))
    assert (done.text, done.quality["template_lines"], done.quality["template_share"]) == (document.text, 0, share)
    assert set(done.quality) - {"other"} == set(RemoveTemplateLines.measures)


def test_what_is_no_list_of_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"lines\.npy can't be read"):
        RemoveTemplateLines(str(tmp_path)).setup()
    np.save(tmp_path / KEYS, np.zeros(3, np.int32))
    with pytest.raises(BadInput, match="and no keys"):
        RemoveTemplateLines(str(tmp_path)).setup()
