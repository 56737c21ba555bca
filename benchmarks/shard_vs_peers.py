"""Claim: `bateia shard` writes tokens of the same documents with less CPU time than datatrove's DocumentTokenizer and
Dolma's `dolma tokens`, by the same tokenizer.json, and plans the training too.

    python3 -m venv peer && peer/bin/pip install 'datatrove[processing,io]==0.10.1'
    python3 -m venv dolma && dolma/bin/pip install dolma
    python -m benchmarks.shard_vs_peers --documents DIR --peer-python peer/bin/python [--dolma dolma/bin/dolma]
        [--copies 20] [--rounds 2] [--out FILE]

DIR is an output of `bateia curate`. Its documents are looped, three words in ten replaced by others of the same
documents, so words repeat more than on the web, which helps an encoder that remembers; `new words` is made-up text of
100,000 words by Zipf's law. A tokenizer of 32,768 tokens is trained on it first and not counted. One worker each;
CPU time is that of all processes, start-up included, the smallest of the rounds. Ours also writes a table of documents
and a shuffled plan; datatrove's documents are not shuffled, Dolma's are (it shuffles within files), and Dolma reads
gzipped JSON lines, which are written for it and not counted. Its tokenizers library is too old for our SentencePiece
vocabulary, so it takes part with byte-level BPE, whose file is put into the older form for it. Tokens: ours count one
BOS a document, datatrove and Dolma one EOS, so the totals must be equal.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.dataset as ds

from benchmarks.dedup_scale import distinct
from benchmarks.generated_documents import write_documents
from benchmarks.process_cost import Cost, machine, measure
from schemas.shards import read_shards

PEER = Path(__file__).parent / "peers" / "datatrove_tokens.py"
VOCABULARY = 32768
WITH_DOLMA, MADE_UP = "the same", "new words"
_WORD = re.compile(r"\w+")


@dataclass
class Side:
    """costs: of each round. size: bytes written. tokens: one for each document's mark included."""

    costs: list[Cost]
    size: int
    tokens: int

    @property
    def cpu_s(self) -> float:
        return min(cost.cpu_s for cost in self.costs)


def looped(texts: list[str], copies: int) -> Iterator[str]:
    draw = random.Random(1)
    words = [word for text in texts for word in _WORD.findall(text)]
    for text in texts * copies:
        yield _WORD.sub(lambda match: draw.choice(words) if draw.random() < 0.3 else match[0], text)


def write_json_lines(documents: Path, folder: Path) -> None:
    """The documents as Dolma reads them."""
    folder.mkdir()
    rows = ds.dataset(documents / "data", format="parquet").to_table(columns=["id", "text"]).to_pylist()
    with gzip.open(folder / "documents.jsonl.gz", "wt", compresslevel=1) as file:
        for row in rows:
            file.write(json.dumps({"id": row["id"], "text": row["text"], "source": "benchmark"}) + "\n")


def in_older_form(file: Path, older: Path) -> Path:
    """The same tokenizer for Dolma's older tokenizers library, whose merges are strings."""
    rules = json.loads(file.read_text())
    rules["model"]["merges"] = [" ".join(pair) for pair in rules["model"]["merges"]]
    older.write_text(json.dumps(rules))
    return older


def ours(documents: Path, tokenizer: Path, output: Path) -> tuple[list[str], Path]:
    command = [sys.executable, "-m", "pipelines", "shard", "--input", str(documents), "--output", str(output)]
    return [*command, "--tokenizer", str(tokenizer), "--quiet"], output


def datatrove(python: str, documents: Path, tokenizer: Path, output: Path) -> tuple[list[str], Path]:
    command = [python, str(PEER), "--input", str(documents / "data"), "--output", str(output)]
    return [*command, "--tokenizer", str(tokenizer)], output


def dolma(program: str, lines: Path, tokenizer: Path, output: Path, eos: int) -> tuple[list[str], Path]:
    command = [program, "tokens", "--documents", f"{lines}/*.jsonl.gz", "--destination", str(output)]
    settings = ["--tokenizer.name_or_path", str(tokenizer), "--tokenizer.eos_token_id", str(eos)]
    return [*command, *settings, "--processes", "1", "--dtype", "uint16"], output


def run(command: list[str], output: Path, rounds: int, scratch: Path) -> Side:
    """Measure the command; its output is written anew in every round."""
    import shutil

    costs = []
    for _ in range(rounds):
        shutil.rmtree(output, ignore_errors=True)
        costs.append(measure(command, scratch / "log.txt"))
    files = [path for path in output.rglob("*") if path.is_file() and not path.name.endswith(".json")]
    tokens = sum(path.stat().st_size // 2 for path in files if path.suffix in (".bin", ".ds", ".npy"))
    return Side(costs, sum(path.stat().st_size for path in files), tokens)


def compare(documents: Path, algorithm: str, args: argparse.Namespace, scratch: Path) -> dict[str, Side]:
    tokenizer = scratch / "tokenizer"
    train = [sys.executable, "-m", "pipelines", "tokenizer", "train", "--input", str(documents)]
    train += ["--output", str(tokenizer), "--algorithm", algorithm, "--vocab-size", str(VOCABULARY)]
    measure(train, scratch / "log.txt")
    file = tokenizer / "tokenizer.json"
    commands = {
        "bateia shard": ours(documents, file, scratch / "ours"),
        "datatrove": datatrove(args.peer_python, documents, file, scratch / "datatrove"),
    }
    if args.dolma and algorithm == "bpe-gpt4":
        write_json_lines(documents, scratch / "lines")
        older = in_older_form(file, scratch / "older.json")
        commands["dolma"] = dolma(args.dolma, scratch / "lines", older, scratch / "dolma", eos=2)
    sides = {name: run(command, output, args.rounds, scratch) for name, (command, output) in commands.items()}
    counts = read_shards(str(scratch / "ours")).counts
    sides["bateia shard"].tokens = counts["train"]["tokens"] + counts["val"]["tokens"]
    return sides


def table(title: str, sides: dict[str, Side]) -> Iterator[str]:
    first = next(iter(sides.values()))
    yield f"\n## {title}\n"
    yield "| | tokens | CPU s | tokens a CPU second | CPU, of ours | wall s | written MB | peak MiB |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for name, side in sides.items():
        best = min(side.costs, key=lambda cost: cost.cpu_s)
        yield (
            f"| {name} | {side.tokens:,} | {side.cpu_s:.1f} | {side.tokens / side.cpu_s:,.0f} | "
            f"{side.cpu_s / first.cpu_s:.2f} | {best.wall_s:.1f} | {side.size / 1e6:.1f} | {best.tree_mb:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", required=True, type=Path)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--dolma")
    parser.add_argument("--copies", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    lines = [f"# `bateia shard`, datatrove's DocumentTokenizer and Dolma's tokens, {date.today()}\n", f"{machine()}."]
    texts = ds.dataset(args.documents / "data", format="parquet").to_table(columns=["text"])["text"].to_pylist()
    for made, algorithm in (("real texts, looped", "sentencepiece"), (WITH_DOLMA, "bpe-gpt4"), (MADE_UP, "bpe-gpt4")):
        source = distinct(len(texts) * args.copies) if made == MADE_UP else looped(texts, args.copies)
        with tempfile.TemporaryDirectory() as scratch:
            documents = Path(scratch) / "documents"
            count = write_documents(documents, source)
            sides = compare(documents, algorithm, args, Path(scratch))
            lines += table(f"{made}: {count:,} documents, {algorithm}", sides)
    told = "\n".join(lines) + "\n"
    print(told)
    if args.out:
        args.out.write_text(told)


if __name__ == "__main__":
    main()
