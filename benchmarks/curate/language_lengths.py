"""Question: how long must a text be for lid.176.ftz to tell its language, and which languages does it confuse?

    python -m benchmarks.curate.language_lengths --out

Texts are runs of sentences of the second embedded crawl's articles, six in each of 21 languages, written for it: 1, 5
and 20 sentences one after the other, across articles where one ends. A sentence ends with its mark; in Thai, which has
none, with a space. Measured are how often the most probable language is the right one, how often its score also reaches
FineWeb's 0.65 and FineWeb2's own threshold of the language, and what the others were taken for. With --model another
fastText model is measured; its labels are mapped as the recipe fineweb2 maps them.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Benchmark, table
from pipelines.assets.registry import resolve_language_model
from pipelines.recipes.fineweb2 import values_of
from pipelines.sample.build import world_articles
from transforms.steps.text.labels import identify
from transforms.steps.text.languages import SUPPORTED, languages

LENGTHS = (1, 5, 20)
FINEWEB = 0.65
END = re.compile(r"(?<=[.!?।؟])\s+|(?<=[。！？])")


def sentences_of(language: str) -> list[str]:
    paragraphs = [text for each in world_articles() if each.language == language for text in each.paragraphs]
    parts = (text.split() if language == "th" else END.split(text) for text in paragraphs)
    return [sentence for found in parts for sentence in found if sentence]


def runs(language: str, length: int) -> list[str]:
    """Texts of so many sentences; three quarters of each are also in the one after it."""
    sentences, joint = sentences_of(language), "" if language in ("zh", "ja") else " "
    starts = range(0, max(len(sentences) - length, 0) + 1, max(length // 4, 1))
    return [joint.join(sentences[start : start + length]) for start in starts]


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    model = str(args.model or resolve_language_model("lid.176.ftz"))
    rows, confused = [], []
    for language in args.languages:
        cells: list[str | int] = []
        for length in LENGTHS:
            counts, taken = Counter[str](), Counter[str]()
            for text in runs(language, length):
                found = identify(text, model)
                right = found.language == language
                counts["texts"] += 1
                counts["right"] += right
                counts["fineweb"] += right and found.score > FINEWEB
                counts["fineweb2"] += right and found.score >= values_of(language)["language_score"]
                taken[found.language or "noise"] += not right
            for other, number in taken.items():
                if number:
                    confused.append([language, length, other, number, counts["texts"]])
            share = [f"{counts[name] / counts['texts']:.0%}" for name in ("right", "fineweb", "fineweb2")]
            cells += [counts["texts"], " / ".join(share)]
        rows.append([f"{language} {languages()[language].name}", *cells])
    head = ["language"]
    for length in LENGTHS:
        name = "1 sentence" if length == 1 else f"{length} sentences"
        head += [f"texts of {name}", "right / over 0.65 / over FineWeb2's"]
    yield table(head, rows)
    yield "What texts were taken for:\n"
    yield table(["language", "sentences", "taken for", "texts", "of"], confused or [["none", 0, "", 0, 0]])


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--languages", nargs="+", choices=SUPPORTED, default=SUPPORTED, help="default: all 21")
    parser.add_argument("--model", type=Path, metavar="FILE", help="fastText model (lid.176.ftz)")


BENCHMARK = Benchmark(
    __file__, "Languages told by the length of a text", __doc__, measure, add_options, quick={"languages": ("pt", "es")}
)

if __name__ == "__main__":
    BENCHMARK.main()
