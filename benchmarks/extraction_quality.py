"""Claim: the recipes' extraction finds the text of a page and leaves the rest of it, whatever the language.

    python -m benchmarks.extraction_quality --corpus DIR [--repeat 2] [--out FILE]

DIR holds *.warc.gz and gold.jsonl, a line per response with warc_file (name) and warc_offset; `gold_text`, the page's
text as people marked it (of gold_kind full_text); `with` and `without`, snippets that belong to the text and snippets
that don't; gold_lang or lid_quick_lang, its language. Pages are read as `bateia curate` reads them, and each way to
extract runs in the recipe's own killable child; the floor is all text of the page, boilerplate included.

Snippets are looked for as they are, both sides in NFC with every run of white space as one space; shares are over all
snippets. Text is compared as a multiset of tokens: runs of letters, digits and underscores in NFC, but each character
of Chinese, Japanese, Korean and of scripts without spaces by itself. F1, precision and recall are means over pages; a
page without text has 0. CPU time is the child's as the system accounts it, less that of a child that parses one small
page; the smallest of the repetitions.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.process_cost import children_cpu_s, machine
from schemas.page import Page
from schemas.verdict import Drop
from transforms.steps.extraction import Extractor, ExtractText

# Thai, Lao, Myanmar, Hangul, Khmer, kana, Han and its extensions
BY_CHARACTER = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
BY_CHARACTER += "\U00020000-\U0003ffff"
TOKEN = re.compile(rf"[^\W{BY_CHARACTER}]+|(?!\W)[{BY_CHARACTER}]")

LANGUAGES = {"English": "en", "Chinese": "zh", "Greek": "el", "Polish": "pl", "Russian": "ru"}  # gold_lang's names
FEW = 20  # languages with fewer pages share a line
WARM_UP = Page("", "", "", "", 0, 0, "<html><body><article>" + "<p>A pan of gravel, and gold.</p>" * 20 + "</article>")

RECIPE = ExtractText()
WAYS: dict[str, ExtractText | None] = {
    "trafilatura precision (recipe `fineweb`)": RECIPE,
    "trafilatura precision, fast": replace(RECIPE, fast=True),
    "trafilatura balance": replace(RECIPE, favor="balance"),
    "trafilatura balance, fast": replace(RECIPE, favor="balance", fast=True),
    "trafilatura recall": replace(RECIPE, favor="recall"),
    "trafilatura precision, repeated segments kept": replace(RECIPE, deduplicate=False),
    "resiliparse main content": replace(RECIPE, extractor="resiliparse"),
    "all text of the page (floor)": None,
}


@dataclass(frozen=True)
class Gold:
    """What is known of one page."""

    language: str
    text: str | None
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """What one extraction of one page is worth; counts are of snippets."""

    empty: bool
    wanted: int
    wanted_found: int
    unwanted: int
    unwanted_absent: int
    precision: float | None = None  # None without a gold text
    recall: float | None = None

    @property
    def f1(self) -> float | None:
        return None if self.precision is None or self.recall is None else harmonic(self.precision, self.recall)


def harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0


def flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def tokens(text: str) -> Counter[str]:
    return Counter(TOKEN.findall(unicodedata.normalize("NFC", text)))


def overlap(text: str, gold: str) -> tuple[float, float]:
    """Precision and recall of a text's tokens."""
    found, expected = tokens(text), tokens(gold)
    common = (found & expected).total()
    return common / max(found.total(), 1), common / max(expected.total(), 1)


def score(text: str, gold: Gold) -> Score:
    line = flat(text)
    wanted = sum(flat(snippet) in line for snippet in gold.wanted)
    absent = sum(flat(snippet) not in line for snippet in gold.unwanted)
    precision, recall = overlap(text, gold.text) if gold.text else (None, None)
    return Score(not line, len(gold.wanted), wanted, len(gold.unwanted), absent, precision, recall)


def read_gold(corpus: Path) -> dict[tuple[str, int], Gold]:
    """By WARC file name and offset: the pages of which something is known that people said."""
    found = {}
    for line in (corpus / "gold.jsonl").read_text().split("\n")[:-1]:  # not splitlines(): texts hold U+2028
        row = json.loads(line)
        text = row["gold_text"] if row["gold_kind"] == "full_text" else None
        language = LANGUAGES.get(row["gold_lang"]) or row["lid_quick_lang"] or "und"
        gold = Gold(language, text, tuple(row["with"] or ()), tuple(row["without"] or ()))
        if gold.text or gold.wanted or gold.unwanted:
            found[Path(row["warc_file"]).name, row["warc_offset"]] = gold
    return found


def read_pages(corpus: Path) -> Iterator[Page]:
    from pipelines.inputs import find_inputs
    from transforms.steps.warc import Response, page_of, read_unit, split_units

    for file in find_inputs([str(corpus / "*.warc.gz")]):
        for unit in split_units(file.path, file.size, file.size):
            with Path(file.path).open("rb") as stream:
                for item in read_unit(stream, unit):
                    page = page_of(item, file.path) if isinstance(item, Response) else None
                    if isinstance(page, Page):
                        yield page


@contextmanager
def extraction(settings: ExtractText | None) -> Iterator[Callable[[Page], str]]:
    """A function that gives a page's text."""
    if settings is None:
        from resiliparse.extract.html2text import extract_plain_text

        yield lambda page: extract_plain_text(page.html, main_content=False)
        return
    with Extractor(settings) as extractor:

        def main_text(page: Page) -> str:
            text = extractor.extract(page)
            return "" if isinstance(text, Drop) else text

        yield main_text


def extract_all(settings: ExtractText | None, pages: Iterable[Page]) -> tuple[list[str], float]:
    """The pages' texts, and the CPU seconds that they took."""
    own, children = time.process_time(), children_cpu_s()
    with extraction(settings) as extract:
        texts = [extract(page) for page in pages]
    # The parent of a child only hands pages over; with no child all work is its own.
    return texts, time.process_time() - own if settings is None else children_cpu_s() - children


@dataclass(frozen=True)
class Run:
    """One way to extract on all pages: scores by language, and CPU ms per page."""

    scores: Mapping[str, list[Score]]
    cpu_ms: float


def run(settings: ExtractText | None, pages: list[tuple[Page, Gold]], repeat: int) -> Run:
    results = [extract_all(settings, [page for page, _ in pages]) for _ in range(repeat)]
    start_up = min(extract_all(settings, [WARM_UP])[1] for _ in range(repeat))
    scores: dict[str, list[Score]] = defaultdict(list)
    for text, (_, gold) in zip(results[0][0], pages, strict=True):
        scores[gold.language].append(score(text, gold))
    return Run(scores, (min(cost for _, cost in results) - start_up) / len(pages) * 1e3)


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def cells(scores: Iterable[Score]) -> list[str]:
    scores = list(scores)
    told = [each for each in scores if each.precision is not None]
    means = [
        f"{mean(getattr(each, name) for each in told):.3f}" if told else "–" for name in ("f1", "precision", "recall")
    ]
    return [
        share(sum(each.wanted_found for each in scores), sum(each.wanted for each in scores)),
        share(sum(each.unwanted_absent for each in scores), sum(each.unwanted for each in scores)),
        *means,
        str(sum(each.empty for each in scores)),
    ]


HEADINGS = "`with` found | `without` absent | token F1 | precision | recall | pages without text"


def groups(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Languages by the line they are told in: their own, the largest first, or the common one of small languages."""
    ordered = sorted(counts, key=lambda language: (-counts[language], language))
    lines = {language: [language] for language in ordered if counts[language] >= FEW}
    few = [language for language in ordered if counts[language] < FEW]
    return lines | ({f"{len(few)} others": few} if few else {})


def report(pages: list[tuple[Page, Gold]], runs: Mapping[str, Run], repeat: int) -> Iterator[str]:
    counts = Counter(gold.language for _, gold in pages)
    yield f"# Extraction against gold texts and snippets, {date.today()}\n"
    yield f"{machine()}; trafilatura {version('trafilatura')}, resiliparse {version('resiliparse')}."
    yield f"CPU time: smallest of {repeat}.\n"
    yield f"## All languages: {known([gold for _, gold in pages])}\n\n| extraction | {HEADINGS} | CPU ms per page |"
    yield "|---" * 8 + "|"
    for name, each in runs.items():
        scores = [score for language in each.scores.values() for score in language]
        yield f"| {name} | {' | '.join(cells(scores))} | {each.cpu_ms:.2f} |"
    for line, languages in groups(counts).items():
        members = [gold for _, gold in pages if gold.language in languages]
        yield f"\n## {line}: {known(members)}\n\n| extraction | {HEADINGS} |"
        yield "|---" * 7 + "|"
        for name, each in runs.items():
            scores = [score for language in languages for score in each.scores[language]]
            yield f"| {name} | {' | '.join(cells(scores))} |"
    yield ""


def known(pages: list[Gold]) -> str:
    texts = sum(gold.text is not None for gold in pages)
    snippets = sum(bool(gold.wanted or gold.unwanted) for gold in pages)
    return f"{len(pages)} pages, {texts} with a gold text, {snippets} with snippets"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True, type=Path, help="folder of *.warc.gz and gold.jsonl")
    parser.add_argument("--repeat", type=int, default=2, help="repetitions of each way to extract (2)")
    parser.add_argument("--out", type=Path, help="Markdown file to write; default: standard output")
    args = parser.parse_args()
    gold = read_gold(args.corpus)
    read = ((page, gold.get((Path(page.warc_file).name, page.warc_offset))) for page in read_pages(args.corpus))
    pages: list[tuple[Page, Any]] = [(page, known) for page, known in read if known is not None]
    runs = {name: run(settings, pages, args.repeat) for name, settings in WAYS.items()}
    text = "\n".join(report(pages, runs, args.repeat))
    if args.out:
        args.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
