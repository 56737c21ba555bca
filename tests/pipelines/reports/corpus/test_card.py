"""The dataset card: what it tells, that it reads as YAML and Markdown whatever names are given, and what it keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pipelines.reports.corpus.card import (
    DUMPS_SHOWN,
    MEANINGS,
    VALUE_CHARS,
    code,
    front_matter,
    link_probability,
    make_card,
    size_category,
)
from pipelines.reports.corpus.summary import CorpusSummary, Origin
from pipelines.reports.formats import visible
from pipelines.reports.records import Stage
from schemas.corpus import corpus_schema
from schemas.corpus_tally import CorpusTally
from schemas.manifest import FileEntry, Manifest

yaml = pytest.importorskip("yaml")

Json = dict[str, Any]

HOSTILE = "<script>alert(1)</script> `x` a|b \\|c \\\\|d\r\n\n# head\n---\n| e |\"':{[\x00\u202e\ud800\u2028"
LINES: Json = {"step": "DropRepeatedLines", "min_chars": 20}
PII: Json = {
    "step": "ScrubPii",
    "types": ["EMAIL_ADDRESS", "BR_CPF"],
    "style": "placeholder",
    "names_model": None,
}
DEDUP: Json = {
    "step": "Deduplicate",
    "scope": "dump",
    "keep": "first",
    "bands": 14,
    "rows": 8,
    "shingle": 5,
    "seed": 1,
    "rehydrate": False,
}
TOKENIZER = {"name": "/models/secret/tokenizer.json", "sha256": "5" * 64}


def row(number: int, language: str, dump: str = "CC-MAIN-2026-10") -> Json:
    about = {"id": f"{language}{number}", "url": f"http://{number}.example/", "language": language, "dump": dump}
    return about | {"text": "x" * 1_000, "token_count": 300, "cluster_size": 1}


def tally_of(rows: list[Json]) -> CorpusTally:
    tally = CorpusTally()
    for document in rows:
        tally.add_read(document, kept=True)
        tally.add_kept(document)
    return tally


@pytest.fixture
def tally() -> CorpusTally:
    """Five documents read: two Norwegian and one English are kept, a Portuguese and an English one are copies."""
    made = tally_of([row(1, "no"), row(2, "no", "CC-MAIN-2026-14"), row(3, "en")])
    for match, document in (("exact", row(4, "pt")), ("near", row(5, "en"))):
        made.add_read(document, kept=False)
        made.add_removed(document, match, "http://stays.example/", earlier=match == "near")
    made.add_spans(["EMAIL_ADDRESS"] * 2, row(1, "no"), {})
    return made


def manifest_of(tally: CorpusTally, *steps: Json, name: str = "mine", **more: Any) -> Manifest:
    tokens = tally.tokens if more.get("tokenizer") else None
    counts = {"read": tally.read, "kept": tally.kept, "removed_exact": tally.exact, "removed_near": tally.near}
    counts |= {"removed_earlier": tally.earlier, "clusters": 2, "tokens": tokens}
    settings = {"recipe": {"name": name, "max_removed": 0.95, "steps": [*steps]}, "tokenizer": None} | more
    files = [FileEntry(f"data/{language}/part-00000.parquet", 2, 1_500, "0" * 64) for language in ("en", "no")]
    files += [FileEntry("clusters/part-00000.parquet", 9, 10**9, "0" * 64)]
    source = [{"path": "/home/somebody/documents", "dataset_hash": "d" * 64, "documents": 5}]
    return Manifest("dedup", settings, {"bateia": "0.1.0"}, source, counts, tuple(files), "f" * 64)


CURATED = Manifest(
    stage="curate",
    settings={
        "recipe": {
            "name": "fineweb",
            "steps": [{"step": "KeepLanguages", "model": "/home/somebody/lid.176.ftz", "languages": ["no", "en"]}],
        }
    },
    versions={"bateia": "0.0.9", "trafilatura": "2.3"},
    source=[{"path": "/home/somebody/a.warc.gz", "bytes": 2_500_000}],
    counts={"read": 100, "kept": 5},
    files=(),
    dataset_hash="d" * 64,
)
ORIGINS = [Origin("/home/somebody/documents", CURATED, (Stage("read", 100, 95),))]


def card_from(manifest: Manifest, tally: CorpusTally, origins: Sequence[Origin] = ()) -> str:
    return make_card(CorpusSummary(manifest, tally, origins))


@pytest.fixture
def card(tally: CorpusTally) -> str:
    return card_from(manifest_of(tally, LINES, PII, DEDUP), tally, ORIGINS)


def front(card: str) -> Json:
    _, block, _ = card.split("---\n", 2)
    return yaml.safe_load(block)


def cells(line: str) -> list[str]:
    """A row's cells as GitHub cuts it: a pipe is text if an odd number of backslashes stands before it."""
    return [cell.strip() for cell in re.findall(r"((?:\\.|[^\\|])*)\|", line.strip().removeprefix("|"))]


def tables(card: str) -> list[list[list[str]]]:
    """Every Markdown table's rows of cells, without the row of dashes."""
    found = re.findall(r"(?:^\|.*\n?)+", card, re.MULTILINE)
    return [[cells(line) for at, line in enumerate(block.splitlines()) if at != 1] for block in found]


def test_it_says_what_the_corpus_is(card: str) -> None:
    for said in (
        "# `mine` corpus",
        "filtered, freed of repeated lines, scrubbed of some kinds of personal data, deduplicated: "
        "3 documents, 3,000 characters.",
        "| `no` Norwegian Bokmål (norsk bokmål) | 2 | 2,000 | 1.5\u00a0kB |",
        "| `en` English | 1 | 1,000 | 1.5\u00a0kB |",
        "| all | 3 | 3,000 | 3.0\u00a0kB |",
        "| `CC-MAIN-2026-10` | 4 | 2 | 50.0\u00a0% |",
        "| `read` | 100 | 95 | 95.0\u00a0% |",
        "| `exact_duplicates` | 5 | 1 | 20.0\u00a0% |",
        "| `near_duplicates` | 4 | 1 | 25.0\u00a0% |",
        "| **in the corpus** | **3** |  | 3.0\u00a0% of the first |",
        'load_dataset("path/to/this/folder", "no", split="train")',
        "Removed: 1 exact and 1 near copies, 40.0\u00a0% of 5 documents. Of these, 1 are copies of a document",
        "| `EMAIL_ADDRESS` | 1 | 2 |\n| `BR_CPF` | 0 | 0 |",  # looked for, and not found
        "| `KeepLanguages` | `model` | `lid.176.ftz` |",
        "| `Deduplicate` | `bands` | `14` | bands; one shared links two documents |",
        "documents were curated with `fineweb`:",
        "| `documents` | input | `" + "d" * 64 + "` | 5 | `fineweb` | 1 (2.5\u00a0MB) |",
        "bateia 0.0.9 and 0.1.0, trafilatura 2.3.",
        "(sha256 over its files' paths and hashes): `" + "f" * 64 + "`",
    ):
        assert said in card, said


@pytest.mark.parametrize(
    ("steps", "said", "unsaid"),
    [
        ((), "filtered: 3 documents", "freed"),
        ((), "None: equal documents are all here.", "MinHash"),
        ((), "Not looked for: what personal data the pages held is in the texts.", "EMAIL_ADDRESS"),
        ((), "Languages are told by a model", "are still here"),
        ((PII,), "filtered, scrubbed of some kinds of personal data: 3", "deduplicated:"),
        ((PII,), "placeholders such as `<EMAIL_ADDRESS>`", "values reserved"),
        ((PII | {"style": "example"},), "replaced by values reserved for examples.", "such as `<"),
        ((PII,), "They miss names, street addresses", "They miss street"),
        ((PII | {"names_model": "xx_ent_wiki_sm"},), "They miss street addresses", "They miss names"),
        ((PII | {"types": []},), "| `EMAIL_ADDRESS` | 1 | 2 |", "BR_CPF"),
        ((DEDUP,), "Documents of the same crawl were compared.", "of the whole input"),
        ((DEDUP,), "Copies across crawls are still here.", "across languages"),
        ((DEDUP | {"scope": "language"},), "Documents of the same language were compared.", "of the same crawl"),
        ((DEDUP | {"scope": "language"},), "Copies across languages are still here.", "across crawls"),
        ((DEDUP | {"scope": "all"},), "Documents of the whole input were compared.", "are still here"),
        ((DEDUP,), "else\nthe first by crawl and id.", "else\nthe longest text"),
        (
            (DEDUP | {"keep": "longest"},),
            "else\nthe longest text and of equals the first by crawl and id.",
            "else\nthe first by",
        ),
        ((DEDUP,), "Links chain into clusters", "Links only say"),
        (
            (DEDUP | {"verify": "contained", "min_contained": 0.9},),
            "a document went if one that stays has 90 % of its words",
            "Links chain into clusters",
        ),
        ((DEDUP,), "| `cluster_size` | `int64` |", "| `rehydration_weight` |"),
        ((DEDUP | {"rehydrate": True},), "| `rehydration_weight` | `int64` |", "| `quality` |"),
    ],
)
def test_it_says_what_was_done(tally: CorpusTally, steps: tuple[Json, ...], said: str, unsaid: str) -> None:
    card = card_from(manifest_of(tally, *steps), tally)
    assert said in card
    assert unsaid not in card


def test_every_column_is_explained(tally: CorpusTally) -> None:
    optional = ["language_script", "license", "license_found", "robots"]
    assert list(MEANINGS) == corpus_schema(True, ["mean_word_length"], optional).names
    card = card_from(manifest_of(tally, DEDUP | {"rehydrate": True}), tally)
    [columns] = [found for found in tables(card) if found[0] == ["Column", "Type", "Meaning"]]
    assert [name.strip("`") for name, _, _ in columns[1:]] == corpus_schema(True).names
    assert ["`token_count`", "`int64`", "tokens of the text; null if no tokenizer was given"] in columns


@pytest.mark.parametrize(
    ("tokenizer", "said", "unsaid"),
    [
        (None, "3,000 characters.\n", "Tokens"),
        (TOKENIZER, "3,000 characters, 900 tokens.\n", "secret"),
        (TOKENIZER, "| Language | Documents | Characters | Tokens | Parquet |", "secret"),
        (TOKENIZER, "| `no` Norwegian Bokmål (norsk bokmål) | 2 | 2,000 | 600 | 1.5\u00a0kB |", "secret"),
        (TOKENIZER, "Tokens of `tokenizer.json`, sha256 `" + "5" * 64 + "`.", "secret"),
    ],
)
def test_tokens_are_told_if_they_were_counted(
    tally: CorpusTally, tokenizer: Json | None, said: str, unsaid: str
) -> None:
    card = card_from(manifest_of(tally, DEDUP, tokenizer=tokenizer), tally, ORIGINS)
    assert said in card
    assert unsaid not in card


def test_nothing_tells_of_this_machine(card: str) -> None:
    assert "/home" not in card and "somebody" not in card.replace("an address that somebody reads", "")


@pytest.mark.parametrize(
    ("similarity", "probability"),
    [(0.5, 0.053), (0.6, 0.211), (0.7, 0.565), (0.75, 0.772), (0.8, 0.924), (0.85, 0.988)],
)
def test_probabilities_of_a_link_are_those_of_fineweb(card: str, similarity: float, probability: float) -> None:
    """FineWeb's paper has 56 %, 77 %, 92 % and 98.8 % for the last four."""
    assert link_probability(similarity, 14, 8) == pytest.approx(probability, abs=5e-4)
    assert f"| {similarity:.2f} | {probability:.3f} |" in card


def test_the_table_follows_the_settings(tally: CorpusTally) -> None:
    card = card_from(manifest_of(tally, DEDUP | {"bands": 1, "rows": 1}), tally)
    assert "| 0.75 | 0.750 |" in card


def test_the_front_matter_has_a_configuration_for_each_language(card: str) -> None:
    found = front(card)
    assert found["language"] == ["en", "no"]  # Norwegian, not false; Portuguese has no documents
    assert found["configs"] == [
        {"config_name": name, "data_files": [{"split": "train", "path": f"data/{folder}/*.parquet"}]}
        for name, folder in (("default", "*"), ("en", "en"), ("no", "no"))
    ]
    assert (found["pretty_name"], found["license"], found["size_categories"]) == ("mine corpus", "other", ["n<1K"])
    assert "- 'no'\n" in card and "- config_name: 'no'\n" in card


@pytest.mark.parametrize(
    ("languages", "codes"),
    [
        (["en", "en"], ["en"]),
        (["por_Latn", "pt-BR", "zh"], ["por", "pt", "zh"]),
        (["klingon", "EN", "x"], None),  # no codes
        (["und"], None),
        (["on", "y", "null", "off"], ["off", "on"]),
    ],
)
def test_languages_are_codes(languages: list[str], codes: list[str] | None) -> None:
    tally = tally_of([row(number, language) for number, language in enumerate(languages)])
    found = front(card_from(manifest_of(tally), tally))
    assert found.get("language") == codes
    assert [config["config_name"] for config in found["configs"]] == ["default", *sorted(set(languages))]


@pytest.mark.parametrize(
    ("rows", "category"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (9_999, "1K<n<10K"),
        (10_000, "10K<n<100K"),
        (10**6, "1M<n<10M"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_size_categories(rows: int, category: str) -> None:
    assert size_category(rows) == category


@pytest.mark.parametrize(("dump", "crawl"), [("CC-MAIN-2026-10", True), ("CC-NEWS", False), ("", False)])
def test_common_crawls_terms_are_told_of_its_pages(dump: str, crawl: bool) -> None:
    tally = tally_of([row(1, "en", dump)])
    card = card_from(manifest_of(tally), tally)
    assert ("license_link" in front(card), "common-crawl" in front(card)["tags"]) == (crawl, crawl)
    assert card.count("https://commoncrawl.org/terms-of-use") == 2 * crawl


def test_an_empty_corpus_has_a_card() -> None:
    tally = CorpusTally()
    card = card_from(replace(manifest_of(tally, PII, DEDUP), files=(), source=[]), tally)
    assert [config["config_name"] for config in front(card)["configs"]] == ["default"]
    assert "language" not in front(card)
    assert "deduplicated: 0 documents, 0 characters." in card
    assert "| all | 0 | 0 | 0\u00a0B |" in card
    assert "| **in the corpus** | **0** |  | – of the first |" in card


def test_of_many_crawls_the_largest_are_told() -> None:
    tally = tally_of([row(number, "en", f"crawl {number:03}") for number in range(DUMPS_SHOWN + 7)])
    card = card_from(manifest_of(tally), tally)
    assert card.count("| `crawl ") == DUMPS_SHOWN
    assert "and 7 more." in card


def test_the_same_corpus_has_the_same_card(tally: CorpusTally, card: str) -> None:
    """Whatever order its parts were merged in."""
    parts = [tally_of([row(3, "en")]), tally_of([row(1, "no")]), tally_of([row(2, "no", "CC-MAIN-2026-14")])]
    cards = set()
    for ordered in (parts, parts[::-1]):
        whole = CorpusTally()
        for part in ordered:
            whole.merge(part)
        cards.add(card_from(manifest_of(whole, DEDUP), whole, ORIGINS))
    assert len(cards) == 1
    assert card_from(manifest_of(tally, LINES, PII, DEDUP), tally, ORIGINS) == card


@pytest.fixture
def hostile_card() -> str:
    """Hostile in every name that comes from outside."""
    tally = tally_of([row(1, HOSTILE, HOSTILE)])
    tally.add_spans([HOSTILE], row(1, HOSTILE), {})
    steps = [DEDUP, {"step": HOSTILE, HOSTILE: HOSTILE}]
    manifest = manifest_of(tally, *steps, name=HOSTILE, tokenizer={"name": HOSTILE, "sha256": HOSTILE})
    source = [{"path": HOSTILE, "dataset_hash": HOSTILE, "documents": 1}]
    curated = replace(CURATED, settings={"recipe": {"name": HOSTILE, "steps": steps}}, versions={HOSTILE: HOSTILE})
    origins = [Origin(HOSTILE, curated, (Stage(HOSTILE, 1, 0),))]
    return card_from(replace(manifest, source=source, dataset_hash=HOSTILE), tally, origins)


def test_hostile_names_stay_in_their_cells(hostile_card: str) -> None:
    found = tables(hostile_card)
    assert len(found) == 8
    for rows in found:
        assert {len(line) for line in rows} == {len(rows[0])}
    assert not set("\x00\r\u202e\ud800\u2028") & set(hostile_card)
    hostile_card.encode()


def test_hostile_names_are_no_markup(hostile_card: str) -> None:
    _, _, body = hostile_card.split("---\n", 2)
    outside = re.sub(r"```.*?```|`[^`\n]+`", "", body, flags=re.DOTALL)  # what is no code
    assert "<" not in outside
    assert "`" not in outside
    assert [line for line in body.splitlines() if line.startswith("# ")] == [f"# {code(HOSTILE)} corpus"]
    assert "# head" not in body.splitlines() and "---" not in body.splitlines()
    [python] = re.findall(r"```python\n(.*?)```", body, re.DOTALL)
    compile(python, "card", "exec")


def test_hostile_names_are_yaml_strings(hostile_card: str) -> None:
    found = front(hostile_card)
    assert set(found) == {
        *("pretty_name", "license", "license_name", "task_categories", "size_categories", "tags", "configs"),
    }
    shown = "".join(map(visible, HOSTILE))
    assert found["pretty_name"] == f"{shown} corpus"
    assert [config["config_name"] for config in found["configs"]] == ["default", shown]
    assert "<script>alert(1)</script> `x` a|b" in shown


@pytest.mark.parametrize(
    "text", ["no", "", "a: b", "'", '"', "\\", "\\n", "# x", "- x", "é", "%", "@x", "!x", "1.0", "~"]
)
def test_any_text_is_a_yaml_string(text: str) -> None:
    found = front(front_matter(text, CorpusTally(), [text]))
    assert found["pretty_name"] == f"{text} corpus"
    assert found["configs"][1] == {
        "config_name": text,
        "data_files": [{"split": "train", "path": f"data/{text}/*.parquet"}],
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("name", "`name`"),
        (14, "`14`"),
        ("", "` `"),
        (" \n ", "`␊`"),
        ("a`b", "`a'b`"),
        ("a|b", "`a\\|b`"),
        ("a\\|b", "`a\\ \\|b`"),
        ("a\\b", "`a\\b`"),
        ("<b>", "`<b>`"),
        ("a\nb\x00", "`a␊b␀`"),
        ("x" * VALUE_CHARS, "`" + "x" * VALUE_CHARS + "`"),
        ("x" * (VALUE_CHARS + 1), "`" + "x" * VALUE_CHARS + "…`"),
    ],
)
def test_code(value: object, shown: str) -> None:
    assert code(value) == shown
    assert len(cells(f"| {shown} | next |")) == 2


def test_numbers_stand_to_the_right(card: str) -> None:
    assert "| Language | Documents | Characters | Parquet |\n| --- | ---: | ---: | ---: |\n| `no` Norw" in card
