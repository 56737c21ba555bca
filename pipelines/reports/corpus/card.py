"""README.md of a corpus: a Hugging Face dataset card made of what the run knows, and of nothing else.

The same corpus gives the same bytes: no date of today, no time, no path and no name of this machine. templates/card.md
holds the words; whatever it prints is code (`code`) unless it is a number, so names from outside are no markup.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pipelines.reports.corpus.summary import CorpusSummary, settings_of
from pipelines.reports.formats import NOTHING, visible
from pipelines.reports.records import top
from pipelines.reports.render import new_environment
from schemas.corpus import corpus_schema
from schemas.corpus_tally import CorpusTally

if TYPE_CHECKING:
    from jinja2 import Environment

DUMPS_SHOWN = 100
VALUE_CHARS = 300  # of a setting or a name; manifest.json has all of it
SIMILARITIES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)  # Jaccard similarities
COMMON_CRAWL_TERMS = "https://commoncrawl.org/terms-of-use"

# What each column means. A test holds these names to the schema.
MEANINGS = {
    "text": "the text that extraction and cleaning left of the page",
    "id": "the WARC record's id",
    "dump": "the crawl that the page comes from",
    "url": "address of the page",
    "date": "when the page was fetched",
    "file_path": "WARC file that holds the page",
    "language": "language of the text, as the language model told it",
    "language_score": "how sure the language model was, 0 to 1",
    "token_count": "tokens of the text; null if no tokenizer was given",
    "warc_offset": "where the page's record starts in the WARC file (bytes)",
    "title": "the page's `<title>`, with personal data replaced as in the text",
    "language_script": "language and script by FineWeb2's label, such as por_Latn",
    "license": "Creative Commons license that the page names, such as cc-by-4.0",
    "license_found": "where on the page it stands: link, meta, json-ld, a rel, or a (which may mean a part of it)",
    "robots": "what headers and tags of the page say to robots",
    "cluster_id": "cluster of these documents in `clusters/`; null for a document that nothing duplicates",
    "cluster_size": "documents that were equal or nearly equal to this one, itself included",
    "rehydration_weight": "how often FineWeb2 would repeat a document for the size of its cluster",
    "quality": "what the rules of the filters measured, by their names, before the text was cleaned",
}


def make_card(summary: CorpusSummary) -> str:
    """The whole card."""
    manifest, tally = summary.manifest, summary.tally
    kept = [language for language in summary.languages if language.kept]
    weights = bytes_by_language(summary)
    dedup, pii = summary.step("Deduplicate"), summary.step("ScrubPii")
    dumps = top(tally.dumps, DUMPS_SHOWN)
    template = _environment().get_template("card.md")
    return template.render(
        front_matter=Markup(front_matter(summary.recipe["name"], tally, [row.language for row in kept])),
        name=summary.recipe["name"],
        tally=tally,
        tokens=manifest.counts.get("tokens"),
        unlike=manifest.counts.get("unlike"),
        tokenizer=summary.tokenizer,
        lines=summary.step("DropRepeatedLines"),
        pii=pii,
        dedup=dedup,
        languages=[(row, weights.get(row.language)) for row in kept],
        all_bytes=sum(weights.values()),
        dumps=dumps,
        more_dumps=len(tally.dumps) - len(dumps),
        funnel=summary.funnel,
        is_curated=bool(summary.read),
        configuration=Markup(re.sub(r"[^\w-]", "", kept[0].language if kept else "en")),
        columns=corpus_schema(bool(dedup and dedup.get("rehydrate")), summary.measures, summary.columns),
        MEANINGS=MEANINGS,
        link_probabilities=link_probabilities(dedup) if dedup else [],
        replaced=replaced_types(pii, tally) if pii else [],
        recipe=settings_of(summary.recipe),
        curated_with=[(name, settings_of(recipe)) for name, recipe in summary.recipes.items()],
        is_common_crawl=is_common_crawl(tally),
        COMMON_CRAWL_TERMS=Markup(COMMON_CRAWL_TERMS),
        dataset_hash=manifest.dataset_hash,
        inputs=summary.inputs,
        versions=versions_of(summary),
    )


# --- Markdown ---------------------------------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    environment = new_environment(finalize=_in_markdown)
    for name in ("plural", "share", "size", "language_name"):  # of numbers alone, so they are no code
        write = environment.globals[name]
        environment.globals[name] = lambda *values, write=write: Markup(write(*values))
    environment.filters |= {"plain": plain, "bare": bare}
    return environment


def _in_markdown(value: Any) -> Markup:
    """A value as the template prints it: words that are marked as ours, numbers, and all others as code."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup(NOTHING)
    return Markup(f"{value:,}" if isinstance(value, int) else code(value))


def code(value: Any) -> str:
    """A name or a value from outside as Markdown code, harmless in a table too."""
    text = str(value)
    text = text if len(text) <= VALUE_CHARS else text[:VALUE_CHARS] + "…"
    text = "".join(visible(character) for character in text).replace("`", "'")
    text = text.replace("\\|", "\\ |").replace("|", "\\|")  # '\\|' would be a backslash and the end of a cell
    return f"`{text.strip() or ' '}`"


def bare(text: str) -> Markup:
    """A word from outside as it is, unless there is something in it that might be markup."""
    return Markup(text if re.fullmatch(r"[\w.+-]+", text, re.ASCII) else code(text))


def plain(text: str) -> Markup:
    """Words of ours in a cell, where a mark would end it and a tag vanish."""
    return Markup(text.replace("|", "\\|").replace("<", "&lt;"))


# --- Front matter -----------------------------------------------------------------------------------------------------


def front_matter(name: str, tally: CorpusTally, languages: list[str]) -> str:
    """The YAML block by which Hugging Face's tools know what is data and what lies beside it.

    name: of the recipe.
    languages: with documents in the corpus. Each has a configuration of its own; only what configurations name is data,
    and clusters/, pii/ and signatures/ are not.
    """
    import yaml

    shown = ["".join(map(visible, language)) for language in sorted(languages)]
    codes = {code[0] for language in shown if (code := re.match(r"[a-z]{2,3}(?![a-z])", language))} - {"und"}
    common_crawl = is_common_crawl(tally)
    fields: dict[str, Any] = {
        "pretty_name": "".join(map(visible, name)) + " corpus",
        "language": sorted(codes),
        "license": "other",
        "license_name": "texts-belong-to-their-sites",
        "license_link": COMMON_CRAWL_TERMS if common_crawl else None,
        "task_categories": ["text-generation"],
        "size_categories": [size_category(tally.kept)],
        "tags": ["bateia", *(["common-crawl"] if common_crawl else []), "text", "web"],
        "configs": [
            {"config_name": name, "data_files": [{"split": "train", "path": f"data/{folder}/*.parquet"}]}
            for name, folder in [("default", "*"), *((language, language) for language in shown)]
        ],
    }
    given = {name: value for name, value in fields.items() if value}
    return f"---\n{yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=math.inf)}---\n"


def is_common_crawl(tally: CorpusTally) -> bool:
    return any(dump.startswith("CC-MAIN-") for dump in tally.dumps)


def size_category(rows: int) -> str:
    """Hugging Face's name for a number of rows."""
    names = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    edges = [10 ** (3 + power) for power in range(len(names))]
    if rows < edges[0]:
        return "n<1K"
    passed = sum(rows >= edge for edge in edges)
    return f"{names[passed - 1]}<n<{names[passed]}" if passed < len(names) else "n>1T"


# --- Its tables -------------------------------------------------------------------------------------------------------


def bytes_by_language(summary: CorpusSummary) -> dict[str, int]:
    """Bytes of Parquet in each language's folder of data/."""
    sizes: dict[str, int] = {}
    for file in summary.manifest.files:
        if file.path.startswith("data/"):
            language = file.path.split("/")[1]
            sizes[language] = sizes.get(language, 0) + file.bytes
    return sizes


def link_probability(similarity: float, bands: int, rows: int) -> float:
    """How probably two documents of this Jaccard similarity share a band."""
    return 1 - (1 - similarity**rows) ** bands


def link_probabilities(dedup: dict[str, Any]) -> list[tuple[float, float]]:
    return [(similarity, link_probability(similarity, dedup["bands"], dedup["rows"])) for similarity in SIMILARITIES]


def replaced_types(pii: dict[str, Any], tally: CorpusTally) -> list[tuple[str, int, int]]:
    """(type, documents, spans) of personal data, the most frequent first; types that were looked for in vain too."""
    counts = {kind: [0, 0] for kind in pii["types"]} | tally.pii
    ranked = sorted(counts.items(), key=lambda item: (-item[1][1], item[0]))
    return [(kind, documents, spans) for kind, (documents, spans) in ranked]


def versions_of(summary: CorpusSummary) -> list[tuple[str, list[str]]]:
    """Packages by name with the versions that this corpus and its inputs were made with."""
    versions = {name: {version} for name, version in summary.manifest.versions.items()}
    for origin in summary.origins:
        for name, version in origin.manifest.versions.items():
            versions.setdefault(name, set()).add(version)
    return [(name, sorted(numbers)) for name, numbers in sorted(versions.items())]
