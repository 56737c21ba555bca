"""`bateia summary --eu-ai-act`: the tables that the EU's summary of training content asks for, from a finished dataset.

The Act's article 53(1)(d) asks providers of general-purpose models for a public summary by the Commission's template,
the annex to C(2025) 5235 of 24 July 2025 (digital-strategy.ec.europa.eu/en/library/explanatory-notice-and-template-
public-summary-training-content-general-purpose-ai-models), whose numbers the sections have. Datasets that others
compiled and publish, such as Common Crawl's, belong in 2.1. The domains that most content is from (the top 10 % by
size; for small and medium providers the top 5 % or 1,000, whichever is fewer) are asked for in 2.3, of what the
provider's own crawlers brought; here they are those of all pages. What is not in a dataset, such as the provider's
name, is left to be filled in.

The numbers were checked in November 2026 against two renderings of the template by others, which agree on them (a data
model of its sections and a list of its duties, both in public repositories); the Commission's PDF could not be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.stages.datasets import READABLE, open_input
from schemas.manifest import Manifest
from schemas.storage import join, stream_table
from schemas.tally import host_of
from schemas.wording import plural

ROWS_AT_ONCE = 4096
TOP_SHARE, SMALL_SHARE, SMALL_MOST = 0.10, 0.05, 1000
# Of section 1.3, for text.
SIZE_RANGES = ((1e9, "less than 1 billion tokens"), (1e13, "1 billion to 10 trillion tokens"))
BYTES_OF_TOKEN = 4.0  # about what vocabularies of 32,768 make of English in UTF-8
COLUMNS = ("text", "url", "dump", "date", "language")
OPT_OUTS = {
    "excluded": "hosts on a list of the provider's (`--exclude-hosts`)",
    "reserved": "pages that reserve themselves by X-Robots-Tag, robots tags or TDM-Reservation (`DropReserved`)",
    "robots_txt": "pages that a robots.txt bars one of the named crawlers from (`--robots-drop`)",
    "url": "hosts and addresses of the recipe's block list",
}


@dataclass
class Content:
    """What a dataset holds. Sizes are bytes of text in UTF-8.

    domains, languages, crawls: [documents, bytes] by name
    first, last: earliest and latest date of a page, as written
    """

    documents: int = 0
    bytes: int = 0
    domains: dict[str, list[int]] = field(default_factory=dict)
    languages: dict[str, list[int]] = field(default_factory=dict)
    crawls: dict[str, list[int]] = field(default_factory=dict)
    first: str = ""
    last: str = ""

    def add(self, row: dict[str, Any]) -> None:
        size = len((row["text"] or "").encode("utf-8", "replace"))
        self.documents += 1
        self.bytes += size
        names = ((self.domains, host_of(row["url"] or "")), (self.languages, row["language"] or ""))
        for counts, name in (*names, (self.crawls, row["dump"] or "")):
            held = counts.setdefault(name or "not known", [0, 0])
            held[0] += 1
            held[1] += size
        if date := (row["date"] or "")[:10]:
            self.first, self.last = min(self.first or date, date), max(self.last, date)


def summary(folder: str, small: bool = False) -> str:
    """The summary of documents or a corpus, in Markdown. small: for a small provider, whose list may be shorter.

    Raises BadInput for what is no finished dataset.
    """
    manifest = open_input(folder, READABLE)
    content = Content()
    for row in rows_of(folder, manifest, "data/", COLUMNS):
        content.add(row)
    dropped = opt_outs(folder, manifest)
    return "\n".join(lines_of(folder, manifest, content, dropped, small)) + "\n"


def rows_of(folder: str, manifest: Manifest, prefix: str, columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    for entry in manifest.below(prefix):
        for batch in stream_table(join(folder, entry.path), ROWS_AT_ONCE):
            yield from batch.select(list(columns)).to_pylist()


def opt_outs(folder: str, manifest: Manifest) -> Counter[str] | None:
    """Pages that were left out for a reservation, by stage; None if the dataset has no ledger, as a corpus."""
    if manifest.stage != "curate":
        return None
    rows = rows_of(folder, manifest, "ledger/", ("stage",))
    return Counter(row["stage"] for row in rows if row["stage"] in OPT_OUTS)


def lines_of(
    folder: str, manifest: Manifest, content: Content, dropped: Counter[str] | None, small: bool
) -> Iterator[str]:
    """The template's lines, in its order and under its headings.

    content: sums by language, crawl and host
    dropped: pages that were left out for a reservation of rights, by stage; None where no ledger says
    small: whether the provider is an SME, for which the template asks for fewer domains
    """
    yield "# Summary of training content (Regulation (EU) 2024/1689, article 53(1)(d))"
    yield ""
    yield "Tables from the dataset itself; what stands in brackets is for the provider to fill in."
    yield ""
    yield "## 1. General information"
    yield ""
    yield "1.1 Provider: [name, contact, authorised representative]."
    yield "1.2 Model: [name and version, models that it depends on, date of placement on the market]."
    yield f"1.3 Modality: text. Training data: {size_range(content.bytes)}; {plural(content.documents, 'document')}, "
    yield f"{content.bytes / 1e9:,.3f} GB of text. Latest date of a page: {content.last or 'not known'}."
    yield f"Dataset: sha256 {manifest.dataset_hash}, made by Bateia {manifest.versions.get('bateia', '')}."
    yield ""
    yield from table("Languages", "language", content.languages, content.bytes, len(content.languages))
    yield "## 2. Data sources"
    yield ""
    period = f"{content.first} to {content.last}" if content.first else "not known"
    yield "2.1 Publicly available datasets: the crawls of this table that others published, such as Common Crawl's "
    yield f"CC-MAIN; dates of the pages: {period}."
    yield ""
    yield from table("Crawls", "crawl", content.crawls, content.bytes, len(content.crawls))
    yield "2.2 Private datasets: [list]. 2.4 User data, 2.5 synthetic data, 2.6 other sources: [list]."
    yield ""
    yield "2.3 Data crawled and scraped: [the provider's own crawlers, what they do and for what]. Of all pages here:"
    yield ""
    share = SMALL_SHARE if small else TOP_SHARE
    most = -(-len(content.domains) * int(100 * share) // 100)
    most = min(most, SMALL_MOST) if small else most
    title = f"Domains: the top {share:.0%} by size of text, {most:,} of {len(content.domains):,}"
    yield from table(title, "host", content.domains, content.bytes, most)
    yield "## 3. Data processing aspects"
    yield ""
    yield "3.1 Reservations of rights (Directive (EU) 2019/790, article 4(3)); code of practice: [signed or not]:"
    yield ""
    if dropped is None:
        yield "- what was left out stands in the ledger of the documents that this corpus was made of"
    else:
        yield from (f"- {about}: {plural(dropped[stage], 'page')} left out" for stage, about in OPT_OUTS.items())
    yield "- the crawler's own honouring of robots.txt: [Common Crawl's CCBot obeys it; name other crawlers]"
    yield ""
    yield f"3.2 Illegal content: [measures]. 3.3 Steps of the recipe: {steps_of(manifest)}."


def size_range(size: int) -> str:
    """The template's range for a text's size in bytes, by tokens of four bytes."""
    tokens = size / BYTES_OF_TOKEN
    return next((name for limit, name in SIZE_RANGES if tokens < limit), "more than 10 trillion tokens")


def table(title: str, name: str, counts: dict[str, list[int]], total: int, most: int) -> Iterator[str]:
    """The largest of the counts, as a table of Markdown."""
    yield f"### {title}"
    yield ""
    yield f"| {name} | documents | MB of text | share |"
    yield "| --- | --: | --: | --: |"
    for label, (documents, size) in sorted(counts.items(), key=lambda item: (-item[1][1], item[0]))[:most]:
        yield f"| {shown(label)} | {documents:,} | {size / 1e6:,.3f} | {size / max(total, 1):.2%} |"
    yield ""


def shown(label: str) -> str:
    """A host or a label of a hostile page, harmless in Markdown and in a terminal."""
    kept = "".join(char if char.isprintable() and char not in "|<>`\\[]*_&" else "\ufffd" for char in label)
    return kept[:120]


def steps_of(manifest: Manifest) -> str:
    steps = manifest.settings.get("recipe", {}).get("steps", [])
    return ", ".join(shown(str(step.get("step", ""))) for step in steps) or "none"
