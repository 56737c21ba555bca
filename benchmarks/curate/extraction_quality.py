"""Claim: the recipes' extraction finds the text of a page and leaves the rest of it, whatever the language.

    python -m benchmarks.curate.extraction_quality --corpus DIR --out

DIR (default: public/ in $BATEIA_CORPUS) holds *.warc.gz and gold.jsonl or gold.jsonl.gz, a line for each response with
warc_file (name) and warc_offset; `gold_text`, the page's text as people marked it (if gold_kind is full_text); `with`
and `without`, snippets that belong to the text and snippets that don't; gold_lang or lid_quick_lang, its language. Only
what people marked is gold: texts of other extractors are not. Results name no texts.

Pages are read as `bateia curate` reads them, and each way to extract runs in the recipe's own killable child; the floor
is all text of the page, boilerplate included.

Measured are, first, snippets: they are looked for as they are, both sides in NFC with every run of white space as one
space, and shares are over all snippets. Then tokens: text is compared as a multiset of runs of letters, digits and
underscores in NFC, but each character of Chinese, Japanese, Korean and of scripts without spaces by itself; F1,
precision and recall are means over pages, and a page without text has 0. Last, CPU time: the child's as the system
accounts it, less that of a child that parses one small page; the smallest of the rounds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import mean

from benchmarks.harness import Benchmark, counted, note, positive, table
from benchmarks.inputs import CORPUS, corpus_folder, read_pages
from benchmarks.process_cost import children_cpu_s
from schemas.document import Page
from schemas.verdict import Drop
from transforms.steps.extract.extract_text import Extractor, ExtractText

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
    """What people said of one page. wanted, unwanted: snippets that belong to its text, and that don't."""

    language: str
    text: str | None
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """How one extraction of one page did.

    empty: whether it gave no text.
    wanted, unwanted: snippets that the page has.
    wanted_found, unwanted_absent: how many of them the extraction got right.
    precision, recall: of tokens; None without a gold text.
    """

    empty: bool
    wanted: int
    wanted_found: int
    unwanted: int
    unwanted_absent: int
    precision: float | None = None
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
    extracted, expected = tokens(text), tokens(gold)
    common = (extracted & expected).total()
    return common / max(extracted.total(), 1), common / max(expected.total(), 1)


def score(text: str, gold: Gold) -> Score:
    line = flat(text)
    wanted = sum(flat(snippet) in line for snippet in gold.wanted)
    absent = sum(flat(snippet) not in line for snippet in gold.unwanted)
    precision, recall = overlap(text, gold.text) if gold.text else (None, None)
    return Score(not line, len(gold.wanted), wanted, len(gold.unwanted), absent, precision, recall)


def gold_lines(corpus: Path) -> Iterator[str]:
    plain = corpus / "gold.jsonl"
    data = plain.read_bytes() if plain.exists() else gzip.decompress((corpus / "gold.jsonl.gz").read_bytes())
    yield from data.decode().split("\n")[:-1]  # not splitlines(): texts hold U+2028


def read_gold(corpus: Path) -> dict[tuple[str, int], Gold]:
    """By WARC file name and offset: the pages of which something is known that people said."""
    pages = {}
    for row in map(json.loads, gold_lines(corpus)):
        text = row["gold_text"] if row["gold_kind"] == "full_text" else None
        language = LANGUAGES.get(row.get("gold_lang")) or row.get("lid_quick_lang") or "und"
        gold = Gold(language, text, tuple(row["with"] or ()), tuple(row["without"] or ()))
        if gold.text or gold.wanted or gold.unwanted:
            pages[Path(row["warc_file"]).name, row["warc_offset"]] = gold
    return pages


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
    """One way to extract on all pages: scores by language, and CPU ms a page."""

    scores: Mapping[str, list[Score]]
    cpu_ms: float


def run(settings: ExtractText | None, pages: list[tuple[Page, Gold]], rounds: int) -> Run:
    results = [extract_all(settings, [page for page, _ in pages]) for _ in range(rounds)]
    start_up = min(extract_all(settings, [WARM_UP])[1] for _ in range(rounds))
    scores: dict[str, list[Score]] = defaultdict(list)
    for text, (_, gold) in zip(results[0][0], pages, strict=True):
        scores[gold.language].append(score(text, gold))
    return Run(scores, (min(cpu_s for _, cpu_s in results) - start_up) / len(pages) * 1e3)


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


HEADINGS = ("`with` found", "`without` absent", "token F1", "precision", "recall", "pages without text")


def cells(scores: Iterable[Score]) -> list[str]:
    """Means and shares below HEADINGS."""
    scores = list(scores)
    with_gold = [each for each in scores if each.precision is not None]
    means = [
        f"{mean(getattr(each, name) for each in with_gold):.3f}" if with_gold else "–"
        for name in ("f1", "precision", "recall")
    ]
    return [
        share(sum(each.wanted_found for each in scores), sum(each.wanted for each in scores)),
        share(sum(each.unwanted_absent for each in scores), sum(each.unwanted for each in scores)),
        *means,
        str(sum(each.empty for each in scores)),
    ]


def groups(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Languages by the section they stand in: their own, the largest first, or a common one of small languages."""
    ordered = sorted(counts, key=lambda language: (-counts[language], language))
    sections = {language: [language] for language in ordered if counts[language] >= FEW}
    few = [language for language in ordered if counts[language] < FEW]
    return sections | ({f"{len(few)} others": few} if few else {})


def described(pages: Iterable[Gold]) -> str:
    pages = list(pages)
    with_text = sum(gold.text is not None for gold in pages)
    snippets = sum(bool(gold.wanted or gold.unwanted) for gold in pages)
    return f"{counted(len(pages), 'page')}, {with_text} with a gold text, {snippets} with snippets"


def report(pages: list[tuple[Page, Gold]], runs: Mapping[str, Run]) -> Iterator[str]:
    gold = [gold for _, gold in pages]
    yield f"## All languages: {described(gold)}\n"
    rows = [
        [name, *cells(score for scores in each.scores.values() for score in scores), f"{each.cpu_ms:.2f}"]
        for name, each in runs.items()
    ]
    yield table(["extraction", *HEADINGS, "CPU ms a page"], rows)
    for title, languages in groups(Counter(each.language for each in gold)).items():
        yield f"## {title}: {described(each for each in gold if each.language in languages)}\n"
        rows = [
            [name, *cells(score for language in languages for score in each.scores[language])]
            for name, each in runs.items()
        ]
        yield table(["extraction", *HEADINGS], rows)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    corpus: Path | None = args.corpus or corpus_folder("public")
    if corpus is None or not list(corpus.glob("gold.jsonl*")):
        raise SystemExit(
            f"There is no gold.jsonl: give the folder of WARC files and gold texts with --corpus or ${CORPUS}."
        )
    gold = read_gold(corpus)
    known = (
        (page, gold.get((Path(page.warc_file).name, page.warc_offset)))
        for page in read_pages(sorted(corpus.glob("*.warc.gz")))
    )
    pages = list(islice(((page, gold) for page, gold in known if gold is not None), args.pages))
    runs = {}
    for name, settings in WAYS.items():
        note(name)
        runs[name] = run(settings, pages, args.rounds)
    yield from report(pages, runs)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--corpus", type=Path, metavar="DIR", help=f"*.warc.gz and gold.jsonl; default: ${CORPUS}/public"
    )
    parser.add_argument("--pages", type=positive, metavar="N", help="only the first N pages")


BENCHMARK = Benchmark(
    __file__,
    "Extraction against gold texts and snippets",
    __doc__,
    compare,
    add_options,
    rounds=2,
    quick={"pages": 60},
    packages=("trafilatura", "lxml", "resiliparse"),
)

if __name__ == "__main__":
    BENCHMARK.main()
