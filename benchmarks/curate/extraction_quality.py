"""Claim: the recipes' extraction finds the text of a page and leaves the rest of it, whatever the language or kind.

    python -m benchmarks.curate.extraction_quality --corpus DIR … --folds out/folds --look out/look.html --out

DIR (default: public/ and wcxb-dev/ in $BATEIA_CORPUS) holds *.warc.gz and gold.jsonl or gold.jsonl.gz, a line for each
response with warc_file (name) and warc_offset; `gold_text`, the page's text as people marked it (if gold_kind is
full_text); `with` and `without`, snippets that belong to the text and snippets that don't; gold_lang or lid_quick_lang,
its language; or page_type, its kind. Only what people marked is gold: texts of other extractors are not. Results name
no texts; --look writes some beside each other, for one's own eyes.

Pages are read as `bateia curate` reads them, and each way to extract runs in the recipe's own killable child; the floor
is all text of the page, boilerplate included. The model of `blocks` was trained on pages with gold texts, so with the
public ones its row says nothing of others: --folds, written by benchmarks.blocks.train, has a model for each fold of
hosts that was trained on the other folds, and adds a row in which every page is extracted by one that saw no page of
its host.

Measured are, first, snippets: they are looked for as they are, both sides in NFC with every run of white space as one
space, and shares are over all snippets. Then tokens: text is compared as a multiset of runs of letters, digits and
underscores in NFC, but each character of Chinese, Japanese, Korean and of scripts without spaces by itself; F1,
precision and recall are means over pages, and a page without text has 0. Word F1 is WCXB's own measure: runs of \\w in
lower case. Last, CPU time: the child's as the system accounts it, less that of a child that parses one small page; the
smallest of the rounds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from statistics import mean

from benchmarks.blocks.folds import by_folds
from benchmarks.curate.extraction_look import write_look
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
WORD = re.compile(r"\w+")
TOKEN = re.compile(rf"[^\W{BY_CHARACTER}]+|(?!\W)[{BY_CHARACTER}]")

LANGUAGES = {"English": "en", "Chinese": "zh", "Greek": "el", "Polish": "pl", "Russian": "ru"}  # gold_lang's names
DEFAULT = ("public", "wcxb-dev")  # folders of the corpus
FEW = 20  # languages with fewer pages share a line
LOOKED_AT = 60  # pages of a corpus that --look shows, evenly spread
LOOKED_FOR = ("trafilatura precision (recipe `fineweb`)", "blocks as Markdown", "blocks, by folds of hosts")
WARM_UP = Page("", "", "", "", 0, 0, "<html><body><article>" + "<p>A pan of gravel, and gold.</p>" * 20 + "</article>")

RECIPE = ExtractText()
Way = ExtractText | Path | None  # settings, a folder of folds, or all text
WAYS: dict[str, Way] = {
    "trafilatura precision (recipe `fineweb`)": RECIPE,
    "trafilatura precision, fast": replace(RECIPE, fast=True),
    "trafilatura balance": replace(RECIPE, favor="balance"),
    "trafilatura balance, fast": replace(RECIPE, favor="balance", fast=True),
    "trafilatura recall": replace(RECIPE, favor="recall"),
    "trafilatura precision, repeated segments kept": replace(RECIPE, deduplicate=False),
    "trafilatura balance, repeated segments kept": replace(RECIPE, favor="balance", deduplicate=False),
    "resiliparse main content": replace(RECIPE, extractor="resiliparse"),
    "blocks": replace(RECIPE, extractor="blocks"),
    "blocks as Markdown": replace(RECIPE, extractor="blocks", format="markdown"),
    "all text of the page (floor)": None,
}


@dataclass(frozen=True)
class Gold:
    """What people said of one page.

    group: its language, or its kind where a corpus tells that.
    wanted, unwanted: snippets that belong to its text, and that don't.
    """

    group: str
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
    word_f1: of words as WCXB counts them; None without a gold text.
    """

    empty: bool
    wanted: int
    wanted_found: int
    unwanted: int
    unwanted_absent: int
    precision: float | None = None
    recall: float | None = None
    word_f1: float | None = None

    @property
    def f1(self) -> float | None:
        return None if self.precision is None or self.recall is None else harmonic(self.precision, self.recall)


def harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0


def flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def tokens(text: str) -> Counter[str]:
    return Counter(TOKEN.findall(unicodedata.normalize("NFC", text)))


def plain_words(text: str) -> Counter[str]:
    return Counter(WORD.findall(text.lower()))


def overlap(text: str, gold: str, count: Callable[[str], Counter[str]] = tokens) -> tuple[float, float]:
    """Precision and recall of a text's tokens."""
    extracted, expected = count(text), count(gold)
    common = (extracted & expected).total()
    return common / max(extracted.total(), 1), common / max(expected.total(), 1)


def score(text: str, gold: Gold) -> Score:
    line = flat(text)
    wanted = sum(flat(snippet) in line for snippet in gold.wanted)
    absent = sum(flat(snippet) not in line for snippet in gold.unwanted)
    precision, recall = overlap(text, gold.text) if gold.text else (None, None)
    word_f1 = harmonic(*overlap(text, gold.text, plain_words)) if gold.text else None
    return Score(not line, len(gold.wanted), wanted, len(gold.unwanted), absent, precision, recall, word_f1)


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
        gold = Gold(row.get("page_type") or language, text, tuple(row["with"] or ()), tuple(row["without"] or ()))
        if gold.text or gold.wanted or gold.unwanted:
            pages[Path(row["warc_file"]).name, row["warc_offset"]] = gold
    return pages


@contextmanager
def extraction(settings: Way) -> Iterator[Callable[[Page], str]]:
    """A function that gives a page's text."""
    if settings is None:
        from resiliparse.extract.html2text import extract_plain_text

        yield lambda page: extract_plain_text(page.html, main_content=False)
        return
    if isinstance(settings, Path):
        yield by_folds(settings)
        return
    with Extractor(settings) as extractor:

        def main_text(page: Page) -> str:
            text = extractor.extract(page)
            return "" if isinstance(text, Drop) else text

        yield main_text


def extract_all(settings: Way, pages: Iterable[Page]) -> tuple[list[str], float]:
    """The pages' texts, and the CPU seconds that they took."""
    own, children = time.process_time(), children_cpu_s()
    with extraction(settings) as extract:
        texts = [extract(page) for page in pages]
    # The parent of a child only hands pages over; with no child all work is its own.
    return texts, time.process_time() - own if not isinstance(settings, ExtractText) else children_cpu_s() - children


@dataclass(frozen=True)
class Run:
    """One way to extract on all pages: texts, scores by group, and CPU ms a page."""

    texts: Sequence[str]
    scores: Mapping[str, list[Score]]
    cpu_ms: float


def run(settings: Way, pages: list[tuple[Page, Gold]], rounds: int) -> Run:
    results = [extract_all(settings, [page for page, _ in pages]) for _ in range(rounds)]
    start_up = min(extract_all(settings, [WARM_UP])[1] for _ in range(rounds))
    scores: dict[str, list[Score]] = defaultdict(list)
    for text, (_, gold) in zip(results[0][0], pages, strict=True):
        scores[gold.group].append(score(text, gold))
    return Run(results[0][0], scores, (min(cpu_s for _, cpu_s in results) - start_up) / len(pages) * 1e3)


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


HEADINGS = ("`with` found", "`without` absent", "token F1", "precision", "recall", "word F1", "pages without text")


def cells(scores: Iterable[Score]) -> list[str]:
    """Means and shares below HEADINGS."""
    scores = list(scores)
    with_gold = [each for each in scores if each.precision is not None]
    means = [
        f"{mean(getattr(each, name) for each in with_gold):.3f}" if with_gold else "–"
        for name in ("f1", "precision", "recall", "word_f1")
    ]
    return [
        share(sum(each.wanted_found for each in scores), sum(each.wanted for each in scores)),
        share(sum(each.unwanted_absent for each in scores), sum(each.unwanted for each in scores)),
        *means,
        str(sum(each.empty for each in scores)),
    ]


def groups(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Groups of pages by the section they stand in: their own, the largest first, or a common one of small ones."""
    ordered = sorted(counts, key=lambda group: (-counts[group], group))
    sections = {group: [group] for group in ordered if counts[group] >= FEW}
    few = [group for group in ordered if counts[group] < FEW]
    return sections | ({f"{len(few)} others": few} if few else {})


def described(pages: Iterable[Gold]) -> str:
    pages = list(pages)
    with_text = sum(gold.text is not None for gold in pages)
    snippets = sum(bool(gold.wanted or gold.unwanted) for gold in pages)
    return f"{counted(len(pages), 'page')}, {with_text} with a gold text, {snippets} with snippets"


def report(corpus: str, pages: list[tuple[Page, Gold]], runs: Mapping[str, Run]) -> Iterator[str]:
    """Tables of one corpus: all pages, then each language or page type, a row an extraction."""
    gold = [gold for _, gold in pages]
    yield f"## {corpus}: {described(gold)}\n"
    dearest = max(each.cpu_ms for each in runs.values())
    rows = [
        [
            name,
            *cells(score for scores in each.scores.values() for score in scores),
            f"{each.cpu_ms:.2f}",
            f"1/{dearest / max(each.cpu_ms, 1e-3):.1f}",
        ]
        for name, each in runs.items()
    ]
    yield table(["extraction", *HEADINGS, "CPU ms a page", "of the dearest"], rows)
    for title, members in groups(Counter(each.group for each in gold)).items():
        yield f"### {corpus}, {title}: {described(each for each in gold if each.group in members)}\n"
        rows = [
            [name, *cells(score for group in members for score in each.scores[group])] for name, each in runs.items()
        ]
        yield table(["extraction", *HEADINGS], rows)


def gold_pages(corpus: Path, limit: int | None) -> list[tuple[Page, Gold]]:
    gold = read_gold(corpus)
    known = (
        (page, gold.get((Path(page.warc_file).name, page.warc_offset)))
        for page in read_pages(sorted(corpus.glob("*.warc.gz")))
    )
    return list(islice(((page, gold) for page, gold in known if gold is not None), limit))


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """Every extraction over every corpus that has gold texts, and on request a page to look at them side by side."""
    corpora: list[Path] = args.corpus or [folder for name in DEFAULT if (folder := corpus_folder(name)) is not None]
    corpora = [corpus for corpus in corpora if list(corpus.glob("gold.jsonl*"))]
    if not corpora:
        raise SystemExit(
            f"There is no gold.jsonl: give folders of WARC files and gold texts with --corpus or ${CORPUS}."
        )
    ways = WAYS | ({"blocks, by folds of hosts": args.folds} if args.folds is not None else {})
    ways = {name: way for name, way in ways.items() if any(fnmatchcase(name, pattern) for pattern in args.only)}
    shown: list[tuple[str, Page, Gold, dict[str, str]]] = []
    for corpus in corpora:
        pages = gold_pages(corpus, args.pages)
        runs = {}
        for name, settings in ways.items():
            note(f"{corpus.name}: {name}")
            runs[name] = run(settings, pages, args.rounds)
        for number in range(0, len(pages), max(1, len(pages) // LOOKED_AT)):
            page, gold = pages[number]
            texts = {name: each.texts[number] for name, each in runs.items() if name in LOOKED_FOR}
            shown.append((corpus.name, page, gold, texts))
        yield from report(corpus.name, pages, runs)
    if args.look is not None:
        write_look(args.look, [(name, page.url, gold.group, gold.text, texts) for name, page, gold, texts in shown])


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--corpus",),
        **{"type": Path, "nargs": "+", "metavar": "DIR"},
        help=f"*.warc.gz and gold.jsonl; default: {' and '.join(DEFAULT)} in ${CORPUS}",
    )
    parser.add_argument("--pages", type=positive, metavar="N", help="only the first N pages of each")
    parser.add_argument("--folds", type=Path, metavar="DIR", help="models by folds, of benchmarks.blocks.train")
    parser.add_argument(
        *("--only",), **{"nargs": "+", "default": ["*"], "metavar": "PATTERN"}, help="only extractions of these names"
    )
    parser.add_argument("--look", type=Path, metavar="FILE", help="write a page that shows texts side by side")


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
