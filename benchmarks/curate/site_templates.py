"""Question: what do the lines that a site repeats from page to page cost in precision, and what goes with them?

    python -m benchmarks.curate.site_templates --corpus DIR … --look out/lines.txt --out

DIR as for extraction_quality. All pages of a folder are extracted, those without gold too; the lines of each site are
counted as `bateia templates` counts them, and taken out as the step RemoveTemplateLines does. Measured are tokens and
snippets as in extraction_quality, before and after, over pages with a gold text. Those of sites with fewer different
texts than --min-pages can't change and stand in the last column alone. A folder holds a few pages of each site, a crawl
more: what is found here is the least. Results name no texts; --look lists the lines that went, for one's own eyes.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.curate.extraction_quality import DEFAULT, RECIPE, Gold, Score, extract_all, read_gold, score
from benchmarks.harness import Benchmark, counted, note, positive, table
from benchmarks.inputs import CORPUS, corpus_folder, read_pages
from schemas.document import Page
from transforms.dedup.site_lines import LINE, smallest_texts
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.templates.keys import keyed_lines, text_key
from transforms.steps.templates.remove import KEYS, RemoveTemplateLines
from transforms.steps.text.structure import lines_of
from transforms.steps.urls.sites import site_of

WAYS: dict[str, ExtractText] = {
    "trafilatura precision (recipe `fineweb`)": RECIPE,
    "blocks as Markdown (recipe `web`)": replace(RECIPE, extractor="blocks", format="markdown"),
}
MIN_PAGES = (2, 3, 4)
MAX_SHARES = (0.5, 1.0)
SAME = 0.0005  # a difference of F1 that is none


@dataclass(frozen=True)
class Text:
    """What an extraction gave of a page.

    gold: what people said of the page, or None. score: of the text as it is; None without gold.
    """

    url: str
    text: str
    gold: Gold | None
    score: Score | None

    @classmethod
    def of(cls, page: Page, text: str, gold: Gold | None) -> Text:
        return cls(page.url, text, gold, score(text, gold) if gold is not None else None)


@dataclass(frozen=True)
class Outcome:
    """What the step made of all pages of a corpus.

    scores: before and after, of pages with gold on which it may do anything.
    others: of all other pages with gold.
    lines: that went from how many pages, of all pages; whole: pages that stay whole for being template for the most.
    """

    scores: Sequence[tuple[Score, Score]]
    others: Sequence[Score]
    lines: int
    pages: int
    whole: int


def write_keys(texts: Sequence[Text], min_pages: int, folder: Path) -> RemoveTemplateLines:
    """The step for the sites of these texts, as `bateia templates` would have it."""
    pairs = {(line.key, text_key(each.text)) for each in texts for line in keyed_lines(each.url, each.text)}
    rows = smallest_texts(np.array(sorted(pairs), LINE), min_pages)
    keys, counts = np.unique(rows["key"], return_counts=True)
    folder.mkdir(parents=True)
    np.save(folder / KEYS, keys[counts >= min_pages])
    return RemoveTemplateLines(str(folder))


def outcome(texts: Sequence[Text], step: RemoveTemplateLines, min_pages: int) -> Outcome:
    of_site: dict[str, set[int]] = defaultdict(set)
    for each in texts:
        of_site[site_of(each.url)].add(text_key(each.text))
    scores, others, lines, pages, whole = [], [], 0, 0, 0
    for each in texts:
        removed = step.remove(each.url, each.text)
        lines, pages, whole = (
            lines + removed.lines,
            pages + (removed.lines > 0),
            whole + (removed.share > step.max_share),
        )
        if each.score is None:
            continue
        assert each.gold is not None
        if len(of_site[site_of(each.url)]) < min_pages:
            others.append(each.score)
        else:
            scores.append((each.score, score(removed.text, each.gold) if removed.lines else each.score))
    return Outcome(scores, others, lines, pages, whole)


def means(scores: Sequence[Score]) -> list[str]:
    with_text = [each for each in scores if each.precision is not None]
    return [f"{mean(getattr(each, name) for each in with_text):.4f}" for name in ("f1", "precision", "recall")]


def snippets(scores: Sequence[Score]) -> list[str]:
    """Shares of snippets that belong to texts and are found, and of those that don't and are absent."""
    wanted, unwanted = sum(each.wanted for each in scores), sum(each.unwanted for each in scores)
    found, absent = sum(each.wanted_found for each in scores), sum(each.unwanted_absent for each in scores)
    return [f"{found / wanted:.4f}" if wanted else "–", f"{absent / unwanted:.4f}" if unwanted else "–"]


def row(name: str, found: Outcome) -> list[object]:
    before, after = [one for one, _ in found.scores], [two for _, two in found.scores]
    changes = [two.f1 - one.f1 for one, two in found.scores if one.f1 is not None and two.f1 is not None]
    everything = [*found.others, *before], [*found.others, *after]
    pairs = [f"{one} → {two}" for way in (means, snippets) for one, two in zip(way(before), way(after), strict=True)]
    return [
        name,
        len(changes),
        *pairs,
        f"{sum(each > SAME for each in changes)} / {sum(each < -SAME for each in changes)}",
        f"{min(changes, default=0):+.3f}",
        f"{found.lines:,} of {found.pages:,}",
        found.whole,
        f"{means(everything[0])[0]} → {means(everything[1])[0]}",
    ]


HEADINGS = ("", "pages", "token F1", "precision", "recall", "`with` found", "`without` absent")
HEADINGS += ("F1 better / worse", "worst", "lines of pages", "left whole", "F1 of all gold pages")


def listed(name: str, texts: Sequence[Text], step: RemoveTemplateLines) -> Iterator[str]:
    """The lines that went, those of most pages first, with whether people count them as text anywhere."""
    went: Counter[tuple[str, str]] = Counter()
    wanted: Counter[tuple[str, str]] = Counter()
    for each in texts:
        removed = step.remove(each.url, each.text)
        if not removed.lines:
            continue
        gone = Counter(line.text.strip() for line in lines_of(each.text))
        gone.subtract(line.text.strip() for line in lines_of(removed.text))
        for line in (line for line, times in gone.items() if line and times > 0):
            went[site_of(each.url), line] += 1
            wanted[site_of(each.url), line] += bool(each.gold and each.gold.text and line in each.gold.text)
    yield f"## {name}"
    for (site, line), times in went.most_common():
        yield f"{times}\t{wanted[site, line]}\t{site}\t{line[:300]}"


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The step on every corpus that has gold texts and every extraction; then by its settings."""
    corpora: list[Path] = args.corpus or [folder for name in DEFAULT if (folder := corpus_folder(name)) is not None]
    corpora = [corpus for corpus in corpora if list(corpus.glob("gold.jsonl*"))]
    if not corpora:
        raise SystemExit(f"There is no gold.jsonl: give folders with --corpus or ${CORPUS}.")
    texts: dict[tuple[str, str], list[Text]] = {}
    for corpus in corpora:
        gold = read_gold(corpus)
        pages = list(read_pages(sorted(corpus.glob("*.warc.gz"))))[: args.pages]
        sites = Counter(site_of(page.url) for page in pages)
        many = sum(count for count in sites.values() if count >= args.min_pages)
        large = counted(sum(count >= args.min_pages for count in sites.values()), "site")
        told = f"{counted(len(pages), 'page')} of {counted(len(sites), 'site')}, {many:,} of them of {large}"
        yield f"{corpus.name}: {told} with {args.min_pages} pages or more.\n"
        for name, settings in WAYS.items():
            note(f"{corpus.name}: {name}")
            known = (gold.get((Path(page.warc_file).name, page.warc_offset)) for page in pages)
            given = zip(pages, extract_all(settings, pages)[0], known, strict=True)
            texts[corpus.name, name] = [Text.of(*each) for each in given]
    yield from tables(texts, args.min_pages, scratch)
    if args.look is not None:
        steps = {
            key: write_keys(each, args.min_pages, scratch / "look" / str(number))
            for number, (key, each) in enumerate(texts.items())
        }
        args.look.write_text(
            "\n".join(line for key, each in texts.items() for line in listed(", ".join(key), each, steps[key]))
        )


def tables(texts: Mapping[tuple[str, str], Sequence[Text]], min_pages: int, scratch: Path) -> Iterator[str]:
    yield "## As `bateia templates` and the step do it\n"
    rows = []
    for number, (key, each) in enumerate(texts.items()):
        step = write_keys(each, min_pages, scratch / f"keys-{number}")
        rows.append(row(", ".join(key), outcome(each, step, min_pages)))
    yield table(HEADINGS, rows)
    for (corpus, name), each in texts.items():
        yield f"## {corpus}, {name}: by settings, over the pages of sites with {min(MIN_PAGES)} texts or more\n"
        rows, folder = [], scratch / corpus / name.split()[0]
        for least in MIN_PAGES:
            step = write_keys(each, least, folder / str(least))
            shares = MAX_SHARES if least == min_pages else (step.max_share,)
            for share in shares:
                found = outcome(each, replace(step, max_share=share), min(MIN_PAGES))
                rows.append(row(f"{least} pages, at most {share:.0%} of a page", found))
        yield table(HEADINGS, rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--corpus",),
        **{"type": Path, "nargs": "+", "metavar": "DIR"},
        help=f"*.warc.gz and gold.jsonl; default: {' and '.join(DEFAULT)} in ${CORPUS}",
    )
    parser.add_argument("--pages", type=positive, metavar="N", help="only the first N pages of each")
    parser.add_argument("--min-pages", type=positive, default=3, metavar="N", help="as of `bateia templates`")
    parser.add_argument("--look", type=Path, metavar="FILE", help="write the lines that went")


BENCHMARK = Benchmark(
    __file__,
    "Lines that sites repeat, against gold texts",
    __doc__,
    compare,
    add_options,
    quick={"pages": 200},
    packages=("trafilatura", "lxml", "tldextract"),
)

if __name__ == "__main__":
    BENCHMARK.main()
