"""Claim: `bateia shard` writes tokens of the same documents with less CPU time than datatrove's DocumentTokenizer and
Dolma's `dolma tokens`, by the same tokenizer.json, and plans the training too.

    python -m benchmarks.tokens.shard_vs_peers --documents DIR --datatrove datatrove/bin/python --dolma dolma/bin/python
        --out

DIR is an output of `bateia curate`. Its documents are varied, three words in ten replaced by others of the same
documents: words repeat more than on the web, which helps an encoder that remembers. The last table is of made-up text
of 100,000 words by Zipf's law, whose words hardly repeat. A tokenizer of 32,768 tokens is trained on the documents
first, which is not measured. Measured are tokens per CPU second, of all processes of one worker, start-up included.

Ours also writes a table of documents and a shuffled plan. datatrove's documents are not shuffled; Dolma's are, within
files. Dolma reads gzipped JSON lines, which are written for it and not measured. Its tokenizers library is too old for
our SentencePiece vocabulary, so it takes part with byte-level BPE, whose file is put into the older form. Ours counts
one BOS a document, datatrove and Dolma one EOS, so the totals must be equal.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.dataset as ds

from benchmarks.generated.documents import distinct_texts, varied, write_documents
from benchmarks.harness import Benchmark, cost_table, note, positive, take_turns
from benchmarks.inputs import add_documents_option, documents_folder, texts
from benchmarks.peers.installed import DATATROVE, DOLMA
from benchmarks.process_cost import Cost, bateia, measure
from schemas.shards.layout import read_shards

PEER = Path(__file__).parents[1] / "peers" / "datatrove_tokens.py"
BPE = "bpe-gpt4"
REPLACED = 0.3  # share of words that are others in each copy
TOKEN_BYTES = 2  # of uint16, which all three write for these vocabularies
DOLMA_EOS = 2


@dataclass(frozen=True)
class Run:
    """One finished run. tokens: the mark of each document included. size: bytes written."""

    cost: Cost
    tokens: int
    size: int

    def __str__(self) -> str:
        return str(self.cost)


def write_json_lines(documents: Path, folder: Path) -> None:
    """The documents as Dolma reads them."""
    folder.mkdir()
    rows = ds.dataset(documents / "data", format="parquet").to_table(columns=["id", "text"]).to_pylist()
    with gzip.open(folder / "documents.jsonl.gz", "wt", compresslevel=1) as file:
        for row in rows:
            file.write(json.dumps({"id": row["id"], "text": row["text"], "source": "benchmark"}) + "\n")


def write_older_form(file: Path, older: Path) -> None:
    """The same tokenizer for Dolma's older tokenizers library, whose merges are strings."""
    rules = json.loads(file.read_text())
    rules["model"]["merges"] = [" ".join(pair) for pair in rules["model"]["merges"]]
    older.write_text(json.dumps(rules))


def run(command: list[str], output: Path, log: Path) -> Run:
    """Run a command whose output is written anew."""
    shutil.rmtree(output, ignore_errors=True)
    cost = measure(command, log)
    files = [path for path in output.rglob("*") if path.is_file() and path.suffix != ".json"]
    size = sum(path.stat().st_size for path in files)
    if (output / "manifest.json").exists():
        counts = read_shards(str(output)).counts
        return Run(cost, counts["train"]["tokens"] + counts["val"]["tokens"], size)
    tokens = sum(path.stat().st_size // TOKEN_BYTES for path in files if path.suffix in (".ds", ".npy"))
    return Run(cost, tokens, size)


def commands(
    documents: Path, algorithm: str, args: argparse.Namespace, scratch: Path
) -> dict[str, tuple[list[str], Path]]:
    """Command and output of each side, once a tokenizer is trained."""
    tokenizer, file = scratch / "tokenizer", scratch / "tokenizer" / "tokenizer.json"
    train = bateia("tokenizer", "train", "--input", documents, "--output", tokenizer, "--algorithm", algorithm)
    measure([*train, "--vocab-size", str(args.vocab_size)], scratch / "log.txt")
    outputs = {name: scratch / name for name in ("bateia", "datatrove", "dolma")}
    ours = bateia("shard", "--input", documents, "--output", outputs["bateia"], "--tokenizer", file, "--quiet")
    datatrove = [args.datatrove, PEER, "--input", documents / "data", "--output", outputs["datatrove"]]
    sides = {
        "`bateia shard`": (ours, outputs["bateia"]),
        "datatrove": ([*map(str, datatrove), "--tokenizer", str(file)], outputs["datatrove"]),
    }
    if args.dolma and algorithm == BPE:
        lines, older = scratch / "lines", scratch / "older.json"
        write_json_lines(documents, lines)
        write_older_form(file, older)
        command = [args.dolma.parent / "dolma", "tokens", "--documents", f"{lines}/*.jsonl.gz"]
        command += ["--destination", outputs["dolma"], "--tokenizer.name_or_path", older]
        command += ["--tokenizer.eos_token_id", DOLMA_EOS, "--processes", 1, "--dtype", "uint16"]
        sides["Dolma"] = (list(map(str, command)), outputs["dolma"])
    return sides


def section(
    title: str, source: Iterator[str], algorithm: str, args: argparse.Namespace, scratch: Path
) -> Iterator[str]:
    """One kind of documents and one algorithm: every side's tokens, CPU and bytes written."""
    scratch.mkdir()
    count = write_documents(scratch / "documents", source)
    note(f"{title}: {count:,} documents, {algorithm}")
    sides: dict[str, Callable[[], Run]] = {
        name: lambda command=command, output=output: run(command, output, scratch / "log.txt")
        for name, (command, output) in commands(scratch / "documents", algorithm, args, scratch).items()
    }
    runs = take_turns(sides, args.rounds)
    firsts = [rounds[0] for rounds in runs.values()]
    speeds = (rounds[0].tokens / min(run.cost.cpu_s for run in rounds) for rounds in runs.values())
    more = {
        "tokens": [f"{run.tokens:,}" for run in firsts],
        "tokens a CPU second": [f"{speed:,.0f}" for speed in speeds],
        "written MB": [f"{run.size / 1e6:.1f}" for run in firsts],
    }
    yield f"## {title}: {count:,} documents, {algorithm}\n"
    yield cost_table({name: [run.cost for run in rounds] for name, rounds in runs.items()}, count, "document", more)
    shutil.rmtree(scratch)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    sources = texts(documents_folder(args, scratch))
    for number, (title, algorithm) in enumerate((("Real texts, varied", "sentencepiece"), ("The same", BPE))):
        yield from section(title, varied(sources, args.copies, REPLACED), algorithm, args, scratch / f"varied-{number}")
    yield from section("New words", distinct_texts(len(sources) * args.copies), BPE, args, scratch / "new-words")


def add_options(parser: argparse.ArgumentParser) -> None:
    add_documents_option(parser)
    parser.add_argument("--copies", type=positive, default=20, help="of each document (20)")
    parser.add_argument("--vocab-size", type=positive, default=32768, metavar="N", help="tokens (32,768)")


BENCHMARK = Benchmark(
    __file__,
    "`bateia shard`, datatrove's DocumentTokenizer and Dolma's tokens",
    __doc__,
    compare,
    add_options,
    rounds=2,
    quick={"copies": 1, "vocab_size": 2000},
    packages=("tokenizers", "sentencepiece", "tiktoken", "apache-beam"),
    peers=(DATATROVE,),
    optional_peers=(DOLMA,),
)

if __name__ == "__main__":
    BENCHMARK.main()
