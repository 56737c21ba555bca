"""`bateia dedup` on the sample and on made-up documents: who stays, what is told, the same bytes whatever happens."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.recipes.tiny import TINY
from pipelines.sample.build import SampleIndex
from schemas.corpus import CLUSTER_SCHEMA, PII_SCHEMA, VERIFIED_CLUSTER_SCHEMA, corpus_schema, signature_schema
from schemas.manifest import hash_dataset
from support.command import Call, Ended
from support.forked import forked_workers
from support.outputs import digests, manifest_of, rows_of
from transforms import run_units
from transforms.dedup.runs import WriteRuns
from transforms.packed import Pack

Make = Callable[..., Path]
Row = dict[str, Any]

WORDS = [
    a + b + c for a in ("ba", "ke", "ri", "so", "tu", "ma") for b in "lnrst" for c in ("a", "ed", "in", "on", "us")
]


def ids(output: Path) -> set[str]:
    return {row["id"] for row in rows_of(output, "data")}


def text_of(draw: random.Random, words: int = 80) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words))


def copy_of(text: str, draw: random.Random) -> str:
    """Nearly the same text: its last word is another."""
    return f"{text.rpartition(' ')[0]} {draw.choice(WORDS)}x"


def recipe_file(folder: Path, corpus: str) -> str:
    path = folder / "recipe.py"
    path.write_text(
        "from pipelines.recipes.tiny import TINY\n"
        "from transforms.steps.recipe import CorpusRecipe\n"
        "from transforms.steps.dedup.settings import Deduplicate\n"
        "from transforms.steps.pii.scrub import ScrubPii\n"
        "from transforms.steps.dedup.repeated_lines import DropRepeatedLines\n"
        f"OWN = TINY.vary({corpus}, name='own')\n"
    )
    return f"{path}:OWN"


@pytest.fixture(scope="module")
def dedup(bateia: Call) -> Callable[..., Ended]:
    """Deduplicates a directory, or several, into another; fails the test if it does not end well."""

    def run(inputs: Path | list[Path], output: Path, *options: object) -> Ended:
        given = inputs if isinstance(inputs, list) else [inputs]
        ended = bateia("dedup", "--input", *given, "--output", output, "--quiet", *options)
        assert ended.returncode == 0, ended.stderr
        return ended

    return run


@pytest.fixture(scope="module")
def families(make_documents: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 documents in two languages, of which about half are copies, in files of 50."""
    draw, rows = random.Random(7), []
    while len(rows) < 400:
        text, language = text_of(draw), draw.choice(["en", "pt"])
        for number in range(draw.choice([1, 1, 1, 2, 3, 6])):
            told = copy_of(text, draw) if number and draw.random() < 0.7 else text
            rows.append({"id": f"d{draw.random():.15f}", "text": told, "language": language})
    draw.shuffle(rows)
    return make_documents(tmp_path_factory.mktemp("families") / "documents", rows)


# --- What becomes of the sample ---------------------------------------------------------------------------------------


def test_copies_go_and_what_they_copy_stays(sample: SampleIndex, documents: Path, corpus: Path) -> None:
    given, kept = {row["url"] for row in rows_of(documents, "data")}, {row["url"] for row in rows_of(corpus, "data")}
    copies = {page["url"]: page for page in sample.pages if page["kind"] in ("near_copy", "exact_copy")}
    assert len(given & set(copies)) > 10
    clusters: dict[str, set[str]] = {}
    for row in rows_of(corpus, "clusters"):
        clusters.setdefault(row["cluster_id"], set()).add(row["url"])
    expected = {frozenset({url, page["copy_of"]}) for url, page in copies.items()}
    assert all(any(pair <= cluster for cluster in clusters.values()) for pair in expected)
    assert given - kept <= {url for pair in expected for url in pair}
    assert {len(cluster & kept) for cluster in clusters.values()} == {1}


def test_the_numbers_add_up(documents: Path, corpus: Path) -> None:
    counts, clusters = manifest_of(corpus).counts, rows_of(corpus, "clusters")
    removed = [row for row in clusters if row["match"]]
    assert counts["read"] == len(rows_of(documents, "data"))
    assert counts["kept"] == len(rows_of(corpus, "data"))
    assert counts["read"] == counts["kept"] + counts["removed_exact"] + counts["removed_near"]
    assert Counter(row["match"] for row in removed) == {
        "exact": counts["removed_exact"],
        "near": counts["removed_near"],
    }
    assert counts["removed_exact"] > 0 < counts["removed_near"]
    assert counts["clusters"] == len({row["cluster_id"] for row in clusters}) == len(clusters) - len(removed)


def test_each_removed_document_has_one_surviving_mate(documents: Path, corpus: Path) -> None:
    kept, given = {row["id"]: row for row in rows_of(corpus, "data")}, {row["id"] for row in rows_of(documents, "data")}
    clusters = rows_of(corpus, "clusters")
    sizes = Counter(row["cluster_id"] for row in clusters)
    removed = {row["id"] for row in clusters if row["match"]}
    assert removed == given - set(kept)
    for row in clusters:
        survivor = kept[row["survivor_id"]]
        told = ("cluster_id", "cluster_size")
        assert survivor["url"] == row["survivor_url"] and [survivor[key] for key in told] == [row[key] for key in told]
        assert row["cluster_size"] == sizes[row["cluster_id"]]
    alone = set(kept) - {row["id"] for row in clusters}
    assert {(kept[name]["cluster_id"], kept[name]["cluster_size"]) for name in alone} == {(None, 1)}


def test_personal_data_is_gone_and_its_places_are_told(sample: SampleIndex, documents: Path, corpus: Path) -> None:
    before = {row["id"]: row["text"] for row in rows_of(documents, "data")}
    after = {row["id"]: row["text"] for row in rows_of(corpus, "data")}
    spans = rows_of(corpus, "pii")
    assert {row["id"] for row in spans} <= set(after)
    values = {(row["type"], before[row["id"]][row["start"] : row["end"]]) for row in spans}
    for page in sample.pages:
        for value in page.get("personal", {}).get("email", ()):
            assert any(value in text for text in before.values())
            assert ("EMAIL_ADDRESS", value) in values
            assert not any(value in text for text in after.values())
    files = b"".join(path.read_bytes() for path in corpus.glob("pii/*/*.parquet"))
    assert not any(value.encode() in files for _, value in values)
    assert any("<EMAIL_ADDRESS>" in text for text in after.values())


@pytest.mark.slow
def test_titles_come_along_without_personal_data(
    make_documents: Make, dedup: Callable[..., Ended], tmp_path: Path
) -> None:
    titles = {"plain": "Gold in the river", "personal": "Write to maria@site.org", "none": None}
    rows = [{"id": name, "text": f"About {name} and nothing else.", "title": title} for name, title in titles.items()]
    dedup(make_documents(tmp_path / "documents", rows), tmp_path / "corpus")
    found = {row["id"]: row["title"] for row in rows_of(tmp_path / "corpus", "data")}
    assert found == titles | {"personal": "Write to <EMAIL_ADDRESS>"}


def test_files_have_their_schemas_and_are_all_named(corpus: Path) -> None:
    manifest = manifest_of(corpus)
    schemas = {
        "data": corpus_schema(measures=TINY.curate.measures),
        "clusters": CLUSTER_SCHEMA,
        "signatures": signature_schema(14),
        "pii": PII_SCHEMA,
    }
    for file in manifest.files:
        path = corpus / file.path
        found = pq.read_schema(path).remove_metadata()
        assert found == schemas[file.path.partition("/")[0]], file.path
        assert (file.bytes, file.sha256) == (path.stat().st_size, sha256(path.read_bytes()).hexdigest())
        assert pq.ParquetFile(path).metadata.num_rows == file.rows
    named = {file.path for file in manifest.files} | {"README.md", "manifest.json", "run.json"}
    present = {str(path.relative_to(corpus)) for path in corpus.rglob("*") if path.is_file()}
    assert present == named | {"report.json", "report.html"}
    assert manifest.dataset_hash == hash_dataset(manifest.files)


def test_its_lineage_leads_to_the_warc_files(sample: SampleIndex, documents: Path, corpus: Path) -> None:
    [source] = manifest_of(corpus).source
    assert source["path"] == str(documents)
    assert (source["stage"], source["dataset_hash"]) == ("curate", manifest_of(documents).dataset_hash)
    assert [Path(file["path"]).name for file in source["source"]] == [path.name for path in sample.warc_files]


def test_duckdb_reads_it(corpus: Path) -> None:
    asked = f"select count(*) from '{corpus}/data/*/*.parquet' where cluster_size > 1"
    [(found,)] = duckdb.connect().execute(asked).fetchall()
    assert found == manifest_of(corpus).counts["clusters"]


@pytest.mark.slow
def test_hugging_faces_datasets_reads_it(corpus: Path, tmp_path: Path) -> None:
    """By the card: everything is one configuration, and so is each language; clusters/ and pii/ are none."""
    script = (
        "import sys, json; from datasets import load_dataset, get_dataset_config_names; folder = sys.argv[1]\n"
        "names = get_dataset_config_names(folder)\n"
        "print(json.dumps({name: list(load_dataset(folder, name, split='train')['id']) for name in names}))"
    )
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    ended = subprocess.run([sys.executable, "-c", script, corpus], env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    loaded = {name: set(found) for name, found in json.loads(ended.stdout.splitlines()[-1]).items()}
    assert loaded.pop("default") == ids(corpus) == set().union(*loaded.values())
    assert set(loaded) == {path.name for path in corpus.glob("data/*")}


# --- The same bytes ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(families: Path, dedup: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed") / "o"
    dedup(families, output)
    counts = manifest_of(output).counts
    assert counts["removed_exact"] > 20 < counts["removed_near"]
    return output


@pytest.mark.slow
@pytest.mark.engine
def test_two_workers_give_the_same_bytes(families: Path, undisturbed: Path, dedup: Call, tmp_path: Path) -> None:
    # Parts of a few kilobytes and partitions of a few hundred rows, so that every phase has several of each.
    with small_parts(), forked_workers() as begun:
        dedup(families, tmp_path / "one")
        assert not begun
        dedup(families, tmp_path / "two", "--workers", 2)
        assert len(begun) == 2 * 5  # two for each phase
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert len(list(tmp_path.glob("one/data/*/*.parquet"))) >= 6 < len(list(tmp_path.glob("one/clusters/*"))) + 4
    assert ids(tmp_path / "one") == ids(undisturbed)  # however the work is cut


@contextmanager
def small_parts() -> Iterator[None]:
    cut = mock.patch("pipelines.stages.dedup.plan.MIN_PART_BYTES", 20_000)
    partitions = mock.patch.multiple("pipelines.stages.dedup.run", PARTITION_BYTES=16_000, MEMBERS_PER_PARTITION=100)
    with cut, partitions:
        yield


@pytest.mark.slow
def test_the_order_of_inputs_means_nothing(make_documents: Make, dedup: Call, tmp_path: Path) -> None:
    draw = random.Random(3)
    texts = [text_of(draw) for _ in range(60)]
    for name in "abc":
        rows = [{"id": f"{name}{number:03}", "text": copy_of(text, draw)} for number, text in enumerate(texts)]
        make_documents(tmp_path / name, draw.sample(rows, 40), rows_per_file=20)
    given = [tmp_path / name for name in "abc"]
    dedup(given, tmp_path / "forward")
    dedup(given[::-1], tmp_path / "backward")
    assert digests(tmp_path / "forward") == digests(tmp_path / "backward")


@pytest.mark.slow
def test_doing_it_again_removes_nothing(undisturbed: Path, corpus: Path, dedup: Call, tmp_path: Path) -> None:
    for number, first in enumerate((undisturbed, corpus)):
        again = tmp_path / str(number)
        dedup(first, again)
        texts = [{row["id"]: row["text"] for row in rows_of(output, "data")} for output in (first, again)]
        assert texts[0] == texts[1]
        assert rows_of(again, "pii") == rows_of(again, "clusters") == []


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["match", "choose", "rewrite", "audit", "finish"])
def test_a_run_that_failed_goes_on(
    families: Path, undisturbed: Path, bateia: Call, dedup: Call, tmp_path: Path, phase: str
) -> None:
    with mock.patch(f"pipelines.stages.dedup.run.{phase}", side_effect=OSError(28, "No space left on device")):
        ended = bateia("dedup", "--input", families, "--output", tmp_path / "o", "--quiet")
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr
    assert "The same command goes on from there." in ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()
    with mock.patch("transforms.dedup.corpus.SignDocuments.run", side_effect=AssertionError("signed again")):
        dedup(families, tmp_path / "o")
    assert digests(tmp_path / "o") == digests(undisturbed)


# --- Verified ---------------------------------------------------------------------------------------------------------

VERIFIED = "Deduplicate(scope='all', keep='longest', verify='contained')"
CHAIN = 60  # documents, each of which shares 88 of its 100 words with the next


@pytest.fixture(scope="module")
def chained(make_documents: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of documents that are unlike, 80 that are copies, and 30 that are a quarter of a document of 20 lines.

    All of these end in the same line.
    """
    draw, rows = random.Random(11), []
    long = text_of(draw, 12 * CHAIN + 100).split(" ")
    rows += [{"id": f"chain{n:03}", "text": " ".join(long[12 * n : 12 * n + 100])} for n in range(CHAIN)]
    for number in range(40):
        text = text_of(draw, 120)
        rows += [{"id": f"exact{number:03}", "text": text}, {"id": f"exact{number:03}-copy", "text": text.upper()}]
        text = text_of(draw, 120)
        shorter = copy_of(text, draw).rpartition(" ")[0]
        rows += [{"id": f"near{number:03}", "text": text}, {"id": f"near{number:03}-copy", "text": shorter}]
    for number in range(100, 130):
        lines, notice = (
            [text_of(draw, 16) for _ in range(20)],
            "this site keeps what you told it in what it calls a cookie",
        )
        start = draw.randrange(15)
        told = {"": lines, "-copy": lines[start : start + 5]}
        rows += [{"id": f"near{number}{name}", "text": "\n".join([*each, notice])} for name, each in told.items()]
    draw.shuffle(rows)
    return make_documents(tmp_path_factory.mktemp("chained") / "documents", rows)


@pytest.fixture(scope="module")
def verifying(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("verifying")
    return recipe_file(folder, f"CorpusRecipe(dedup={VERIFIED})")


@pytest.fixture(scope="module")
def verified(chained: Path, verifying: str, dedup: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("verified") / "o"
    with small_parts():
        dedup(chained, output, "--recipe", verifying)
    return output


@pytest.mark.slow
def test_verified_only_what_another_contains_goes(verified: Path, chained: Path) -> None:
    texts, kept = {row["id"]: row["text"] for row in rows_of(chained, "data")}, ids(verified)
    assert kept == {name for name in texts if not name.endswith("-copy")}
    clusters = {row["id"]: row for row in rows_of(verified, "clusters")}
    for name in texts.keys() - kept:
        row = clusters[name]
        assert row["survivor_id"] == row["compared_id"] == name.removesuffix("-copy")
        assert row["contained"] > 0.95 and row["match"] == name[: -len("000-copy")]
    unlike = [row for row in clusters.values() if row["match"] is None and row["contained"] is not None]
    assert len(unlike) > CHAIN // 2  # the rest of the chain no band links
    for row in unlike:
        assert 0.5 < row["contained"] < 0.9 and row["compared_id"].startswith("chain") and row["cluster_id"] is None
    counts = manifest_of(verified).counts
    assert (counts["removed_exact"], counts["removed_near"], counts["unlike"]) == (40, 70, len(unlike))
    assert counts["clusters"] == 110 == sum(row["cluster_size"] == 2 for row in rows_of(verified, "data"))


@pytest.mark.slow
def test_verified_documents_are_explained_with_their_share(verified: Path, bateia: Call) -> None:
    stays = next(row for row in rows_of(verified, "clusters") if row["match"] is None and row["contained"])
    told = f"{stays['contained']:.1%} of its words stand in {stays['compared_url']}, too few to go"
    for url, expected in (
        (stays["url"], told),
        ("https://near000-copy.example/", "near duplicate of https://near000.example/, which has 100.0% of its words"),
        (
            "https://exact000-copy.example/",
            "exact duplicate of https://exact000.example/, which has 100.0% of its words",
        ),
    ):
        assert expected in bateia("explain", url, "--in", verified).stdout


@pytest.mark.slow
def test_verified_files_have_their_schemas(verified: Path) -> None:
    schemas = {"clusters": VERIFIED_CLUSTER_SCHEMA, "signatures": signature_schema(14, lines=True)}
    for file in manifest_of(verified).files:
        if (schema := schemas.get(file.path.partition("/")[0])) is not None:
            assert pq.read_schema(verified / file.path).remove_metadata() == schema


@pytest.mark.slow
def test_without_verifying_a_chain_is_one_cluster(chained: Path, dedup: Call, tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path, f"CorpusRecipe(dedup={VERIFIED.replace('contained', 'none')})")
    dedup(chained, tmp_path / "o", "--recipe", recipe)
    assert sum(name.startswith("chain") for name in ids(tmp_path / "o")) < CHAIN // 3
    assert "contained" not in rows_of(tmp_path / "o", "clusters")[0]


@pytest.mark.slow
@pytest.mark.engine
def test_verified_by_two_workers_it_is_the_same_bytes(
    chained: Path, verified: Path, verifying: str, dedup: Call, tmp_path: Path
) -> None:
    with small_parts(), mock.patch("transforms.dedup.runs.SPILL_BYTES", 5_000), forked_workers() as begun:
        dedup(chained, tmp_path / "o", "--recipe", verifying, "--workers", 2)
    assert len(begun) == 2 * 7  # two for each phase
    assert digests(tmp_path / "o") == digests(verified)
    assert len(list(tmp_path.glob("o/data/*/*.parquet"))) >= 3 <= len(list(tmp_path.glob("o/clusters/*")))


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["stages.dedup.run.choose", "stages.dedup.run.audit"])
def test_verified_a_run_that_failed_goes_on(
    chained: Path, verified: Path, verifying: str, bateia: Call, dedup: Call, tmp_path: Path, phase: str
) -> None:
    with small_parts():
        with mock.patch(f"pipelines.{phase}", side_effect=OSError(28, "No space left on device")):
            ended = bateia("dedup", "--input", chained, "--output", tmp_path / "o", "--recipe", verifying, "--quiet")
        assert ended.returncode == 1
        with mock.patch("transforms.dedup.runs.WriteRuns.run", side_effect=AssertionError("read again")):
            dedup(chained, tmp_path / "o", "--recipe", verifying)
    assert digests(tmp_path / "o") == digests(verified)


@pytest.mark.slow
def test_verified_by_tasks_of_an_array_it_is_the_same_bytes(
    chained: Path, verified: Path, verifying: str, dedup: Call, tmp_path: Path
) -> None:
    with small_parts():
        for step in (["--part", "2/2"], ["--part", "1/2"], ["--finish"], ["--part", "1/2"], ["--part", "2/2"]):
            dedup(chained, tmp_path / "o", "--recipe", verifying, *step)
        assert not (tmp_path / "o" / "manifest.json").exists()
        dedup(chained, tmp_path / "o", "--recipe", verifying, "--finish")
    assert digests(tmp_path / "o") == digests(verified)


def loses(label: str) -> Any:
    """Pack, which loses the rows of one shuffle's bundles."""
    finish = Pack.finish_bundle

    def finish_bundle(self: Pack) -> Iterator[Any]:
        return iter(()) if self._label == label else finish(self)

    return mock.patch.object(Pack, "finish_bundle", finish_bundle)


def skips_texts() -> Any:
    def run_unit(work: Any, records: Any, unit: Any) -> Any:
        return None if isinstance(work, WriteRuns) else run(work, records, unit)

    run = run_units.run_unit
    return mock.patch.object(run_units, "run_unit", run_unit)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lost", "told"),
    [
        (lambda: loses("LineKeys"), "phase match: the runner lost data (LineKeys: "),
        (lambda: loses("Texts"), "phase list texts: the runner lost data (Texts: "),
        (skips_texts, "phase read texts: the runner ended with "),
    ],
)
def test_verified_what_a_phase_loses_fails_the_run(
    chained: Path, verifying: str, bateia: Call, tmp_path: Path, lost: Callable[[], Any], told: str
) -> None:
    with lost():
        ended = bateia("dedup", "--input", chained, "--output", tmp_path / "o", "--recipe", verifying, "--quiet")
    assert ended.returncode == 1 and told in ended.stderr, ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()


@pytest.mark.slow
def test_verified_again_nothing_goes(verified: Path, verifying: str, dedup: Call, tmp_path: Path) -> None:
    dedup(verified, tmp_path / "o", "--recipe", verifying)
    assert ids(tmp_path / "o") == ids(verified)
    assert not any(row["match"] for row in rows_of(tmp_path / "o", "clusters"))


@pytest.mark.slow
def test_verified_against_an_earlier_corpus_its_texts_are_compared(
    chained: Path, verified: Path, verifying: str, bateia: Call, make_documents: Make, dedup: Call, tmp_path: Path
) -> None:
    rows = rows_of(chained, "data")
    new = [
        {"id": f"new-{row['id']}", "text": row["text"].rpartition(" ")[0]} for row in rows if row["id"] in ids(verified)
    ]
    new.append({"id": "longer", "text": f"{rows[0]['text']} {text_of(random.Random(3), 15)}"})
    make_documents(tmp_path / "new", new)
    earlier = tmp_path / "earlier"
    shutil.copytree(verified, earlier)
    dedup(tmp_path / "new", tmp_path / "o", "--recipe", verifying, "--against", earlier)
    assert ids(tmp_path / "o") == {"longer"}
    removed = [row for row in rows_of(tmp_path / "o", "clusters") if row["match"]]
    assert {(row["match"], row["earlier"], row["contained"]) for row in removed} == {("near", True, 1.0)}
    assert {row["survivor_id"] for row in removed} <= ids(verified)
    shutil.rmtree(earlier / "data")
    ended = bateia(
        "dedup", "--input", tmp_path / "new", "--output", tmp_path / "p", "--recipe", verifying, "--against", earlier
    )
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1
    assert "reads the texts of earlier corpora; bring it back" in ended.stderr


@pytest.mark.slow
def test_verified_a_duplicate_that_was_not_compared_fails_the_run(
    chained: Path, verifying: str, bateia: Call, tmp_path: Path
) -> None:
    """The audit knows a document that stays beside one whose band it has, though it was never compared."""
    command = ("dedup", "--input", chained, "--output", tmp_path / "o", "--recipe", verifying, "--quiet")
    with mock.patch("transforms.steps.dedup.verified.Cluster.candidates", lambda *_: []):
        ended = bateia(*command)
    assert ended.returncode == 1
    assert "kept documents still have a duplicate" in ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()


# --- Earlier corpora --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crawls(make_documents: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two crawls with copies in each and between them, a text of one repeated nearly in the other."""
    folder, draw = tmp_path_factory.mktemp("crawls"), random.Random(5)
    texts = [text_of(draw) for _ in range(200)]
    for dump in ("CC-MAIN-2025-51", "CC-MAIN-2026-04"):
        rows = []
        for _ in range(300):
            text = draw.choice(texts)
            told = draw.choice([text, copy_of(text, draw), text_of(draw)])
            rows.append({"id": f"{draw.random():.12f}", "text": told, "dump": dump})
        make_documents(folder / dump, rows)
    return folder / "CC-MAIN-2025-51", folder / "CC-MAIN-2026-04"


@pytest.mark.slow
def test_a_crawl_against_an_earlier_corpus_adds_what_both_together_would(
    crawls: tuple[Path, Path], dedup: Call, tmp_path: Path
) -> None:
    everything = recipe_file(tmp_path, "CorpusRecipe(dedup=Deduplicate(scope='all', keep='first'))")
    first, second = crawls
    dedup(first, tmp_path / "a", "--recipe", everything)
    dedup([first, second], tmp_path / "joint", "--recipe", everything)
    shutil.rmtree(tmp_path / "a" / "data")  # signatures are enough
    ended = dedup(second, tmp_path / "b", "--recipe", everything, "--against", tmp_path / "a")

    a = {row["id"] for row in rows_of(tmp_path / "a", "signatures") if row["kept"]}
    b, joint = ids(tmp_path / "b"), ids(tmp_path / "joint")
    old = {row["id"] for row in rows_of(first, "data")}
    assert a | b == joint  # the earlier dump survives, so joint clustering keeps A's survivors too
    assert b == joint - old
    removed = [row for row in rows_of(tmp_path / "b", "clusters") if row["match"]]
    earlier = [row for row in removed if row["earlier"]]
    assert len(earlier) > 20 < len([row for row in removed if not row["earlier"]])
    assert {row["first_seen_dump"] for row in earlier} == {"CC-MAIN-2025-51"}
    assert {row["survivor_id"] for row in earlier} <= a
    assert manifest_of(tmp_path / "b").counts["removed_earlier"] == len(earlier)
    assert f"{len(earlier)} of these for an earlier corpus" in ended.stdout


@pytest.mark.slow
def test_a_third_crawl_needs_all_that_the_second_was_matched_with(
    crawls: tuple[Path, Path], bateia: Call, dedup: Call, make_documents: Make, tmp_path: Path
) -> None:
    first, second = crawls
    third = make_documents(tmp_path / "third", [{**row, "id": f"x{row['id']}"} for row in rows_of(second, "data")[:50]])
    dedup(first, tmp_path / "a")
    dedup(second, tmp_path / "b", "--against", tmp_path / "a")
    ended = bateia("dedup", "--input", third, "--output", tmp_path / "c", "--against", tmp_path / "b")
    assert ended.returncode == 2
    assert "give --against that corpus too" in ended.stderr
    dedup(third, tmp_path / "c", "--against", tmp_path / "b", "--against", tmp_path / "a")
    counts = manifest_of(tmp_path / "c").counts
    assert (counts["kept"], counts["removed_earlier"]) == (0, 50)


@pytest.mark.slow
def test_a_recipe_by_dump_is_widened_and_says_so(crawls: tuple[Path, Path], dedup: Call, tmp_path: Path) -> None:
    first, second = crawls
    dedup(first, tmp_path / "a")
    ended = dedup(second, tmp_path / "b", "--against", tmp_path / "a")
    assert "with --against all are compared" in ended.stderr
    assert manifest_of(tmp_path / "b").counts["removed_earlier"] > 30


# --- Scopes and choices -----------------------------------------------------------------------------------------------

SAME = "the pan that washes gold out of the gravel of the river is called a bateia"
SAMES = [
    {"id": "en1", "text": SAME, "language": "en", "dump": "d1"},
    {"id": "en2", "text": SAME, "language": "en", "dump": "d2"},
    {"id": "pt2", "text": SAME, "language": "pt", "dump": "d2"},
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "corpus, kept",
    [
        ("CorpusRecipe()", {"en1", "en2"}),
        ("CorpusRecipe(dedup=Deduplicate(scope='language'))", {"en1", "pt2"}),
        ("CorpusRecipe(dedup=Deduplicate(scope='all', keep='first'))", {"en1"}),
        ("CorpusRecipe(dedup=None)", {"en1", "en2", "pt2"}),
    ],
)
def test_scopes(make_documents: Make, dedup: Call, tmp_path: Path, corpus: str, kept: set[str]) -> None:
    make_documents(tmp_path / "i", SAMES)
    dedup(tmp_path / "i", tmp_path / "o", "--recipe", recipe_file(tmp_path, corpus))
    assert ids(tmp_path / "o") == kept
    assert {row["cluster_size"] for row in rows_of(tmp_path / "o", "data")} == {3 - len(kept) + 1} | (
        {1} if len(kept) == 2 else set()
    )


@pytest.mark.slow
@pytest.mark.parametrize("keep, kept", [("first", "b"), ("longest", "a")])
def test_who_stays(make_documents: Make, dedup: Call, tmp_path: Path, keep: str, kept: str) -> None:
    text = text_of(random.Random(1), 200)
    rows = [("a", "d2", text + " and more"), ("b", "d1", text), ("c", "d2", text)]
    make_documents(tmp_path / "i", [{"id": name, "dump": dump, "text": told} for name, dump, told in rows])
    recipe = recipe_file(tmp_path, f"CorpusRecipe(dedup=Deduplicate(scope='all', keep='{keep}'))")
    dedup(tmp_path / "i", tmp_path / "o", "--recipe", recipe)
    assert ids(tmp_path / "o") == {kept}
    assert {(row["cluster_id"], row["first_seen_dump"]) for row in rows_of(tmp_path / "o", "clusters")} == {("b", "d1")}


@pytest.mark.slow
def test_rehydration_weights_are_a_column(make_documents: Make, dedup: Call, tmp_path: Path) -> None:
    make_documents(tmp_path / "i", [{"id": f"{number}", "text": SAME} for number in range(4)])
    dedup(
        tmp_path / "i",
        tmp_path / "o",
        "--recipe",
        recipe_file(tmp_path, "CorpusRecipe(dedup=Deduplicate(rehydrate=True))"),
    )
    [row] = rows_of(tmp_path / "o", "data")
    assert (row["cluster_size"], row["rehydration_weight"]) == (4, 3)


@pytest.mark.slow
def test_lines_that_a_document_repeats_go(make_documents: Make, dedup: Call, tmp_path: Path) -> None:
    line = "This line is a menu that stands twice."
    make_documents(tmp_path / "i", [{"id": "a", "text": f"{line}\n{SAME}\n{line}\nThe end of it all."}])
    dedup(tmp_path / "i", tmp_path / "o", "--recipe", recipe_file(tmp_path, "CorpusRecipe(lines=DropRepeatedLines())"))
    [row] = rows_of(tmp_path / "o", "data")
    assert row["text"] == f"{line}\n{SAME}\nThe end of it all."
    assert json.loads((tmp_path / "o" / "report.json").read_text())["counts"]["lines_removed"] == 1


@pytest.mark.slow
def test_short_texts_are_compared_by_equality_alone(make_documents: Make, dedup: Call, tmp_path: Path) -> None:
    texts = ["one two three four", "One  two\nthree four", "one two three five", "", " "]
    make_documents(tmp_path / "i", [{"id": f"{number}", "text": text} for number, text in enumerate(texts)])
    dedup(tmp_path / "i", tmp_path / "o")
    assert ids(tmp_path / "o") == {"0", "2", "3"}


@pytest.mark.slow
def test_a_tokenizer_fills_token_count(corpus: Path, documents: Path, dedup: Call, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    dedup(documents, tmp_path / "o", "--tokenizer", tmp_path / "tokenizer.json")
    rows = rows_of(tmp_path / "o", "data")
    assert [row["token_count"] for row in rows] == [len(row["text"].split()) for row in rows]
    assert manifest_of(tmp_path / "o").counts["tokens"] == sum(row["token_count"] for row in rows)
    assert {row["token_count"] for row in rows_of(corpus, "data")} == {None}
    assert manifest_of(corpus).counts["tokens"] is None


@pytest.mark.slow
def test_no_documents_make_an_empty_corpus(make_documents: Make, dedup: Call, tmp_path: Path) -> None:
    make_documents(tmp_path / "i", [])
    ended = dedup(tmp_path / "i", tmp_path / "o")
    assert ended.stdout.startswith("0 documents read = 0 kept")
    assert manifest_of(tmp_path / "o").files == ()


# --- Refusals ---------------------------------------------------------------------------------------------------------


def test_bad_input_is_one_line_and_nothing_is_written(
    documents: Path, corpus: Path, make_documents: Make, bateia: Call, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("dear")
    changed = make_documents(tmp_path / "changed", SAMES)
    next(changed.glob("data/en/*")).write_bytes(b"")
    (tmp_path / "tokenizer.json").write_text("no JSON")
    off = recipe_file(tmp_path, "CorpusRecipe(dedup=None)")
    (tmp_path / "x").mkdir()
    bands = recipe_file(tmp_path / "x", "CorpusRecipe(dedup=Deduplicate(bands=20))")
    (tmp_path / "y").mkdir()
    by_language = recipe_file(tmp_path / "y", "CorpusRecipe(dedup=Deduplicate(scope='language'))")
    output = tmp_path / "o"
    for given, told in (
        (("--input", tmp_path / "nothing"), "nothing does not exist; check the path"),
        (("--input", foreign), "has no manifest.json"),
        (("--input", documents, documents), "hold the same dataset; give it once"),
        (("--input", changed), "is missing or was changed"),
        (("--input", changed, "--recipe", "none-such"), "none-such"),
        (("--input", documents, "--tokenizer", tmp_path / "none.json"), "does not exist; give a tokenizer.json"),
        (("--input", documents, "--tokenizer", tmp_path / "tokenizer.json"), "is no tokenizer.json"),
        (("--input", documents, "--against", documents), "was written by stage 'curate'"),
        (("--input", documents, "--recipe", off, "--against", corpus), "does not deduplicate, so --against"),
        (("--input", documents, "--recipe", bands, "--against", corpus), "has signatures of other settings"),
        (("--input", documents, "--recipe", by_language, "--against", corpus), "can't be matched by language"),
        (("--input", documents, "--output", foreign), "holds other files, such as"),
        (("--input", corpus, "--output", corpus, "--overwrite"), "overlaps the input"),
        (("--input", documents, "--output", documents / "corpus"), "overlaps the input"),
        (("--input", documents, "--against", corpus, "--output", corpus.parent, "--overwrite"), "overlaps the input"),
        (("--input", documents, "--output", corpus), "is finished; choose another --output"),
    ):
        ended = bateia("dedup", "--output", output, *given)
        assert ended.returncode == 2, (given, ended.stderr)
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert told in ended.stderr
        assert not output.exists() or not list(output.iterdir())
    assert [path.name for path in foreign.iterdir()] == ["letter.txt"]


@pytest.mark.slow
def test_an_unfinished_run_is_resumed_by_the_same_command_alone(
    documents: Path, bateia: Call, dedup: Call, tmp_path: Path
) -> None:
    with mock.patch("pipelines.stages.dedup.run.choose", side_effect=OSError("gone")):
        bateia("dedup", "--input", documents, "--output", tmp_path / "o", "--quiet")
    ended = bateia("dedup", "--input", documents, "--output", tmp_path / "o", "--recipe", "fineweb", "--quiet")
    assert ended.returncode == 2
    assert "holds an unfinished run with another settings" in ended.stderr.replace("recipe", "settings")
    dedup(documents, tmp_path / "o", "--recipe", "fineweb", "--overwrite")


@pytest.mark.slow
def test_overwriting_leaves_nothing_of_the_old(
    corpus: Path, documents: Path, make_documents: Make, dedup: Call, tmp_path: Path
) -> None:
    make_documents(tmp_path / "i", [{"id": f"{number}", "text": SAME, "language": "de"} for number in range(3)])
    dedup(tmp_path / "i", tmp_path / "o")
    (tmp_path / "o" / "notes.txt").write_text("mine")
    dedup(documents, tmp_path / "o", "--overwrite")
    (tmp_path / "o" / "notes.txt").unlink()
    assert digests(tmp_path / "o") == digests(corpus)


@pytest.mark.slow
def test_an_absurd_share_of_duplicates_stops_the_run(
    make_documents: Make, bateia: Call, dedup: Call, tmp_path: Path
) -> None:
    make_documents(tmp_path / "i", [{"id": f"{number}", "text": SAME} for number in range(250)])
    ended = bateia("dedup", "--input", tmp_path / "i", "--output", tmp_path / "o", "--quiet")
    assert ended.returncode == 1
    assert "249 of 250 documents would be removed, more than the recipe's 95%" in ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()
    ended = dedup(tmp_path / "i", tmp_path / "o", "--no-guard")
    assert len(ids(tmp_path / "o")) == 1
    assert "went as duplicates" not in ended.stdout  # of 250 hosts


@pytest.mark.slow
def test_a_host_that_loses_nearly_all_is_told(make_documents: Make, dedup: Call, tmp_path: Path) -> None:
    draw = random.Random(2)
    rows = [{"id": f"a{number:03}", "text": SAME, "url": f"https://mirror.org/{number}"} for number in range(120)]
    rows += [{"id": f"b{number:03}", "text": text_of(draw), "url": f"https://b.org/{number}"} for number in range(60)]
    make_documents(tmp_path / "i", rows)
    ended = dedup(tmp_path / "i", tmp_path / "o")
    told = "Of 120 documents of mirror.org 119 went as duplicates; look at them in clusters/."
    assert told in ended.stdout and "b.org" not in ended.stdout
    assert told in json.loads((tmp_path / "o" / "report.json").read_text())["faults"]


def all_different(exact: np.ndarray, bands: np.ndarray, salts: np.ndarray) -> np.ndarray:
    """Keys by which no documents meet."""
    count = exact.size + bands.size
    return np.random.default_rng(int(exact[0] % 1000)).integers(0, 1 << 60, count, np.uint64).reshape(len(exact), -1)


@pytest.mark.slow
def test_a_duplicate_that_was_kept_fails_the_run(families: Path, bateia: Call, tmp_path: Path) -> None:
    """The audit looks at what was written, not at what was meant."""
    command = ("dedup", "--input", families, "--output", tmp_path / "o", "--quiet")
    with (
        mock.patch("transforms.dedup.components.keys", all_different),
        mock.patch("pipelines.stages.dedup.run.audit", side_effect=OSError("late")),
    ):
        assert bateia(*command).returncode == 1
    ended = bateia(*command)
    assert ended.returncode == 1
    assert "kept documents still have a duplicate" in ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()
