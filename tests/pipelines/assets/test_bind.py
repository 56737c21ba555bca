"""Binding a recipe: its steps' assets as paths for the workers, and as what they are for the manifest."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from pipelines.assets.bind import NO_BLOCKLIST, bind
from pipelines.assets.registry import MissingAsset, store
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.recipe import Recipe
from pipelines.recipes.tiny import TINY
from pipelines.sample.build import SampleIndex
from schemas.document import Document, Page
from schemas.manifest import read_manifest
from schemas.verdict import Check, Drop
from support.forked import forked_workers
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.step import BLOCK_LIST, AssetRef, DocumentStep, PageStep
from transforms.steps.urls.drop_blocked import DropBlockedUrls

Call = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class KeepWords(DocumentStep):
    """A step of one's own with two files of its own."""

    stage: ClassVar[str] = "words"
    measures: ClassVar[tuple[str, ...]] = ()
    words: str = "words.txt"
    other: str = "other.txt"

    def assets(self) -> tuple[AssetRef, ...]:
        return (AssetRef("words", "word list", self.words), AssetRef("other", "word list", self.other))

    def bound(self, paths: Mapping[str, str]) -> Self:
        return replace(self, words=paths["words"], other=paths["other"])

    def checks(self, document: Document) -> Iterator[Check]:
        yield from ()

    def __call__(self, document: Document) -> Document | Drop:
        return document


@dataclass(frozen=True)
class OwnList(PageStep):
    """A block list behind a step of one's own."""

    stage: ClassVar[str] = "own"

    def assets(self) -> tuple[AssetRef, ...]:
        return (AssetRef("blocklist", BLOCK_LIST, "sample"),)

    def __call__(self, page: Page) -> Page | Drop:
        return page


def with_documents(*steps: DocumentStep) -> Recipe:
    return TINY.vary(replace(TINY.curate, documents=steps), name="mine")


@pytest.fixture
def words(tmp_path: Path) -> KeepWords:
    for name in ("words.txt", "other.txt"):
        (tmp_path / name).write_text(f"{name}\n")
    return KeepWords(str(tmp_path / "words.txt"), str(tmp_path / "other.txt"))


def test_paths_are_put_in_and_not_described() -> None:
    bound = bind(TINY.vary(LanguageGate(TINY.curate.languages), name="gated"))
    curate = bound.recipe.curate
    [urls] = curate.pages
    assert Path(vars(urls)["blocklist"]).is_dir()
    assert Path(vars(curate.documents[0])["model"]).is_file()
    assert curate.extract.gate is not None
    assert Path(curate.extract.gate.model).is_file()
    assert set(bound.assets) == {"blocklist", "language_model", "gate_model"}
    assert len(bound.assets["blocklist"]["sha256"]) == len(bound.assets["language_model"]["sha256"]) == 64
    text = json.dumps([bound.description, bound.assets])
    assert "/" not in text.replace("\\/", "")
    names = [step["step"] for step in bound.description["steps"]]
    assert names == [type(step).__name__ for step in TINY.curate.steps()]


def test_a_given_models_folder_is_not_described(model_path: str, tmp_path: Path) -> None:
    copy = tmp_path / "my.ftz"
    copy.write_bytes(Path(model_path).read_bytes())
    recipe = with_documents(KeepLanguages(model=str(copy)))
    bound = bind(recipe.vary(LanguageGate(("en",), model=str(copy)), name="gated"))
    assert bound.description["steps"][-1]["model"] == "my.ftz"
    assert bound.description["steps"][2]["gate"]["model"] == "my.ftz"
    assert str(tmp_path) not in json.dumps([bound.description, bound.assets])


def test_equal_recipes_are_described_equally_and_others_not() -> None:
    assert bind(TINY).description == bind(replace(TINY)).description
    other = TINY.vary(replace(TINY.curate, max_stage_drop=0.5), name=TINY.name)
    assert bind(TINY).description != bind(other).description


def test_all_but_curate_stays() -> None:
    assert replace(bind(TINY).recipe, curate=TINY.curate) == TINY


def test_without_the_block_list_no_url_is_judged() -> None:
    bound = bind(FINEWEB, no_blocklist=True)
    assert bound.recipe.curate.pages == ()
    assert bound.assets["blocklist"] == NO_BLOCKLIST == "none (--no-blocklist)"


def test_a_block_list_of_ones_own_is_left_out_too() -> None:
    @dataclass(frozen=True)
    class Pass(PageStep):
        stage: ClassVar[str] = "pass"

        def __call__(self, page: Page) -> Page | Drop:
            return page

    recipe = TINY.vary(replace(TINY.curate, pages=(OwnList(), Pass(), DropBlockedUrls("sample"))), name="mine")
    assert bind(recipe, no_blocklist=True).recipe.curate.pages == (Pass(),)
    assert bind(recipe).assets["blocklist"] == bind(TINY).assets["blocklist"]


def test_a_recipe_without_a_block_list_says_so() -> None:
    assert bind(TINY.vary(replace(TINY.curate, pages=()), name="mine")).assets["blocklist"] is None


def test_a_missing_block_list_is_told_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATEIA_ASSETS", str(tmp_path))
    with pytest.raises(MissingAsset, match=r"bateia assets fetch ut1, with --from FILE .*--no-blocklist$"):
        bind(FINEWEB)


# --- Steps of one's own -----------------------------------------------------------------------------------------------


def test_a_step_of_ones_own_is_bound_like_ours(words: KeepWords, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    bound = bind(with_documents(KeepWords()))  # by relative paths
    assert bound.recipe.curate.documents == (words,)
    for name in ("words", "other"):
        data = (tmp_path / f"{name}.txt").read_bytes()
        assert bound.assets[name] == {"name": f"{name}.txt", "sha256": hashlib.sha256(data).hexdigest()}
    described = {"step": "KeepWords", "words": "words.txt", "other": "other.txt"}
    assert bound.description["steps"][-1] == described
    assert bind(with_documents(words)).description["steps"][-1] == described


def test_another_file_under_the_same_name_is_another_asset(words: KeepWords) -> None:
    before = bind(with_documents(words))
    Path(words.words).write_text("another\n")
    after = bind(with_documents(words))
    assert before.description == after.description
    assert before.assets["words"] != after.assets["words"]
    assert before.assets["other"] == after.assets["other"]


def test_a_missing_asset_of_ones_own_is_told_by_what_it_is(words: KeepWords, tmp_path: Path) -> None:
    (tmp_path / "other.txt").unlink()
    with pytest.raises(MissingAsset, match=r"^word list \S+other\.txt isn't there \(\S+\); give a list's path$"):
        bind(with_documents(words))


def test_steps_that_share_a_role_are_told_apart(words: KeepWords, tmp_path: Path) -> None:
    """What a run was made with is in its manifest, all of it; the same asset twice is one."""
    swapped = KeepWords(words.other, words.words)
    assets = bind(with_documents(words, replace(words), swapped)).assets
    names = {role: asset["name"] for role, asset in assets.items() if role != "blocklist"}
    assert names == {"words": "words.txt", "other": "other.txt", "words_2": "other.txt", "other_2": "words.txt"}


OWN = """
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from pipelines.recipes.tiny import TINY
from schemas.verdict import Check, Drop
from transforms.steps.step import AssetRef, DocumentStep, judge

LOADED = {}


@dataclass(frozen=True)
class DropListed(DocumentStep):
    stage: ClassVar[str] = "listed"
    measures: ClassVar[tuple[str, ...]] = ("listed",)
    words: str = "{words}"

    def assets(self):
        return (AssetRef("word_list", "word list", self.words),)

    def bound(self, paths: Mapping[str, str]) -> Self:
        return replace(self, words=paths["word_list"])

    def setup(self, languages=()):
        assert languages == ("en", "pt", "es", "fr", "de"), languages
        with open(self.words) as file:
            LOADED[self.words] = set(file.read().split())

    def checks(self, document):
        yield Check("listed", "listed", float(len(LOADED[self.words] & set(document.text.split()))), "<=", 0.0)

    def __call__(self, document):
        return judge(document, self.stage, self.checks(document))


MINE = TINY.vary(replace(TINY.curate, documents=(TINY.curate.documents[0], DropListed())), name="mine")
"""


def curate(bateia: Call, recipe: Path, sample: SampleIndex, output: Path, *options: object) -> Any:
    command = ("curate", "--recipe", f"{recipe}:MINE", "--input", *sample.warc_files, "--output", output, "--quiet")
    return bateia(*command, *options)


@pytest.mark.engine
def test_a_files_own_step_finds_its_asset_in_worker_processes(
    bateia: Call, sample: SampleIndex, tmp_path: Path
) -> None:
    """Neither class nor module of the recipe's file can be imported there; the asset is opened by its path."""
    words, recipe = tmp_path / "words.txt", tmp_path / "own_list.py"
    words.write_text("the")
    recipe.write_text(OWN.replace("{words}", str(words)))
    with forked_workers() as begun:  # from a process that knows nothing of the file
        ended = curate(bateia, recipe, sample, tmp_path / "two", "--workers", 2)
    assert ended.returncode == 0 and len(begun) == 2, ended.stderr
    assert curate(bateia, recipe, sample, tmp_path / "one").returncode == 0
    two, one = (read_manifest(str(tmp_path / name)) for name in ("two", "one"))
    assert two is not None and one is not None
    assert two.dataset_hash == one.dataset_hash
    assert two.settings["assets"]["word_list"] == {
        "name": "words.txt",
        "sha256": hashlib.sha256(b"the").hexdigest(),
    }
    assert two.settings["recipe"]["steps"][-1] == {"step": "DropListed", "words": "words.txt"}
    assert 0 < two.counts["kept"] < two.counts["read"]


def test_an_absent_asset_of_ones_own_is_bad_input(bateia: Call, sample: SampleIndex, tmp_path: Path) -> None:
    recipe, output = tmp_path / "own_list.py", tmp_path / "o"
    recipe.write_text(OWN.replace("{words}", str(tmp_path / "words.txt")))
    ended = curate(bateia, recipe, sample, output)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"bateia: word list {tmp_path}/words.txt isn't there")
    assert not output.exists()


def test_what_travels_names_assets_and_a_worker_finds_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its asset folder is another one, and its installed packages lie elsewhere."""
    bound = bind(TINY)
    assert str(store()) in repr(bound.recipe.curate)
    named = repr(bound.travelling)
    assert str(store()) not in named and "site-packages" not in named
    monkeypatch.setenv("BATEIA_ASSETS", str(tmp_path / "of-a-worker"))
    found = bound.find(bound.travelling)
    assert str(tmp_path / "of-a-worker") in repr(found)
    assert str(store()) in repr(bound.find(bound.travelling))


def test_an_asset_that_is_not_the_driver_s_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = bind(TINY)
    other = replace(bound.find, sums=dict.fromkeys(bound.find.sums, "0" * 64))
    with pytest.raises(MissingAsset, match=r"of this worker .* is not the driver's: its sha256 begins with"):
        other(bound.travelling)


def test_an_asset_without_a_name_travels_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "words.txt").write_text("one")
    (tmp_path / "other.txt").write_text("two")
    monkeypatch.chdir(tmp_path)
    bound = bind(TINY.vary(replace(TINY.curate, documents=(KeepWords(),)), name="own"))
    [step] = bound.travelling.documents
    assert (step.words, step.other) == (str(tmp_path / "words.txt"), str(tmp_path / "other.txt"))  # pyright: ignore
    assert bound.find(bound.travelling).documents == bound.recipe.curate.documents
