"""`bateia templates`, and what curate does by it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from bateia import documents, ledger
from pipelines.stages import templates as stage
from support.command import Call
from support.forked import forked_workers
from support.outputs import digests, manifest_of
from transforms.steps.templates.keys import keyed_lines
from transforms.steps.templates.remove import KEYS

OF_SITES = "Subscribe to our letter", "More from this site"
Made = Callable[..., Path]


def article(site: str, number: int, more: str = "") -> dict[str, str]:
    own = f"Page {number} of {site} tells of rivers, of hills and of the gold that people wash there{more}."
    return {"url": f"https://{site}/{number}", "text": "\n".join((OF_SITES[0], own, OF_SITES[1]))}


def rows() -> Iterable[dict[str, str]]:
    for number in range(3):
        yield article("www.a.co.uk", number)
        yield article("b.co.uk", 7)  # the very same page, three times
        yield article("one.example", number)
    yield article("news.a.co.uk", 3, ", said a host of the same site")
    yield {"url": "https://a.co.uk/most", "text": OF_SITES[0]}
    yield {"text": "\n".join(OF_SITES)}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three files, with pages of each site in all of them."""
    folder = tmp_path_factory.mktemp("inputs")
    lines = [json.dumps(row) + "\n" for row in rows()]
    for number in range(3):
        (folder / f"{number}.jsonl").write_text("".join(lines[number::3]))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def made(bateia: Call, inputs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Made:
    def made(*options: object) -> Path:
        output = tmp_path_factory.mktemp("made") / "templates"
        words = ("--recipe", "as-is", "--input", *inputs, "--output", output, "--quiet")
        ended = bateia("templates", *words, *options)
        assert ended.returncode == 0, ended.stderr
        return output

    return made


@pytest.fixture(scope="module")
def templates(made: Made) -> Path:
    return made()


def test_lines_on_three_pages_of_a_site_are_its_template(templates: Path) -> None:
    expected = [
        line.key for site in ("a.co.uk", "one.example") for line in keyed_lines(f"https://{site}/", "\n".join(OF_SITES))
    ]
    keys = np.load(templates / KEYS)
    assert keys.tolist() == sorted(expected)
    manifest = manifest_of(templates)
    assert manifest.counts == {"read": 12, "texts": 12, "lines": 14, "templates": 4}
    assert (manifest.stage, "tldextract" in manifest.versions) == ("templates", True)
    assert {path.name for path in templates.iterdir()} == {KEYS, "manifest.json", "plan.jsonl", "run.json", "units"}
    stays = b"".join(path.read_bytes() for path in templates.rglob("*") if path.is_file())
    assert b"rivers" not in stays, "hashes alone stay"


def test_curate_takes_them_out(bateia: Call, templates: Path, inputs: list[Path], tmp_path: Path) -> None:
    words = ("curate", "--recipe", "as-is", "--input", *inputs, "--templates", templates, "--quiet", "--output")
    ended = bateia(*words, tmp_path / "o")
    assert ended.returncode == 0, ended.stderr
    found = {row["url"]: row for row in documents(str(tmp_path / "o")).to_table().to_pylist()}
    fates = {row["url"]: row for row in ledger(str(tmp_path / "o")).to_table().to_pylist()}
    for url, lines, went in (
        ("https://www.a.co.uk/1", 1, 2),
        ("https://news.a.co.uk/3", 1, 2),
        ("https://one.example/0", 1, 2),
        ("https://b.co.uk/7", 3, 0),
        ("https://a.co.uk/most", 1, 0),
        ("", 2, 0),
    ):
        quality = found[url]["quality"]
        assert (found[url]["text"].count("\n") + 1, quality["template_lines"]) == (lines, went), url
        told = fates[url]["template_lines"], fates[url]["template_share"]
        assert told == (went, quality["template_share"])
    assert fates["https://a.co.uk/most"]["template_share"] == 1
    settings = manifest_of(tmp_path / "o").settings
    assert settings["assets"]["templates"] == {
        "name": "templates",
        "sha256": manifest_of(templates).files[0].sha256,
    }
    assert str(tmp_path) not in json.dumps(settings)


def test_a_page_that_is_dropped_later_has_its_lines_in_the_ledger(
    bateia: Call, templates: Path, inputs: list[Path], tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.py"
    recipe.write_text(
        "from dataclasses import replace\nfrom pipelines.recipes.as_is import AS_IS\n"
        "from transforms.steps.filters.notices import DropNotices\n"
        "from transforms.steps.templates.remove import RemoveTemplateLines\n"
        f"STEPS = (RemoveTemplateLines({str(templates)!r}), DropNotices(max_share=-1))\n"
        "MINE = AS_IS.vary(replace(AS_IS.curate, documents=STEPS), name='mine')\n"
    )
    words = ("--recipe", f"{recipe}:MINE", "--input", *inputs, "--quiet", "--no-guard")
    ended = bateia("curate", *words, "--output", tmp_path / "o")
    assert ended.returncode == 0, ended.stderr
    fates = {row["url"]: row for row in ledger(str(tmp_path / "o")).to_table().to_pylist()}
    row = fates["https://www.a.co.uk/1"]
    assert (row["stage"], row["template_lines"]) == ("notices", 2)


def test_same_bytes_by_other_units_ranges_and_tasks(
    bateia: Call, templates: Path, made: Made, inputs: list[Path], tmp_path: Path
) -> None:
    with mock.patch.object(stage, "RANGE_BYTES", 100):
        cut = made()
    assert (cut / KEYS).read_bytes() == (templates / KEYS).read_bytes()
    words = ("templates", "--recipe", "as-is", "--input", *inputs, "--output", tmp_path / "o", "--quiet")
    for part in ("2/2", "1/2"):
        ended = bateia(*words, "--part", part)
        assert ended.returncode == 0, ended.stderr
    assert bateia(*words, "--finish").returncode == 0
    assert digests(tmp_path / "o") == digests(templates)


@pytest.mark.engine
@pytest.mark.parametrize("options", ["ours", "beams", "portable"])
def test_same_bytes_on_every_runner(request: pytest.FixtureRequest, templates: Path, made: Made, options: str) -> None:
    given = {
        "ours": lambda: ("--workers", 2),
        "beams": lambda: ("--", "--direct_running_mode=multi_processing", "--direct_num_workers=2"),
        "portable": lambda: ("--", *request.getfixturevalue("cluster")),
    }
    with forked_workers():  # how they start is tried in test_runners.py
        output = made(*given[options]())
    assert (output / "manifest.json").read_bytes() == (templates / "manifest.json").read_bytes()
    assert (output / KEYS).read_bytes() == (templates / KEYS).read_bytes()


def test_bad_input_is_one_line(bateia: Call, templates: Path, inputs: list[Path], tmp_path: Path) -> None:
    same = ("templates", "--recipe", "as-is", "--input", *inputs, "--output")
    own = ("curate", "--recipe", "as-is", "--input", *inputs, "--output", tmp_path / "o", "--templates")
    blocks = ("curate", "--recipe", "web", "--no-blocklist", *own[3:])
    torn = tmp_path / "torn"
    torn.mkdir()
    for path in templates.glob("*.*"):
        (torn / path.name).write_bytes(path.read_bytes() + (b"1" if path.name == KEYS else b""))
    (tmp_path / "begun").mkdir()
    for words, said in (
        ((*same, templates, "--min-pages", 1), "give 2 or more"),
        ((*same, templates), "is finished"),
        ((*same, templates, "--min-pages", 4), "is finished"),
        ((*own, tmp_path / "absent"), "aren't there"),
        ((*own, tmp_path / "begun"), "hold no finished run"),
        ((*own, torn), "isn't the file that its manifest describes"),
        ((*own, "s3://bucket/templates"), "copy them to a local folder"),
        ((*blocks, templates), "extractor was trafilatura and is blocks"),
    ):
        ended = bateia(*words)
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
        assert said in ended.stderr


def test_an_unfinished_run_of_other_settings_is_refused(
    bateia: Call, templates: Path, inputs: list[Path], tmp_path: Path
) -> None:
    words = ("templates", "--recipe", "as-is", "--input", *inputs, "--output", tmp_path / "o", "--quiet")
    assert bateia(*words, "--part", "1/2").returncode == 0
    ended = bateia(*words, "--min-pages", 4)
    assert (ended.returncode, "another" in ended.stderr) == (2, True), ended.stderr
    assert bateia(*words).returncode == 0  # goes on from there
    assert (tmp_path / "o" / KEYS).read_bytes() == (templates / KEYS).read_bytes()
