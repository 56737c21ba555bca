"""README.md of a corpus: a Hugging Face dataset card made of what the run knows, and of nothing else.

The same corpus gives the same bytes: no date of today, no time, no path and no name of this machine.
"""

from __future__ import annotations

from typing import Any

from pipelines.corpus_front_matter import front_matter
from pipelines.corpus_notes import TAKEDOWN, code, deduplication, licence, limits, personal_data, step_of, table
from pipelines.corpus_report import (
    curated_inputs,
    funnel_of,
    inputs_of,
    languages_of,
    recipes_of,
    settings_of,
    tokenizer_of,
)
from pipelines.report import top
from pipelines.report_charts import plural, share, size
from schemas.corpus import corpus_schema
from schemas.corpus_tally import CorpusTally
from schemas.manifest import Manifest

DUMPS_SHOWN = 100

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
    "cluster_id": "cluster of these documents in `clusters/`; null for a document that nothing duplicates",
    "cluster_size": "documents that were equal or nearly equal to this one, itself included",
    "rehydration_weight": "how often FineWeb2 would repeat a document for the size of its cluster",
}


def card_of(manifest: Manifest, tally: CorpusTally, lineage: list[dict[str, Any]]) -> str:
    """The whole card. Raises KeyError for a manifest that is not a corpus'."""
    curated = curated_inputs(manifest, lineage)
    sections = [
        introduction(manifest, tally),
        numbers(manifest, tally),
        funnel(manifest, tally, curated),
        loading(tally),
        columns(manifest),
        deduplication(manifest, tally),
        personal_data(manifest, tally),
        recipe(manifest, curated),
        licence(tally),
        TAKEDOWN,
        limits(manifest),
        reproducing(manifest, lineage),
    ]
    return (
        front_matter(manifest.settings["recipe"]["name"], tally)
        + "\n"
        + "\n\n".join(section.strip() for section in sections)
        + "\n"
    )


def introduction(manifest: Manifest, tally: CorpusTally) -> str:
    kept = plural(tally.kept, "document")
    tokens = manifest.counts.get("tokens")
    told = f"{kept}, {tally.chars_kept:,} characters" + (f", {tokens:,} tokens" if tokens is not None else "")
    steps = {step["step"] for step in manifest.settings["recipe"]["steps"]}
    done = [
        said
        for step, said in (
            ("DropRepeatedLines", "freed of repeated lines"),
            ("ScrubPii", "scrubbed of some kinds of personal data"),
            ("Deduplicate", "deduplicated"),
        )
        if step in steps
    ]
    return f"""
# {code(manifest.settings["recipe"]["name"])} corpus

Text of web pages, extracted from WARC files, filtered{", " + ", ".join(done) if done else ""}: {told}.
Made by Bateia; every number on this card is counted by the run that wrote it. `report.html` shows them as pictures.
"""


def numbers(manifest: Manifest, tally: CorpusTally) -> str:
    """Documents, characters, tokens and bytes of each language, and the crawls they come from."""
    counted = manifest.counts.get("tokens") is not None
    weights: dict[str, int] = {}
    for file in manifest.files:
        if file.path.startswith("data/"):
            name = file.path.split("/")[1]
            weights[name] = weights.get(name, 0) + file.bytes
    rows = []
    for row in [row for row in languages_of(tally) if row["kept"]]:
        tokens = [f"{row['tokens']:,}"] if counted else []
        weight = size(weights[row["language"]]) if row["language"] in weights else "–"
        rows.append([code(row["language"]), f"{row['kept']:,}", f"{row['chars']:,}", *tokens, weight])
    total = [f"{tally.kept:,}", f"{tally.chars_kept:,}", *([f"{tally.tokens:,}"] if counted else [])]
    rows.append(["all", *total, size(sum(weights.values()))])
    heads = ["Language", ">Documents", ">Characters", *([">Tokens"] if counted else []), ">Parquet"]
    tokenizer = tokenizer_of(manifest)
    told = f"\n\nTokens of {code(tokenizer['name'])}, sha256 {code(tokenizer['sha256'])}." if tokenizer else ""
    return f"## Numbers\n\n{table(heads, rows)}{told}\n\n{crawls(tally)}"


def crawls(tally: CorpusTally) -> str:
    ranked = top(tally.dumps, DUMPS_SHOWN)
    rows = [[code(name or "unknown"), f"{read:,}", f"{kept:,}", share(kept, read)] for name, read, kept in ranked]
    more = f"\n\nand {len(tally.dumps) - len(rows):,} more." if len(tally.dumps) > len(rows) else ""
    return table(["Crawl", ">Before deduplication", ">In the corpus", ">Share"], rows) + more if rows else ""


def funnel(manifest: Manifest, tally: CorpusTally, curated: list[dict[str, Any]]) -> str:
    """How many pages each stage saw and lost, from HTTP responses to the corpus."""
    stages = funnel_of(manifest, tally, curated)
    rows = [
        [code(row["stage"]), f"{row['reached']:,}", f"{row['dropped']:,}", share(row["dropped"], row["reached"])]
        for row in stages
    ]
    first = stages[0]["reached"] if stages else tally.read
    rows.append(["**in the corpus**", f"**{tally.kept:,}**", "", f"{share(tally.kept, first)} of the first"])
    heads = ["Stage", ">Reached", ">Ended here", ">Share"]
    counted = "The first row counts HTTP responses in WARC files.\n\n" if curated else ""
    return f"## From web archive to corpus\n\n{counted}{table(heads, rows)}"


def columns(manifest: Manifest) -> str:
    weighted = bool((step_of(manifest, "Deduplicate") or {}).get("rehydrate"))
    rows = [[code(field.name), code(field.type), MEANINGS[field.name]] for field in corpus_schema(weighted)]
    return f"""
## Columns

Of `data/<language>/*.parquet`:

{table(["Column", "Type", "Meaning"], rows)}

Beside the texts: `clusters/` tells which documents duplicated which, `signatures/` holds the hashes that later crawls
are compared with, `pii/` where personal data was replaced (never the value), `manifest.json` every file's sha256.
They are no part of the configurations above.
"""


def recipe(manifest: Manifest, curated: list[dict[str, Any]]) -> str:
    parts = ["## Recipe", settings_table(manifest.settings["recipe"])]
    for name, settings in recipes_of(curated).items():
        parts += [f"Before that, documents were curated with {code(name)}:", settings_table(settings)]
    return "\n\n".join(parts)


def plain(text: str) -> str:
    """Words of ours in a cell, where a mark would end it and a tag vanish."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def settings_table(settings: dict[str, Any]) -> str:
    rows = [
        [*(code(row[name]) for name in ("step", "name", "value")), plain(row["about"])] for row in settings_of(settings)
    ]
    return table(["Step", "Setting", "Value", "Meaning"], rows) if rows else "No step."


def reproducing(manifest: Manifest, lineage: list[dict[str, Any]]) -> str:
    rows = []
    for source in inputs_of(manifest, lineage):
        warcs = f"{source['warc_files']:,} ({size(source['warc_bytes'])})" if source["warc_files"] else "–"
        documents = f"{source['documents']:,}" if source["documents"] is not None else "–"
        recipe_ = code(source["recipe"]) if source["recipe"] else "–"
        rows.append([code(source["name"]), source["role"], code(source["dataset_hash"]), documents, recipe_, warcs])
    heads = ["Directory", "Role", "Dataset hash", ">Documents", "Recipe", ">WARC files"]
    versions = {name: {version} for name, version in manifest.versions.items()}
    for entry in lineage:
        for name, version in entry["manifest"].get("versions", {}).items():
            versions.setdefault(name, set()).add(version)
    told = ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in sorted(versions.items()))
    return f"""
## Reproducing it

The same input, recipe and versions give the same bytes, on any runner and with any number of workers.
Dataset hash of this corpus (sha256 over its files' paths and hashes): {code(manifest.dataset_hash)}

{table(heads, rows)}

Versions: {told}. The WARC files' names and sizes are in the manifests of the directories above.
"""


def loading(tally: CorpusTally) -> str:
    """How to read it, with a language that is there."""
    language = next((row["language"] for row in languages_of(tally) if row["kept"]), "en")
    name = "".join(character for character in language if character.isalnum() or character in "_-")
    return f"""
## Loading it

```python
from datasets import load_dataset

everything = load_dataset("path/to/this/folder", split="train", streaming=True)
one_language = load_dataset("path/to/this/folder", "{name}", split="train")
```

```sql
-- DuckDB, in this folder
select url, cluster_size, text from 'data/*/*.parquet' where cluster_size > 10 limit 10;
```
"""
