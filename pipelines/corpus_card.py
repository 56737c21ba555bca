"""README.md of a corpus: a Hugging Face dataset card made of what the run knows, and of nothing else.

The same corpus gives the same bytes: no date of today, no time, no path and no name of this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.corpus_report import (
    curated_inputs,
    funnel_of,
    inputs_of,
    languages_of,
    pii_of,
    recipes_of,
    settings_of,
    tokenizer_of,
)
from pipelines.report import top
from pipelines.report_charts import plural, share, size, visible
from schemas.corpus import corpus_schema
from schemas.corpus_tally import CorpusTally
from schemas.manifest import Manifest

DUMPS_SHOWN = 100
VALUE_CHARS = 300  # of a setting or a name; manifest.json has all of it
COMMON_CRAWL_TERMS = "https://commoncrawl.org/terms-of-use"
CONTACT = "**TO BE FILLED IN BY THE PUBLISHER: a contact that is read**"

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
    "cluster_size": "documents that were equal or nearly equal to this one, itself included",
    "rehydration_weight": "how often FineWeb2 would repeat a document for the size of its cluster",
}
PROBABILITIES_AT = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)  # Jaccard similarities


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
        licence(manifest, tally),
        TAKEDOWN,
        limits(manifest),
        reproducing(manifest, lineage),
    ]
    return front_matter(manifest, tally) + "\n" + "\n\n".join(section.strip() for section in sections) + "\n"


def code(value: Any) -> str:
    """A name or a value from outside as Markdown code, harmless in a table too."""
    text = str(value)
    text = text if len(text) <= VALUE_CHARS else text[:VALUE_CHARS] + "…"
    text = "".join(visible(character) for character in text).replace("`", "'").replace("|", "\\|")
    return f"`{text or ' '}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a head that starts with > is of numbers."""
    marks = ["---:" if head.startswith(">") else "---" for head in heads]
    lines = [[head.removeprefix(">") for head in heads], marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def step_of(manifest: Manifest, name: str) -> dict[str, Any] | None:
    """The settings of a step; None if it is off."""
    return next((step for step in manifest.settings["recipe"]["steps"] if step["step"] == name), None)


def front_matter(manifest: Manifest, tally: CorpusTally) -> str:
    """The YAML block. Every value is quoted: bare `no` would be false. Configs keep clusters/ and pii/ out of the data."""
    languages = sorted(row["language"] for row in languages_of(tally) if row["kept"])
    codes = sorted({found[0] for name in languages if (found := re.match(r"[a-z]{2,3}(?![a-z])", name))} - {"und"})
    lines = ["---", f"pretty_name: {quoted(manifest.settings['recipe']['name'] + ' corpus')}"]
    lines += yaml_list("language", codes)
    lines += ['license: "other"', 'license_name: "texts-belong-to-their-sites"']
    lines += [f"license_link: {quoted(COMMON_CRAWL_TERMS)}"] if is_common_crawl(tally) else []
    lines += yaml_list("task_categories", ["text-generation"])
    lines += yaml_list("size_categories", [size_category(tally.kept)])
    crawl = ["common-crawl"] if is_common_crawl(tally) else []
    lines += yaml_list("tags", ["bateia", *crawl, "text", "web"])
    lines.append("configs:")
    for name, folder in [("default", "*"), *((name, name) for name in languages)]:
        lines += [f"- config_name: {quoted(name)}", "  data_files:"]
        lines += ['  - split: "train"', f"    path: {quoted(f'data/{folder}/*.parquet')}"]
    return "\n".join([*lines, "---", ""])


def quoted(text: str) -> str:
    """A YAML string in double quotes; JSON's form is one of YAML's, once unseen characters are named."""
    return json.dumps("".join(visible(character) for character in text), ensure_ascii=False)


def yaml_list(name: str, values: Sequence[str]) -> list[str]:
    return [f"{name}:", *(f"- {quoted(value)}" for value in values)] if values else []


def is_common_crawl(tally: CorpusTally) -> bool:
    return any(dump.startswith("CC-MAIN-") for dump in tally.dumps)


def size_category(rows: int) -> str:
    """Hugging Face's name for a number of rows."""
    names = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    edges = [10 ** (3 + place) for place in range(len(names))]
    if rows < edges[0]:
        return "n<1K"
    place = sum(rows >= edge for edge in edges)
    return f"{names[place - 1]}<n<{names[place]}" if place < len(names) else "n>1T"


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
    return (
        f"## From web archive to corpus\n\nThe first row counts HTTP responses in WARC files.\n\n{table(heads, rows)}"
    )


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


def deduplication(manifest: Manifest, tally: CorpusTally) -> str:
    step = step_of(manifest, "Deduplicate")
    if step is None:
        return "## Deduplication\n\nNone: equal documents are all here."
    bands, hashes, shingle = step["bands"], step["rows"], step["shingle"]
    scope = {"dump": "of the same crawl", "language": "of the same language", "all": "of the whole input"}
    keep = {"first": "the first by crawl and id", "longest": "the longest text, and of equals the first"}
    rows = [[f"{s:.2f}", f"{1 - (1 - s**hashes) ** bands:.3f}"] for s in PROBABILITIES_AT]
    earlier = f" {plural(tally.earlier, 'copy').replace('copys', 'copies')} of documents of an earlier corpus went too."
    return f"""
## Deduplication

Documents {scope.get(step["scope"], step["scope"])} were compared. Two are linked if their normalised texts (NFC, lower case, white space as one space)
are equal, or if they share one of {bands} bands of {hashes} MinHash values over n-grams of {shingle} words; links chain into clusters. Of each
cluster one document stays: {keep.get(step["keep"], step["keep"])}. Texts of fewer than {shingle} words are compared by equality alone.

Removed: {tally.exact:,} exact and {tally.near:,} near copies, {share(tally.exact + tally.near, tally.read)} of {tally.read:,} documents.{earlier if tally.earlier else ""}

{table([">Jaccard similarity", ">Probability of a link"], rows)}
"""


def personal_data(manifest: Manifest, tally: CorpusTally) -> str:
    if step_of(manifest, "ScrubPii") is None:
        return "## Personal data\n\nNot looked for: personal data that pages held is in the texts."
    rows = [[code(row["type"]), f"{row['documents']:,}", f"{row['spans']:,}"] for row in pii_of(tally)]
    found = table(["Type", ">Documents", ">Spans replaced"], rows) if rows else "None was found."
    return f"""
## Personal data

Spans that look like personal data were replaced by placeholders or reserved example values before documents were
compared; the same document always gets the same replacements. `pii/` lists every span's place and type in the text before
scrubbing. The kinds looked for are in the recipe below.

{found}

Patterns find what has a form. They miss names, street addresses and stories about people, forms they do not know and
text that hides a number on purpose; and they now and then take something harmless for personal data. Do not use this corpus
to find or describe persons.
"""


def recipe(manifest: Manifest, curated: list[dict[str, Any]]) -> str:
    parts = ["## Recipe", settings_table(manifest.settings["recipe"])]
    for name, settings in recipes_of(curated).items():
        parts += [f"Before that, documents were curated with {code(name)}:", settings_table(settings)]
    return "\n\n".join(parts)


def settings_table(settings: dict[str, Any]) -> str:
    rows = [[code(row["step"]), code(row["name"]), code(row["value"])] for row in settings_of(settings)]
    return table(["Step", "Setting", "Value"], rows) if rows else "No step."


def licence(manifest: Manifest, tally: CorpusTally) -> str:
    crawl = (
        f"\nThe pages come from Common Crawl, whose [terms of use]({COMMON_CRAWL_TERMS}) bind whoever uses its data."
        if is_common_crawl(tally)
        else "\nThe terms of whoever made the WARC files apply as well."
    )
    return f"""
## Licence

The texts belong to those who wrote them or to their sites; nobody has granted a licence for them here.{crawl}

**To be decided by the publisher:** the licence of the compilation, that is of the selection and of the columns beside the
texts. Comparable corpora chose ODC-By 1.0 (`license: "odc-by"` in the front matter) for that part and left the rights in the
texts where they are. Until that is decided the front matter says `other`.
"""


TAKEDOWN = f"""
## Takedown

Who owns a site or is named in a text can ask for its removal: {CONTACT}

`url` and `id` find the documents; `clusters/` names the removed copies of each, so that another copy is not brought back:

```sql
select id, url from 'data/*/*.parquet' where url like 'https://example.org/%';
select id, url, survivor_id from 'clusters/*.parquet' where survivor_url like 'https://example.org/%';
```

Common Crawl keeps its own copy, and so may others who have downloaded this corpus.
"""


def limits(manifest: Manifest) -> str:
    told = [
        "Web text says false, hateful and dated things; filters judge form, not truth.",
        "Crawls see the web unevenly: languages, countries and topics are not in proportion to anything but the crawl.",
        "Rules on words and lines remove some good pages, among them poems, tables and code, and keep some bad ones.",
        "Languages are told by a model; short texts, dialects and mixed languages are where it errs.",
    ]
    step = step_of(manifest, "Deduplicate")
    if step is not None and step["scope"] != "all":
        told.append(f"Copies across {'crawls' if step['scope'] == 'dump' else 'languages'} are still here.")
    if step is not None:
        told.append("Clusters are chains of links, so their ends may differ more than any linked pair.")
    told.append("Benchmarks' test questions were not looked for.")
    return "## Known limits\n\n" + "\n".join(f"- {said}" for said in told)


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
    language = next((row["language"] for row in languages_of(tally) if row["kept"]), "en")
    return f"""
## Loading it

```python
from datasets import load_dataset

everything = load_dataset("path/to/this/folder", split="train", streaming=True)
one_language = load_dataset("path/to/this/folder", "{"".join(c for c in language if c.isalnum() or c in "_-")}", split="train")
```

```sql
-- DuckDB, in this folder
select url, cluster_size, text from 'data/*/*.parquet' where cluster_size > 10 limit 10;
```
"""
