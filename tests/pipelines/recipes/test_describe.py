"""`bateia show`: every part and setting of a recipe, with what it means, in the width that there is."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipelines.assets.bind import bind
from pipelines.recipes import RECIPES
from pipelines.recipes.describe import (
    in_bytes,
    list_recipes,
    settings_in,
    settings_of,
    settings_of_step,
    show,
    show_value,
)
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.recipe import Recipe
from pipelines.recipes.tiny import TINY
from schemas.setting import setting
from trainer.settings import TrainRecipe
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.step import DocumentStep
from transforms.steps.tokens.settings import PlanSettings, TrainTokenizer

Call = Callable[..., subprocess.CompletedProcess[str]]
TITLES = ("Pages", "Extraction", "Filters", "Personal data", "Duplicates", "Tokenizer", "Plan", "Training")


def parts_of(recipe: Recipe) -> list[Any]:
    """Every part of the run that has settings of its own, in the order of the run."""
    parts = [*recipe.curate.steps(), *recipe.corpus.steps(), recipe.tokenizer, recipe.split, recipe.plan]
    return parts + ([recipe.train] if recipe.train is not None else [])


def squeezed(text: str) -> str:
    """As it reads, wherever its lines end."""
    return " ".join(text.split())


@pytest.mark.parametrize("name", RECIPES)
def test_the_whole_run_is_shown(bateia: Call, name: str) -> None:
    ended = bateia("show", name)
    assert (ended.returncode, ended.stderr) == (0, "")
    recipe, text = RECIPES[name], squeezed(ended.stdout)
    assert text.startswith(f"{name}: {recipe.about} Pages (bateia curate)")
    heads = [f"{n}. {type(part).__name__} ({part.stage}): " for n, part in enumerate(parts_of(recipe), 1)]
    places = [text.index(head) for head in heads]
    assert places == sorted(places)
    titles = [ended.stdout.index(f"\n\n{title}") for title in TITLES]
    assert titles == sorted(titles)
    assert text.count("95%") == 2
    for part, start, end in zip(parts_of(recipe), places, [*places[1:], len(text)], strict=True):
        for path, declared, _ in settings_in(part):
            assert f" {path} " in text[start:end]
            assert declared.metadata["about"] in text[start:end]
            assert declared.metadata.get("source", "") in text[start:end]


NUMBERS = [
    *("max_record_bytes 32 MiB", "max_skip_bytes 1 GiB", "max_gzip_members 1,000", "soft_words 2"),
    *("max_html_chars 5,000,000", "max_tags 100,000", "cpu_limit_s 5", "memory_limit_mb 1,024"),
    *("languages en", "min_score 0.65", "dup_line_frac 0.3", "top_2_gram 0.2", "dup_9_gram 0.11", "dup_10_gram 0.1"),
    *("min_words 50", "max_words 100,000", "min_alpha_words 0.8", "min_sentences 5", "max_word_chars 1,000"),
    *("min_line_punct 0.12", "short_line_chars 30", "max_char_dup 0.01", "style placeholder", "names_model off"),
    *("scope dump", "bands 14", "rows 8", "shingle 5", "= hashes 112", "= linked 77.2%", "rehydrate no"),
    *("algorithm sentencepiece", "vocab_size 32,768, fewer", "sample_mb 100", "fraction 0.01", "context 1,024"),
    *("packing concat", "epochs 1, unless tokens is given", "model nano", "steps 500", "batch_size 16"),
    *("optimizer muon", "lr 0.036 / √width", "schedule wsd", "warmup 2 % of", "decay 0.4", "clip 1 "),
    *("= tokens 16,384", "= all tokens 8,192,000", "= warmup 10", "= lr 0.003182"),
]


def test_every_number_of_fineweb_is_shown(bateia: Call) -> None:
    text = squeezed(bateia("show", "fineweb").stdout)
    assert [number for number in NUMBERS if f" {number}" not in text] == []
    values = [value for part in parts_of(FINEWEB) for *_, value in settings_in(part)]
    numbers = {value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)}
    assert len(numbers) > 30
    for number in numbers:
        assert any(
            f" {shown} " in text
            for shown in (f"{number:,}", f"{number:g}", f"{int(number) >> 20:,} MiB", f"{int(number) >> 30:,} GiB")
        ), number


def test_what_follows_from_settings_follows_the_recipes() -> None:
    varied = FINEWEB.vary(Deduplicate(bands=20, rows=5), PlanSettings(context=256), name="v")
    text = squeezed(show(varied.vary(TrainRecipe(steps=2_000, batch_size=8, model="124m", lr=0.5), name="w")))
    for told in (
        "= max_vocab_size 32,768",
        "= hashes 100",
        "= tokens 2,048",
        "= all tokens 4,096,000",
        "= warmup 40",
        "= lr 0.5",
    ):
        assert told in text


def test_a_model_of_ones_own_has_no_rate_to_show(tmp_path: Path) -> None:
    """Its file may not be there yet."""
    text = show(FINEWEB.vary(TrainRecipe(steps=5, model=str(tmp_path / "m.json")), name="v"))
    assert "= lr" not in text
    assert "= all tokens" in text


def test_what_is_off_is_shown_as_off() -> None:
    bare = replace(FINEWEB.vary(replace(FINEWEB.corpus, pii=None, dedup=None), name="bare"), train=None)
    text = squeezed(show(bare))
    assert "Personal data (bateia dedup) ---------------------------- off" in text
    assert "Duplicates ---------- off" in text
    assert text.endswith("Training (bateia train) ----------------------- off")
    assert "may be duplicates" not in text


def test_weights_and_mixtures_read_as_they_are_given() -> None:
    mixed = PlanSettings(mixture=(("en", 3), ("pt", 1.5)), tokens=600_000_000)
    text = squeezed(show(FINEWEB.vary(mixed, TrainTokenizer(weights=(("en", 2),), vocab_size=65_536), name="v")))
    for told in ("mixture en: 3; pt: 1.5 ", "tokens 600,000,000", "weights en: 2 ", "vocab_size 65,536 "):
        assert told in text


@pytest.mark.parametrize("columns", [1, 40, 60, 80, 120, 200])
def test_lines_are_as_wide_as_the_terminal(columns: int) -> None:
    """A word is never cut, so that it can be searched for; none of ours but an address has 40 characters."""
    gated = TINY.vary(LanguageGate(TINY.curate.languages), name="tiny")
    lines = show(gated, columns).splitlines()
    longest = max(lines, key=len)
    assert len(longest) <= max(columns, 40) or len(longest.split()) == 1, longest
    if columns == 200:
        assert max(map(len, lines)) > 120


@pytest.mark.parametrize("columns", [40, 200])
def test_the_width_changes_no_word(columns: int) -> None:
    assert squeezed(show(TINY, columns)) == squeezed(show(TINY, 100))


def test_the_terminals_width_is_taken(bateia: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "61")
    assert bateia("show", "tiny").stdout == show(TINY, 61) + "\n"


@pytest.mark.parametrize("name", RECIPES)
def test_most_settings_say_where_their_value_is_from(name: str) -> None:
    """A threshold without a source is a guess."""
    rows = settings_of(RECIPES[name].curate.steps())
    assert [row for row in rows if not row["about"]] == []
    assert sum(bool(row["source"]) for row in rows) > 0.7 * len(rows)


@pytest.mark.parametrize("step", parts_of(TINY), ids=lambda step: type(step).__name__)
def test_every_field_has_a_row(step: object) -> None:
    names = [row["name"] for row in settings_of_step(step)]
    assert names == [field.name for field in fields(step)]  # type: ignore[arg-type]


def test_settings_within_settings_have_their_path() -> None:
    rows = list(settings_of_step(ExtractText(gate=LanguageGate(("en", "pt")))))
    values = {row["name"]: row["value"] for row in rows}
    assert values["gate.languages"] == "en, pt"
    assert "gate" not in values


def test_no_path_of_this_machine_is_shown() -> None:
    bound = bind(TINY.vary(LanguageGate(TINY.curate.languages), name="gated")).recipe
    for text in (show(bound), str(settings_of(bound.curate.steps()))):
        assert text.count("lid.176.ftz") == 2
        assert str(Path.home()) not in text
        assert "/lid.176" not in text


@pytest.mark.parametrize(
    "value, shown",
    [
        (None, "off"),
        (True, "yes"),
        (False, "no"),
        ((), "none"),
        (("en", 0.5), "en, 0.5"),
        ((("en", 0.5), ("pt", 1)), "en: 0.5; pt: 1"),
        (0.65, "0.65"),
        (0, "0"),
    ],
)
def test_values_read_well(value: object, shown: str) -> None:
    assert show_value(value) == shown


@dataclass(frozen=True)
class Bare(DocumentStep):
    """Does nothing.

    At length.
    """

    stage: ClassVar[str] = "bare"
    measures: ClassVar[tuple[str, ...]] = ()
    least: int = field(default=3, metadata={"about": "fewest", "source": "a paper"})
    plain: str = "x"
    rate: float | None = setting(None, "how fast", none="as fast as it can")

    def checks(self, document: object) -> tuple[()]:
        return ()

    def __call__(self, document: Any) -> Any:
        return document


def test_a_step_of_ones_own_is_shown_with_what_it_tells() -> None:
    bare = TINY.vary(replace(TINY.curate, documents=(Bare(),)), name="bare")
    lines = show(bare, 80).splitlines()
    at = lines.index("4. Bare (bare): Does nothing.")
    assert lines[at + 1 : at + 5] == [
        "     least  3  fewest [a paper]",
        "     plain  x",
        "     rate   as fast as it can",
        "            how fast",
    ]


def test_languages_of_the_gate_are_shown_by_their_path() -> None:
    text = squeezed(show(FINEWEB.vary(LanguageGate(("en", "pt"), 0.25), KeepLanguages(("pt",)), name="v")))
    assert " gate.languages en, pt " in text
    assert " gate.min_probability 0.25 " in text


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_recipes_are_listed_in_the_width_that_there_is(columns: int) -> None:
    lines = list_recipes(RECIPES.values(), columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert [line.split()[0] for line in lines if line[:1].isalpha()] == list(RECIPES)
    assert all(recipe.about in squeezed("\n".join(lines)) for recipe in RECIPES.values())


def test_show_alone_lists_the_recipes(bateia: Call) -> None:
    ended = bateia("show")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1].startswith("`bateia show NAME`")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1000, "1,000 B"), (1023, "1,023 B"), (1024, "1 KiB"), (1 << 20, "1 MiB"), (3 << 30, "3 GiB")],
)
def test_sizes_have_units(count: int, text: str) -> None:
    assert in_bytes(count) == text
