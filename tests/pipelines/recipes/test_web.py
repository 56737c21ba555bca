"""The recipe web: what it keeps that FINEWEB drops, on pages made for that; its form for other languages."""

from __future__ import annotations

from pathlib import Path

import pyarrow.dataset as ds
import pytest

from pipelines.recipes import RECIPES, find_recipe
from pipelines.recipes.web import WEB, web
from schemas.faults import BadInput
from support.command import Call
from support.warc import http, member, record
from transforms.steps.filters.gopher_quality import KeepGopherQuality

SENTENCES = [
    "The people of the valley have washed gold out of the gravel since their grandparents settled here.",
    "A pan is filled with sand, held under water, and turned until the light grains have left it.",
    "What stays at the bottom is black and heavy, and with some luck a few sparks of yellow lie in it.",
    "Nobody has become rich by this, although two brothers once bought a mill with what they had found.",
    "In winter the river freezes, so that from December on the pans hang on the walls of the kitchens.",
    "Children learn to turn them with dry beans and rice, which is easier on the hands than cold water.",
    "Every spring there is a contest, and the winner is whoever finds all seven hidden grains first.",
]
PARAGRAPHS = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
CODE = "<pre><code>def wash(pan):\n    for grain in pan:\n        yield {grain}\n</code></pre>"
PAGES = {
    "Washing gold in code": f"{PARAGRAPHS}{CODE}<p>So it is done in a program.</p>",
    "Templates of letters": f"<p>Write {{name}} for the miner's name.</p>{PARAGRAPHS}",
}


def test_it_is_known_by_name_and_is_english() -> None:
    assert RECIPES["web"] == WEB == web("en")
    assert WEB.curate.extract.extractor == "blocks"


def test_other_languages_bring_their_stop_words() -> None:
    [quality] = [step for step in web("ru").curate.documents if isinstance(step, KeepGopherQuality)]
    assert dict(quality.stop_words)["ru"]
    assert find_recipe("web", ("pt",)).curate.languages == ("pt",)
    with pytest.raises(BadInput, match="xx"):
        web("xx")


@pytest.mark.slow
@pytest.mark.parametrize("title", PAGES)
def test_pages_that_fineweb_drops_or_flattens_are_kept_with_their_structure(
    title: str, bateia: Call, tmp_path: Path
) -> None:
    article = f"<article><h1>{title}</h1>{PAGES[title]}</article>"
    html = f"<html><head><title>{title}</title></head><body>{article}</body></html>"
    warc = tmp_path / "one.warc.gz"
    warc.write_bytes(member(record("https://valley.example/gold", http(html))))
    texts = {}
    for recipe in ("fineweb", "web"):
        given = ("--input", warc, "--output", tmp_path / recipe, "--no-blocklist", "--no-guard", "--quiet")
        ended = bateia("curate", "--recipe", recipe, *given)
        assert ended.returncode == 0, ended.stderr
        files = [str(path) for path in (tmp_path / recipe / "data").rglob("*.parquet")]
        texts[recipe] = ds.dataset(files).to_table()["text"].to_pylist() if files else []
    [text] = texts["web"]
    assert text.startswith(f"# {title}\n")
    assert all(sentence in text for sentence in SENTENCES)
    if "<pre>" in article:
        assert "```\ndef wash(pan):\n    for grain in pan:\n        yield {grain}\n```" in text
        assert "    for grain" not in texts["fineweb"][0] and "def wash" not in texts["fineweb"][0]
    else:
        assert texts["fineweb"] == []
