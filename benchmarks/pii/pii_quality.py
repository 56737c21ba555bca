"""Question: how much personal data do the recognisers find and miss, beside Presidio's own and datatrove's?

    python -m benchmarks.pii.pii_quality --documents DIR --datatrove datatrove/bin/python --out

Sentences in English and Portuguese, half each, are made from templates with values of random digits (check digits,
where a type has them, are right), and as hard negatives sentences with numbers that only look like personal data.
Measured are precision, recall and F1 by type, and false finds by kind of hard negative. A find counts if it has the
true span's type and covers at least half of it; any other find is false. Precision depends on how many hard negatives
there are: compare columns rather than take it for the precision on the web. Private, reserved and documentation
addresses count as nobody's, which Presidio doesn't claim. Our recognisers were mended once after a look at what they
missed in these templates; the others have not had the same help.

Presidio runs with its default recognisers of these types, in English, on a blank spaCy model whose lemmas are the words
in lower case (peers/presidio_pii.py); it has no Brazilian recognisers. datatrove looks for e-mail and IPv4 only; its
column is left out where it isn't installed.

A second set (generated/written_forms.py, near_misses.py) has ways of writing that the first has not, in nine languages:
here a find counts only if its span is exactly the value's. The recognisers were written with these kinds in mind, so
their figures say that the kinds work, not how often they stand on the web. --earlier names another checkout, whose
recognisers go through the same sentences.

Then both go through the documents of DIR, an output of `bateia curate`: measured are CPU milliseconds of a document and
how many spans of each type are found. --show prints so many of our finds there in context instead, to be judged by eye;
--mistakes our misses and false finds on the sentences.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from benchmarks.generated.near_misses import NEAR_MISSES
from benchmarks.generated.sentences import TYPES, Label, Sentence, sentences
from benchmarks.generated.written_forms import KINDS, forms
from benchmarks.harness import Benchmark, positive, ratio, table, take_turns
from benchmarks.inputs import add_documents_option, documents, documents_folder
from benchmarks.peers.installed import DATATROVE
from transforms.steps.pii.entities import ALL_TYPES
from transforms.steps.pii.scrub import ScrubPii

DATATROVE_PII = Path(__file__).parents[1] / "peers" / "datatrove_pii.py"
PRESIDIO_PII = [sys.executable, "-m", "benchmarks.peers.presidio_pii"]
PRESIDIO_TYPES, DATATROVE_TYPES = TYPES[:6], TYPES[:2]
COVERED = 0.5  # of a true span that a find must cover
EARLIER = """
import json, sys
from transforms.steps.pii.scrub import ScrubPii
step = ScrubPii()
for line in sys.stdin:
    print(json.dumps([list(map(str, span)) for span in step.find(*json.loads(line))]))
"""
WARM_UP = "a@b.org +1 212 555 0143"  # metadata of telephone numbers is read once a process


class Score(NamedTuple):
    """Of one type. true, false: finds; missed: labels that no find covers."""

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
    return label.type == find.type and common >= COVERED * (label.end - label.start)


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


class Finder(NamedTuple):
    """Somebody's recognisers on the sentences. types: what they look for. finds: of each sentence."""

    name: str
    types: tuple[str, ...]
    finds: list[list[Label]]


def our_step(everything: bool = False) -> ScrubPii:
    """everything: look for all types, and for e-mail addresses that are spelled out."""
    step = ScrubPii(types=ALL_TYPES, spelled_emails=True) if everything else ScrubPii()
    step.setup()
    step.find(WARM_UP)
    return step


def our_finds(texts: Iterable[tuple[str, str]], everything: bool = False) -> list[list[Label]]:
    """texts: (text, language)."""
    step = our_step(everything)
    return [[Label(item.start, item.end, item.type) for item in step.find(*text)] for text in texts]


def earlier_finds(checkout: Path, texts: Iterable[tuple[str, str]]) -> list[list[Label]]:
    """What the recognisers of another checkout find in texts of (text, language)."""
    command = ["env", f"PYTHONPATH={checkout.resolve()}", sys.executable, "-P", "-c", EARLIER]
    return [[Label(int(find[0]), int(find[1]), find[2]) for find in finds] for finds in peer_finds(command, texts)]


def peer_finds(command: list[str], texts: Iterable[Any]) -> list[list[list[Any]]]:
    """A peer reads texts as JSON lines and answers each with [[start, end, type, score], ...]."""
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    ended = subprocess.run(command, input=lines, stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def as_labels(answers: list[list[list[Any]]], least_score: float = 0) -> list[list[Label]]:
    return [[Label(*find[:3]) for find in finds if find[3] >= least_score] for finds in answers]


def run_finders(made: list[Sentence], datatrove: Path | None) -> Iterator[Finder]:
    texts = [sentence.text for sentence in made]
    yield Finder("Bateia", TYPES, our_finds((sentence.text, sentence.language) for sentence in made))
    presidio = peer_finds(PRESIDIO_PII, texts)
    yield Finder("Presidio", PRESIDIO_TYPES, as_labels(presidio))
    yield Finder("Presidio, score ≥ 0.5", PRESIDIO_TYPES, as_labels(presidio, 0.5))
    if datatrove:
        yield Finder("datatrove", DATATROVE_TYPES, as_labels(peer_finds([str(datatrove), str(DATATROVE_PII)], texts)))


def scores_table(made: list[Sentence], finders: list[Finder]) -> str:
    rows = []
    for kind in TYPES:
        cells = []
        for finder in finders:
            result = score(((row.labels, finds) for row, finds in zip(made, finder.finds, strict=True)), kind)
            values = (result.precision, result.recall, result.f1)
            cells += [f"{value:.3f}" if kind in finder.types else "–" for value in values]
        rows.append([kind, sum(label.type == kind for row in made for label in row.labels), *cells])
    heads = (head for finder in finders for head in (f"{finder.name}: precision", "recall", "F1"))
    return table(["type", "labels", *heads], rows)


def negatives_table(made: list[Sentence], finders: list[Finder]) -> str:
    """Finds in sentences where there is nothing to find."""
    negatives = [number for number, row in enumerate(made) if not row.labels]
    rows = []
    for kind in dict.fromkeys(made[number].kind for number in negatives):
        chosen = [number for number in negatives if made[number].kind == kind]
        rows.append([kind, len(chosen), *(sum(len(finder.finds[number]) for number in chosen) for finder in finders)])
    totals = (sum(len(finder.finds[number]) for number in negatives) for finder in finders)
    rows.append(["all", len(negatives), *totals])
    return table(["hard negatives", "sentences", *(finder.name for finder in finders)], rows)


def forms_table(made: list[Sentence], finders: list[Finder]) -> str:
    """Of each kind of written form the share that is found to the letter; of each kind of near miss the false finds."""
    rows = []
    for kind in dict.fromkeys(row.kind for row in made):
        chosen = [number for number, row in enumerate(made) if row.kind == kind]
        cells = []
        for finder in finders:
            exact = sum(set(made[number].labels) <= set(finder.finds[number]) for number in chosen)
            false = sum(len(set(finder.finds[number]) - set(made[number].labels)) for number in chosen)
            cells += [f"{exact / len(chosen):.2f}" if made[chosen[0]].labels else "–", false]
        rows.append([kind, len(chosen), *cells])
    heads = (head for finder in finders for head in (f"{finder.name}: found", "false"))
    return table(["kind", "sentences", *heads], rows)


def report_forms(seed: int, earlier: Path | None) -> Iterator[str]:
    """Tables of written forms and near misses: values found to the letter, and false finds."""
    for title, kinds in (("Written forms", KINDS), ("Near misses", NEAR_MISSES)):
        made = list(forms(seed, kinds))
        texts = [(sentence.text, sentence.language) for sentence in made]
        finders = [Finder("Bateia", TYPES, our_finds(texts, everything=True))]
        if earlier:
            finders.append(Finder("earlier", TYPES, earlier_finds(earlier, texts)))
        yield f"## {title}: {len(made):,} sentences of {len(kinds)} kinds\n"
        yield forms_table(made, finders)
        for finder in finders:
            labels = [label for row in made for label in row.labels]
            exact = sum(len(set(row.labels) & set(finds)) for row, finds in zip(made, finder.finds, strict=True))
            false = sum(len(set(finds) - set(row.labels)) for row, finds in zip(made, finder.finds, strict=True))
            yield f"{finder.name}: {exact:,} of {len(labels):,} values found to the letter, {false:,} false finds.\n"


def mistakes(made: list[Sentence], finds: list[list[Label]]) -> Iterator[str]:
    """Every miss and every false find on the made sentences, a line each."""
    for row, spans in zip(made, finds, strict=True):
        for word, labels in (("missed", missed_labels(row.labels, spans)), ("false", false_finds(row.labels, spans))):
            for label in labels:
                yield f"{word} {label.type} {row.text[label.start : label.end]!r} in {row.text!r}"


def finds_in_context(rows: list[tuple[str, str]], count: int, seed: int) -> Iterator[str]:
    """Some of our finds, for a person's eye. rows: (text, language)."""
    step = our_step()
    finds = [(text, span) for text, language in rows for span in step.find(text, language)]
    for text, span in random.Random(seed).sample(finds, min(count, len(finds))):
        before, after = text[max(span.start - 60, 0) : span.start], text[span.end : span.end + 40]
        yield f"{span.type} {span.score}: {before!r} [[{text[span.start : span.end]}]] {after!r}"


def cpu_ms(find: Callable[[], Any], count: int) -> float:
    started = time.process_time()
    find()
    return (time.process_time() - started) * 1000 / count


def report_documents(rows: list[tuple[str, str]], rounds: int) -> Iterator[str]:
    """Cost and finds on real documents. rows: (text, language)."""
    from benchmarks.peers.presidio_pii import analyzer, find

    step, peer, count = our_step(), analyzer(), len(rows)
    find(peer, WARM_UP)
    sides = {
        "Bateia": lambda: cpu_ms(lambda: [step.find(*row) for row in rows], count),
        "Presidio, patterns only": lambda: cpu_ms(lambda: [find(peer, text) for text, _ in rows], count),
    }
    times = take_turns(sides, rounds)
    yield f"## {count:,} real documents (mean {mean(len(text) for text, _ in rows):,.0f} characters)\n"
    costs = []
    for name, of_rounds in times.items():
        relation = ratio(times["Bateia"], of_rounds)
        costs.append([name, f"{min(of_rounds):.2f}", relation, relation.by_round])
    yield table(["", "CPU ms a document", "÷ ours", "round by round"], costs)
    spans = [step.find(*row) for row in rows]
    ours = Counter(span.type for row_spans in spans for span in row_spans)
    theirs = Counter(item[2] for text, _ in rows for item in find(peer, text))
    yield f"Documents with at least one of our finds: {sum(map(bool, spans))}.\n"
    kinds = [[kind, ours[kind], theirs[kind] if kind in PRESIDIO_TYPES else "–"] for kind in TYPES]
    yield table(["type", "Bateia's finds", "Presidio's"], kinds)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The report, or the part of it that an option asks for."""
    if args.show:
        yield from finds_in_context(documents(documents_folder(args, scratch)), args.show, args.seed)
        return
    if args.forms:
        yield from report_forms(args.seed, args.earlier)
        return
    made = list(sentences(args.seed))[:: args.every]
    if args.mistakes:
        yield from mistakes(made, our_finds((sentence.text, sentence.language) for sentence in made))
        return
    negatives = sum(not row.labels for row in made)
    yield f"Seed {args.seed}: {len(made):,} sentences, {negatives:,} of them without personal data.\n"
    finders = list(run_finders(made, args.datatrove))
    yield scores_table(made, finders)
    yield negatives_table(made, finders)
    yield from report_forms(args.seed, args.earlier)
    yield from report_documents(documents(documents_folder(args, scratch)), args.rounds)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_documents_option(parser)
    parser.add_argument("--seed", type=int, default=1, help="of the sentences (1)")
    parser.add_argument("--every", type=positive, default=1, metavar="N", help="only every Nth sentence (1)")
    parser.add_argument("--show", type=positive, metavar="N", help="print N finds in the documents, and nothing else")
    parser.add_argument("--forms", action="store_true", help="only the written forms and near misses")
    parser.add_argument("--earlier", type=Path, metavar="DIR", help="another checkout, for the written forms too")
    parser.add_argument("--mistakes", action="store_true", help="print our misses and false finds, and nothing else")


BENCHMARK = Benchmark(
    __file__,
    "Finding personal data",
    __doc__,
    compare,
    add_options,
    rounds=3,
    quick={"every": 20},
    packages=("presidio-analyzer", "phonenumbers", "spacy"),
    optional_peers=(DATATROVE,),
)

if __name__ == "__main__":
    BENCHMARK.main()
