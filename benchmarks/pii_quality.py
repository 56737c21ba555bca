"""Question: how much personal data do the recognisers find and miss, beside Presidio's own and datatrove's?

    python -m benchmarks.pii_quality [--seed 1] [--documents DIR] [--peer-python VENV/bin/python] [--show N]

Makes sentences in English and Portuguese, half each, from templates with values of random digits (check digits, where
a type has them, are right), and as hard negatives sentences with numbers that only look like personal data. A find
counts if it has the true span's type and covers at least half of it; any other find is false. Precision depends on how
many hard negatives there are, so compare columns rather than take it for the precision on the web. Private, reserved
and documentation addresses count as nobody's, which Presidio doesn't claim. Our recognisers were mended once after a
look at what they missed in these templates, so the other columns have not had the same help.

Presidio runs with its default recognisers of these types, in English, on a blank spaCy model whose lemmas are the words
in lower case (peers/presidio_pii.py); it has no Brazilian recognisers. datatrove looks for e-mail and IPv4 only.
With --documents (of `bateia curate`) also the CPU time per document and how many spans of each type are found there.
--show prints that many finds of these documents in context, to be judged by eye, and nothing else. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.pii_sentences import TYPES, Label, Sentence, sentences
from benchmarks.process_cost import machine

SHARE = 0.5  # of a true span that a find must cover
ROUNDS = 3


class Score(NamedTuple):
    """true and false finds, and labels that no find covers."""

    true: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.true / (self.true + self.false) if self.true + self.false else 0.0

    @property
    def recall(self) -> float:
        return self.true / (self.true + self.missed) if self.true + self.missed else 0.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def hits(label: Label, find: Label) -> bool:
    """Whether a find has the label's type and covers at least half of it."""
    common = min(label.end, find.end) - max(label.start, find.start)
    return label.type == find.type and common >= SHARE * (label.end - label.start)


def false_finds(labels: Iterable[Label], finds: Iterable[Label]) -> list[Label]:
    return [find for find in finds if not any(hits(label, find) for label in labels)]


def missed_labels(labels: Iterable[Label], finds: Iterable[Label]) -> list[Label]:
    return [label for label in labels if not any(hits(label, find) for find in finds)]


def score(rows: Iterable[tuple[Iterable[Label], Iterable[Label]]], kind: str) -> Score:
    """rows: (labels, finds) of each sentence."""
    true = false = missed = 0
    for labels, finds in rows:
        labels, finds = ([item for item in items if item.type == kind] for items in (labels, finds))
        missing = len(missed_labels(labels, finds))
        true, missed = true + len(labels) - missing, missed + missing
        false += len(false_finds(labels, finds))
    return Score(true, false, missed)


# Finders


class Finder(NamedTuple):
    """finds: of each sentence. types: what it looks for."""

    name: str
    types: tuple[str, ...]
    finds: list[list[Label]]


def by_bateia(texts: Iterable[tuple[str, str]]) -> list[list[Label]]:
    from transforms.steps.pii import ScrubPii

    step = ScrubPii()
    step.setup()
    return [[Label(item.start, item.end, item.type) for item in step.find(*text)] for text in texts]


def ask(command: list[str], texts: Iterable[str]) -> list[list[Any]]:
    """A peer reads texts as JSON lines and answers each with [[start, end, type, score], ...]."""
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_presidio(texts: list[str], least: float) -> list[list[Label]]:
    answers = ask([sys.executable, "-m", "benchmarks.peers.presidio_pii"], texts)
    return [[Label(*find[:3]) for find in finds if find[3] >= least] for finds in answers]


def by_datatrove(texts: list[str], python: str) -> list[list[Label]]:
    script = Path(__file__).parent / "peers" / "datatrove_pii.py"
    return [[Label(*find[:3]) for find in finds] for finds in ask([python, str(script)], texts)]


def run_finders(made: list[Sentence], peer_python: str | None) -> Iterator[Finder]:
    texts = [sentence.text for sentence in made]
    yield Finder("Bateia", TYPES, by_bateia((sentence.text, sentence.language) for sentence in made))
    yield Finder("Presidio", TYPES[:6], by_presidio(texts, 0))
    yield Finder("Presidio, score ≥ 0.5", TYPES[:6], by_presidio(texts, 0.5))
    if peer_python:
        yield Finder("datatrove", TYPES[:2], by_datatrove(texts, peer_python))


# Real documents


def documents(folder: Path) -> list[tuple[str, str]]:
    """(text, language) of the documents of a run."""
    import pyarrow.parquet as pq

    files = sorted((folder / "data").rglob("*.parquet"))
    rows = [row for file in files for row in pq.ParquetFile(file).read(["text", "language"]).to_pylist()]
    return [(row["text"], row["language"]) for row in rows]


def cpu_ms(find: Callable[[], Any], count: int, rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        find()
        times.append((time.process_time() - start) * 1000 / count)
    return times


def report_documents(rows: list[tuple[str, str]]) -> Iterator[str]:
    from benchmarks.peers.presidio_pii import analyzer, find
    from transforms.steps.pii import ScrubPii

    step, peer = ScrubPii(), analyzer()
    step.setup()
    step.find("a@b.org +1 212 555 0143")  # metadata of telephone numbers is read once a process
    find(peer, "a@b.org +1 212 555 0143")
    ours = cpu_ms(lambda: [step.find(*row) for row in rows], len(rows), ROUNDS + 2)
    theirs = cpu_ms(lambda: [find(peer, text) for text, _ in rows], len(rows), ROUNDS)
    chars = statistics.mean(len(text) for text, _ in rows)
    yield f"\n## {len(rows)} real documents (mean {chars:,.0f} characters)\n"
    yield "| | CPU ms a document, least of the rounds | rounds |\n|---|---:|---|"
    for name, times in (("Bateia", ours), ("Presidio, patterns only", theirs)):
        yield f"| {name} | {min(times):.2f} | {', '.join(f'{value:.2f}' for value in times)} |"
    yield f"\nPresidio needs {min(theirs) / min(ours):.0f} times the CPU time.\n"
    found = [step.find(*row) for row in rows]
    by_type = Counter(span.type for spans in found for span in spans)
    peers = Counter(item[2] for text, _ in rows for item in find(peer, text))
    yield f"Documents with at least one find: {sum(map(bool, found))}.\n"
    yield "| type | Bateia's finds | Presidio's |\n|---|---:|---:|"
    for kind in TYPES:
        yield f"| {kind} | {by_type[kind]} | {peers[kind] if kind in TYPES[:6] else '–'} |"


def show(rows: list[tuple[str, str]], count: int, seed: int) -> None:
    """Finds in context, for a person's eye."""
    from transforms.steps.pii import ScrubPii

    step = ScrubPii()
    step.setup()
    finds = [(text, span) for text, language in rows for span in step.find(text, language)]
    for text, span in random.Random(seed).sample(finds, min(count, len(finds))):
        before, after = text[max(span.start - 60, 0) : span.start], text[span.end : span.end + 40]
        print(f"{span.type} {span.score}: {before!r} [[{text[span.start : span.end]}]] {after!r}")


# Report


def table(made: list[Sentence], finders: list[Finder]) -> Iterator[str]:
    yield "| type | labels | " + " | ".join(f"{finder.name}: P | R | F1" for finder in finders) + " |"
    yield "|---|---:|" + "---:|---:|---:|" * len(finders)
    for kind in TYPES:
        cells = []
        for finder in finders:
            result = score(((row.labels, finds) for row, finds in zip(made, finder.finds, strict=True)), kind)
            asked = kind in finder.types
            values = (result.precision, result.recall, result.f1)
            cells += [f"{value:.3f}" if asked else "–" for value in values]
        labels = sum(label.type == kind for row in made for label in row.labels)
        yield f"| {kind} | {labels} | {' | '.join(cells)} |"


def table_of_negatives(made: list[Sentence], finders: list[Finder]) -> Iterator[str]:
    yield "| hard negatives | sentences | " + " | ".join(finder.name for finder in finders) + " |"
    yield "|---|---:|" + "---:|" * len(finders)
    kinds = list(dict.fromkeys(row.kind for row in made if not row.labels))
    for kind in kinds:
        sets = [
            [finds for row, finds in zip(made, finder.finds, strict=True) if row.kind == kind] for finder in finders
        ]
        yield f"| {kind} | {len(sets[0])} | {' | '.join(str(sum(map(len, finds))) for finds in sets)} |"
    sums = [
        sum(len(finds) for row, finds in zip(made, finder.finds, strict=True) if not row.labels) for finder in finders
    ]
    yield f"| all | {sum(not row.labels for row in made)} | {' | '.join(map(str, sums))} |"


def mistakes(made: list[Sentence], finds: list[list[Label]]) -> Iterator[str]:
    """Every miss and every false find on the made sentences, a line each."""
    for row, found in zip(made, finds, strict=True):
        for word, labels in (("missed", missed_labels(row.labels, found)), ("false", false_finds(row.labels, found))):
            for label in labels:
                yield f"{word} {label.type} {row.text[label.start : label.end]!r} in {row.text!r}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of the sentences (default: 1)")
    parser.add_argument("--documents", type=Path, help="output folder of `bateia curate`")
    parser.add_argument("--peer-python", help="interpreter that has datatrove[processing]")
    parser.add_argument("--show", type=int, metavar="N", help="print N finds of --documents, and nothing else")
    parser.add_argument("--mistakes", action="store_true", help="print our misses and false finds, and nothing else")
    options = parser.parse_args()
    if options.show:
        if not options.documents:
            parser.error("--show needs --documents")
        return show(documents(options.documents), options.show, options.seed)
    made = list(sentences(options.seed))
    if options.mistakes:
        found = by_bateia((sentence.text, sentence.language) for sentence in made)
        return print("\n".join(mistakes(made, found)))
    finders = list(run_finders(made, options.peer_python))
    versions = ", ".join(f"{package} {version(package)}" for package in ("presidio-analyzer", "phonenumbers"))
    print(f"{machine()}; {versions}.\n")
    print(f"Seed {options.seed}: {len(made)} sentences, {sum(not row.labels for row in made)} without personal data.\n")
    print("\n".join([*table(made, finders), "", *table_of_negatives(made, finders)]))
    if options.documents:
        print("\n".join(report_documents(documents(options.documents))))


if __name__ == "__main__":
    main()
