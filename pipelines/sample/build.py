"""The embedded sample: invented articles inside a small, deliberately untidy web, built into WARC files.

Nothing here depends on the clock, the machine or the order of a directory: every build gives the same files.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipelines.sample.articles import WORLD, Article, read_articles
from pipelines.sample.copies import blocked_pages, exact_copies, near_copies, world_copies
from pipelines.sample.oddities import oddities
from pipelines.sample.personal import personal_pages
from pipelines.sample.records import DUMP, cut_short, flip_bytes, page_members, warcinfo
from pipelines.sample.sites import publish_all
from pipelines.sample.spam import spam_pages
from pipelines.sample.webpage import Delivery, WebPage, to_json
from pipelines.sample.wire import damaged_pages, wire_pages

BLOCKLIST = Path(__file__).parent / "blocklist"
EXPECTED = "expected.json"
ARTICLES_OF_EACH = 6

# Most records as Common Crawl has them; the rest as raw crawlers do.
DELIVERIES: tuple[Delivery, ...] = (
    "crawl",
    "crawl",
    "plain",
    "crawl",
    "gzip",
    "crawl",
    "chunked",
    "crawl",
    "gzip chunked",
    "plain",
)


@dataclass(frozen=True, slots=True)
class SampleIndex:
    """What was built.

    pages: one entry per response, as in `expected.json`.
    """

    dump: str
    warc_files: tuple[Path, ...]
    blocklist: Path
    expected: Path
    pages: tuple[dict[str, Any], ...]


def build_sample(output: Path, files: int = 2, world: bool = False) -> SampleIndex:
    """Write `files` WARC files, the block list and `expected.json` into `output`.

    world: the second crawl, of articles in the 21 languages, in place of the first.
    """
    if files < 1:
        raise ValueError(f"the sample needs at least one file, not {files}")
    output.mkdir(parents=True, exist_ok=True)
    warc_files, facts = [], []
    for number, pages in enumerate(spread(world_pages() if world else all_pages(), files)):
        path = output / warc_name(number, world)
        write(path, b"".join(members(pages, path.name)))
        warc_files.append(path)
        facts += [page.facts() | {"file": path.name} for page in pages]
    for source in sorted(path for path in BLOCKLIST.rglob("*") if path.name in ("domains", "urls")):
        write(output / BLOCKLIST.name / source.relative_to(BLOCKLIST), source.read_bytes())
    expected = output / EXPECTED
    write(expected, to_json({"dump": DUMP, "files": [path.name for path in warc_files], "pages": facts}).encode())
    return SampleIndex(DUMP, tuple(warc_files), output / BLOCKLIST.name, expected, tuple(facts))


def warc_name(number: int, world: bool = False) -> str:
    return f"bateia-{'world' if world else 'sample'}-{number:05}.warc.gz"


def names_of_files(files: int = 2, world: bool = False) -> frozenset[str]:
    """Names of all that `build_sample` writes directly in its folder."""
    return frozenset({*(warc_name(number, world) for number in range(files)), BLOCKLIST.name, EXPECTED})


def world_articles() -> list[Article]:
    """Six articles in each of the 21 languages: of languages that the first crawl has, its first six."""
    taken, articles = Counter[str](), []
    for article in (*read_articles(), *read_articles(WORLD)):
        taken[article.language] += 1
        articles += [article] if taken[article.language] <= ARTICLES_OF_EACH else []
    return articles


def world_pages() -> list[WebPage]:
    """The second crawl's pages, in an order that mixes languages."""
    articles = world_articles()
    published = publish_all(articles)
    by_title = {article.title: page for article, page in zip(articles, published, strict=True)}
    pages = sorted([*published, *world_copies(articles, by_title)], key=lambda page: sha256(page.url.encode()).digest())
    return [with_delivery(page, turn) for turn, page in enumerate(pages)]


def all_pages() -> list[WebPage]:
    """Every page, in an order that mixes sites and kinds as a crawl does."""
    articles = read_articles()
    published = publish_all(articles)
    by_title = {article.title: page for article, page in zip(articles, published, strict=True)}
    pages = [
        *published,
        *near_copies(articles, by_title),
        *exact_copies(articles, by_title),
        *blocked_pages(articles),
        *personal_pages(),
        *spam_pages(),
        *oddities(),
        *wire_pages(),
    ]
    pages = sorted(pages, key=lambda page: sha256(page.url.encode()).digest())
    pages = [with_delivery(page, turn) for turn, page in enumerate(pages)]
    broken, truncated = damaged_pages(articles)
    return [*pages[: len(pages) // 4], broken, *pages[len(pages) // 4 :], truncated]


def with_delivery(page: WebPage, turn: int) -> WebPage:
    """The page in one of the ways in which bodies are stored; some crawlers don't say what they have identified."""
    if not page.status.startswith("200") or not page.body or page.kind == "dns":
        return page
    identified = None if turn % 9 == 8 else page.identified
    return replace(page, delivery=DELIVERIES[turn % len(DELIVERIES)], identified=identified)


def spread(pages: list[WebPage], files: int) -> list[list[WebPage]]:
    """Equal runs of pages. A broken record at a quarter of all lies in the middle of the first of two files."""
    bounds = [len(pages) * n // files for n in range(files + 1)]
    return [pages[start:end] for start, end in pairwise(bounds)]


def members(pages: Iterable[WebPage], filename: str) -> Iterable[bytes]:
    """A WARC file's gzip members, damaged where the sample wants them to be."""
    yield warcinfo(filename)
    for page in pages:
        records = page_members(page, filename)
        if page.kind == "broken_record":
            records[1] = flip_bytes(records[1])
        if page.kind == "truncated_record":
            records[1:] = [cut_short(records[1])]
        yield from records


def write(path: Path, data: bytes) -> None:
    """Write to a temporary name first, so that a file under its own name is always whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
