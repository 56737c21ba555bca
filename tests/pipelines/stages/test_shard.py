"""`bateia shard` and `bateia plan` on the sample's corpus: every token accounted for, the same bytes, refusals."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer as Library

from schemas.shards.layout import ShardsInfo, docs_path, plan_folder, read_plan, read_shards, shard_number, tokens_path
from support.command import Call
from support.forked import forked_workers
from support.outputs import digests
from transforms.steps.tokens.tokenizer import load_tokenizer

OPTIONS = ("--vocab-size", 2000, "--context", 64, "--val-fraction", 0.2, "--quiet")


def texts_of(folder: Path) -> dict[str, str]:
    tables = [pq.ParquetFile(path).read(["id", "text"]) for path in sorted(folder.glob("data/*/*.parquet"))]
    return {row["id"]: row["text"] for table in tables for row in table.to_pylist()}


def documents_of(shards: Path, split: str) -> list[dict[str, Any]]:
    """Rows of docs-*.parquet with the tokens that they name."""
    info, found = read_shards(str(shards)), []
    for path in sorted((shards / split).glob("docs-*.parquet")):
        number = shard_number(str(path))
        tokens = np.fromfile(tokens_path(str(shards), split, number), info.dtype)
        rows = pq.ParquetFile(path).read().to_pylist()
        assert sum(row["length"] for row in rows) == len(tokens)
        found += [
            row | {"shard": number, "tokens": tokens[row["start"] : row["start"] + row["length"]]} for row in rows
        ]
    return found


def rows_of(info: ShardsInfo, plan: str, path: str | None = None) -> list[np.ndarray]:
    """The tokens of each row of a plan, or of one of its validation slices."""
    split = "val" if path else "train"
    files = [path] if path else [file for file, _, _ in read_plan(info, plan).parts]
    found: dict[int, list[np.ndarray]] = {}
    for file in files:
        for span in pq.read_table(f"{plan_folder(info.folder, plan)}/{file}").to_pylist():
            tokens = np.fromfile(tokens_path(info.folder, split, span["shard"]), info.dtype)
            pieces = found.setdefault(span["row"], [])
            assert len(pieces) == span["slot"]
            pieces.append(tokens[span["start"] : span["start"] + span["length"]])
    assert list(found) == list(range(len(found)))
    return [np.concatenate(pieces) for pieces in found.values()]


@pytest.fixture(scope="module")
def shard(corpus: Path, bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Shards the sample's corpus with options; gives the folder."""

    def run(*options: object, source: Path = corpus) -> Path:
        output = tmp_path_factory.mktemp("shards") / "o"
        ended = bateia("shard", "--input", source, "--output", output, *OPTIONS, *options)
        assert ended.returncode == 0, ended.stderr
        return output

    return run


@pytest.fixture(scope="module")
def shards(shard: Callable[..., Path]) -> Path:
    return shard()


@pytest.mark.slow
def test_every_document_is_there_and_gives_its_text_back(shards: Path, corpus: Path) -> None:
    info, texts = read_shards(str(shards)), texts_of(corpus)
    tokenizer = load_tokenizer(str(shards / "tokenizer"))
    documents = [row for split in ("train", "val") for row in documents_of(shards, split)]
    assert sorted(row["doc_id"] for row in documents) == sorted(texts)
    for row in documents:
        assert row["tokens"][0] == info.bos_id and info.bos_id not in row["tokens"][1:]
        assert tokenizer.decode(row["tokens"].tolist()) == texts[row["doc_id"]]
        assert row["bytes"] == len(texts[row["doc_id"]].encode())


def test_totals_equal_those_of_independent_encoders(shards: Path, corpus: Path) -> None:
    model: Any = SentencePieceProcessor()
    model.Load(str(shards / "tokenizer" / "tokenizer.model"))
    library = Library.from_file(str(shards / "tokenizer" / "tokenizer.json"))
    texts = list(texts_of(corpus).values())
    theirs = [sum(len(model.encode(text)) for text in texts) + len(texts)]
    theirs += [sum(len(library.encode(text).ids) for text in texts)]  # it puts BOS first by itself
    counts = read_shards(str(shards)).counts
    assert {counts["train"]["tokens"] + counts["val"]["tokens"]} == set(theirs)
    assert counts["train"]["documents"] + counts["val"]["documents"] == len(texts)


def test_documents_say_where_they_come_from(shards: Path, corpus: Path) -> None:
    tables = [pq.ParquetFile(path).read() for path in corpus.glob("data/*/*.parquet")]
    given = {row["id"]: row for table in tables for row in table.to_pylist()}
    for row in documents_of(shards, "train"):
        source = given[row["doc_id"]]
        assert row["warc_file"] == source["file_path"]
        names = ("url", "warc_offset", "dump", "language", "language_score", "cluster_id")
        assert [row[name] for name in names] == [source[name] for name in names]


@pytest.mark.slow
def test_quality_values_come_along_where_there_are_any(shard: Callable[..., Path], documents: Path) -> None:
    output = shard(source=documents)
    rows = documents_of(output, "train")
    assert rows and all(row["quality"] for row in rows)


def test_the_plan_holds_every_training_token_once_in_rows_of_context_and_one(shards: Path) -> None:
    info = read_shards(str(shards))
    plan, rows = read_plan(info, "main"), rows_of(info, "main")
    assert (len(rows), plan.row_tokens, plan.context) == (plan.rows, 65, 64)
    assert {len(row) for row in rows[:-1]} == {65}
    documents = documents_of(shards, "train")
    assert plan.tokens == sum(map(len, rows)) == info.counts["train"]["tokens"]
    assert sum(row.tolist().count(info.bos_id) for row in rows) == len(documents)
    expected = Counter(np.concatenate([row["tokens"] for row in documents]).tolist())
    assert Counter(np.concatenate(rows).tolist()) == expected


@pytest.mark.slow
def test_seeds_and_contexts_are_new_plans_over_the_same_tokens(shards: Path, bateia: Call) -> None:
    before = digests(shards)
    for name, options in (("other", ("--seed", 2)), ("long", ("--context", 500)), ("again", ("--seed", 1))):
        ended = bateia("plan", "--shards", shards, "--name", name, "--context", 64, *options)
        assert ended.returncode == 0, ended.stderr
    after = digests(shards)
    assert {name: digest for name, digest in after.items() if name in before} == before
    assert after["plan/again/rows-00000.parquet"] == before["plan/main/rows-00000.parquet"]
    assert after["plan/other/rows-00000.parquet"] != before["plan/main/rows-00000.parquet"]
    ended = bateia("plan", "--shards", shards, "--name", "other", "--context", 64, "--seed", 2)
    assert (ended.returncode, "is finished" in ended.stdout) == (0, True)
    ended = bateia("plan", "--shards", shards, "--name", "other", "--context", 65)
    assert ended.returncode == 2 and "choose another --name, or --overwrite" in ended.stderr
    assert digests(shards) == after
    assert bateia("plan", "--shards", shards, "--name", "other", "--context", 65, "--overwrite").returncode == 0
    assert read_plan(read_shards(str(shards)), "other").context == 65


@pytest.mark.slow
def test_copies_of_a_text_are_on_one_side(make_documents: Callable[..., Path], shard: Callable[..., Path]) -> None:
    texts = [f"This is the text of story number {number}, told again and again by everyone. " for number in range(60)]
    rows = [{"id": f"{copy}-{at}", "text": text * 3} for copy in range(5) for at, text in enumerate(texts)]
    folder = make_documents(shard().parent / "documents", rows)
    output = shard("--vocab-size", 350, source=folder)
    sides: dict[str, set[str]] = {}
    for split in ("train", "val"):
        for row in documents_of(output, split):
            sides.setdefault(row["doc_id"].split("-")[1], set()).add(split)
    assert {len(side) for side in sides.values()} == {1}
    assert 3 < sum(side == {"val"} for side in sides.values()) < 25


def test_slices_of_validation_hold_their_documents(shards: Path) -> None:
    info = read_shards(str(shards))
    plan = read_plan(info, "main")
    documents = documents_of(shards, "val")
    languages = {row["language"] for row in documents}
    assert set(plan.slices) == {"all", *(f"language-{name}" for name in languages)} == set(info.slices)
    for name, count in plan.slices.items():
        chosen = [row for row in documents if name in ("all", f"language-{row['language']}")]
        rows = rows_of(info, "main", f"val/{name}.parquet")
        assert len(rows) == count
        expected = Counter(np.concatenate([row["tokens"] for row in chosen]).tolist())
        assert Counter(np.concatenate(rows).tolist()) == expected
        assert info.slices[name]["documents"] == len(chosen)


def test_a_mixture_repeats_and_leaves_out(shards: Path, bateia: Call) -> None:
    command = ("plan", "--shards", shards, "--name", "mixed", "--context", 64, "--mixture", "en=1", "pt=1")
    assert bateia(*command, "--tokens", 200_000).returncode == 0
    info = read_shards(str(shards))
    owner = {(row["shard"], row["start"]): (row["language"], row["length"]) for row in documents_of(shards, "train")}
    seen: Counter[str] = Counter()
    for file, _, _ in read_plan(info, "mixed").parts:
        for span in pq.read_table(f"{shards}/plan/mixed/{file}").to_pylist():
            start = max(start for number, start in owner if number == span["shard"] and start <= span["start"])
            seen[owner[span["shard"], start][0]] += span["length"]
    assert set(seen) == {"en", "pt"}
    assert abs(seen["en"] / seen["pt"] - 1) < 0.1 and abs(sum(seen.values()) / 200_000 - 1) < 0.05


@pytest.mark.slow
def test_best_fit_begins_every_row_with_a_document(shards: Path, bateia: Call) -> None:
    command = ("plan", "--shards", shards, "--name", "fit", "--context", 1500, "--packing", "bos_bestfit")
    assert bateia(*command).returncode == 0
    info = read_shards(str(shards))
    rows = rows_of(info, "fit")
    assert all(row[0] == info.bos_id for row in rows)
    plan = read_plan(info, "fit")
    manifest = json.loads((shards / "plan" / "fit" / "manifest.json").read_text())
    assert plan.tokens + manifest["counts"]["cut"] == info.counts["train"]["tokens"]
    assert sum(row.tolist().count(info.bos_id) for row in rows) == info.counts["train"]["documents"]


@pytest.mark.engine
def test_two_workers_give_the_same_bytes(shard: Callable[..., Path]) -> None:
    with forked_workers() as begun:
        assert digests(shard("--workers", 2)) == digests(shard())
    assert len(begun) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer.model", ""])
def test_ones_own_tokenizer_gives_the_same_tokens(shards: Path, shard: Callable[..., Path], name: str) -> None:
    output = shard("--tokenizer", shards / "tokenizer" / name)
    assert {row["doc_id"]: row["tokens"].tolist() for row in documents_of(output, "train")} == {
        row["doc_id"]: row["tokens"].tolist() for row in documents_of(shards, "train")
    }
    ours, given = read_shards(str(output)), read_shards(str(shards))
    assert (ours.tokenizer_sha256, ours.layout_hash) == (given.tokenizer_sha256, given.layout_hash)
    lengths = [np.load(folder / "tokenizer" / "token_bytes.npy").tolist() for folder in (output, shards)]
    assert lengths[0] == lengths[1]


@pytest.mark.slow
def test_a_large_vocabulary_takes_four_bytes(shards: Path, shard: Callable[..., Path], tmp_path: Path) -> None:
    vocabulary = json.loads((shards / "tokenizer" / "tokenizer.json").read_text())
    size = len(vocabulary["model"]["vocab"])
    vocabulary["model"]["vocab"] |= {f"unused {number}": number for number in range(size, 70_000)}
    (tmp_path / "tokenizer.json").write_text(json.dumps(vocabulary))
    output = shard("--tokenizer", tmp_path / "tokenizer.json", "--vocab-size", 70_000)
    assert read_shards(str(output)).dtype == np.dtype("<u4")
    assert [row["tokens"].tolist() for row in documents_of(output, "train")] == [
        row["tokens"].tolist() for row in documents_of(shards, "train")
    ]


def test_formats_of_a_given_tokenizer_must_agree(shards: Path, corpus: Path, bateia: Call, tmp_path: Path) -> None:
    shutil.copytree(shards / "tokenizer", tmp_path / "t")
    rules = json.loads((tmp_path / "t" / "tokenizer.json").read_text())
    rules["model"]["merges"] = rules["model"]["merges"][:100]
    (tmp_path / "t" / "tokenizer.json").write_text(json.dumps(rules))
    given = ("--tokenizer", tmp_path / "t", "--context", 64, "--quiet")
    ended = bateia("shard", "--input", corpus, "--output", tmp_path / "o", *given)
    assert ended.returncode == 2 and "differ on" in ended.stderr
    assert not list((tmp_path / "o").iterdir())


def test_text_that_is_no_utf8_ends_the_run(shards: Path, corpus: Path, bateia: Call, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "c")
    path = sorted((tmp_path / "c").glob("data/en/*.parquet"))[0]
    table = pq.ParquetFile(path).read()
    texts = [text.encode() for text in table["text"].to_pylist()]
    texts[3] = b"caf\xe9 " * 30
    broken = pa.array(texts, pa.binary()).view(pa.string())
    pq.write_table(table.set_column(0, "text", broken), path)
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text())
    for file in manifest["files"]:
        file["bytes"] = (tmp_path / "c" / file["path"]).stat().st_size
    (tmp_path / "c" / "manifest.json").write_text(json.dumps(manifest))
    own = ("--tokenizer", shards / "tokenizer" / "tokenizer.json")
    for number, options in enumerate(((), own)):  # met in training the tokenizer, and in encoding
        ended = bateia("shard", "--input", tmp_path / "c", "--output", tmp_path / str(number), *OPTIONS, *options)
        assert ended.returncode in (1, 2) and "no UTF-8" in ended.stderr and str(path) in ended.stderr
        assert not (tmp_path / str(number) / "manifest.json").exists()


@pytest.mark.slow
def test_refusals(shards: Path, corpus: Path, bateia: Call, tmp_path: Path) -> None:
    tokenizer = shards / "tokenizer" / "tokenizer.json"
    for options, said in (
        (("--context", 0), "context is a number above 0, not 0"),
        (("--val-fraction", 1), "from 0 to below 1"),
        (("--vocab-size", 900_000), "take at most"),
        (("--tokenizer", tokenizer, "--vocab-size", 500), "has 2,000 tokens, not --vocab-size 500"),
        (("--tokenizer", tmp_path / "none.json"), "does not exist"),
        (("--tokenizer", tokenizer, "--bos-token", "<x>"), "has no special token <x>; name one"),
        (("--mixture", "fi=1"), "--mixture: there are no documents in fi; there are "),
        (("--mixture", "en=0"), "above 0"),
        (("--epochs", 0), "epochs is a number above 0, not 0"),
        (("--input", tmp_path / "none"), "does not exist; check the path"),
        (("--input", shards), "was written by stage 'shard'; give an output of `bateia curate` or `bateia dedup`"),
        (("--output", corpus / "x"), "overlaps the input"),
    ):
        ended = bateia("shard", "--input", corpus, "--output", tmp_path / "o", *OPTIONS, *options)
        assert ended.returncode == 2, (options, ended.stderr)
        [line] = [line for line in ended.stderr.splitlines() if line.startswith("bateia")]
        assert said in line, line
        assert not (tmp_path / "o").exists() or not list((tmp_path / "o").iterdir()), options


@pytest.mark.slow
def test_a_plan_of_other_shards_is_refused(shards: Path, shard: Callable[..., Path], bateia: Call) -> None:
    other = shard("--seed", 5)
    shutil.copytree(shards / "plan" / "main", other / "plan" / "foreign")
    with pytest.raises(ValueError, match=r"of tokens of another tokenizer|of other shards"):
        read_plan(read_shards(str(other)), "foreign")
    with pytest.raises(ValueError, match=r"has no manifest\.json"):
        read_plan(read_shards(str(other)), "none")
    ended = bateia("plan", "--shards", other.parent, "--name", "x")
    assert ended.returncode == 2 and "has no manifest.json" in ended.stderr
    for name in ("../x", "", ".hidden"):
        ended = bateia("plan", "--shards", other, "--name", name)
        assert ended.returncode == 2 and "is no name for a plan" in ended.stderr


@pytest.mark.slow
def test_numbers_that_do_not_add_up_end_the_run(corpus: Path, bateia: Call, tmp_path: Path) -> None:
    with mock.patch("transforms.plan.cut_rows", side_effect=lambda spans, *rest: cut_short(spans, *rest)):
        ended = bateia("shard", "--input", corpus, "--output", tmp_path / "o", *OPTIONS)
    assert ended.returncode == 1 and "do not add up" in ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()


def cut_short(spans: np.ndarray, *rest: int) -> np.ndarray:
    from transforms.steps.tokens.pack import cut_rows

    return cut_rows(spans, *rest)[:-1]


def test_the_report_is_a_page_without_foreign_markup(shards: Path) -> None:
    page = (shards / "report.html").read_text()
    assert "<script" not in page and "Content-Security-Policy" in page and "first rows" in page
    assert docs_path("a", "val", 3) == "a/val/docs-00003.parquet"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--context", 100_000), "of the plan will be padding, for there are"),
        (("--context", 16, "--packing", "bos_bestfit"), "of the tokens will be left out: most documents are longer"),
        (("--context", 64, "--epochs", 17), "documents are seen 17 times each"),
        (("--context", 64, "--mixture", "pt=200", "--tokens", 100_000), "documents of pt are seen "),
    ],
)
def test_what_looks_like_a_slip_is_said_before_the_work(
    shards: Path, bateia: Call, options: tuple[object, ...], told: str
) -> None:
    name = f"slip-{options[1]}-{len(options)}"
    ended = bateia("plan", "--shards", shards, "--name", name, *options, "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert told in ended.stderr.partition("note: ")[2]


def test_a_plan_as_most_are_is_made_without_a_note(shards: Path, bateia: Call) -> None:
    ended = bateia("plan", "--shards", shards, "--name", "plain", "--context", 64, "--quiet")
    assert ended.returncode == 0 and ended.stderr == ""
