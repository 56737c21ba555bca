"""What a corpus' card says in words: how duplicates and personal data were found, rights, removal, limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.corpus_front_matter import COMMON_CRAWL_TERMS, is_common_crawl
from pipelines.report_charts import share, visible
from schemas.corpus_tally import CorpusTally
from schemas.manifest import Manifest

VALUE_CHARS = 300  # of a setting or a name; manifest.json has all of it
PROBABILITIES_AT = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)  # Jaccard similarities
SCOPES = {"dump": "of the same crawl", "language": "of the same language", "all": "of the whole input"}
KEEPS = {"first": "the first by crawl and id", "longest": "the longest text and of equals the first by crawl and id"}
STYLES = {"placeholder": "placeholders such as `<EMAIL_ADDRESS>`", "example": "values reserved for examples"}


def code(value: Any) -> str:
    """A name or a value from outside as Markdown code, harmless in a table too."""
    text = str(value)
    text = text if len(text) <= VALUE_CHARS else text[:VALUE_CHARS] + "…"
    text = "".join(visible(character) for character in text).replace("`", "'")
    text = text.replace("\\|", "\\ |").replace("|", "\\|")  # '\\|' would be a backslash and the end of a cell
    return f"`{text.strip() or ' '}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a head that starts with > is of numbers."""
    marks = ["---:" if head.startswith(">") else "---" for head in heads]
    lines = [[head.removeprefix(">") for head in heads], marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def step_of(manifest: Manifest, name: str) -> dict[str, Any] | None:
    """The settings of a step; None if it is off."""
    return next((step for step in manifest.settings["recipe"]["steps"] if step["step"] == name), None)


def link_probability(similarity: float, bands: int, rows: int) -> float:
    """How probably two documents of this Jaccard similarity share a band."""
    return 1 - (1 - similarity**rows) ** bands


def deduplication(manifest: Manifest, tally: CorpusTally) -> str:
    step = step_of(manifest, "Deduplicate")
    if step is None:
        return "## Deduplication\n\nNone: equal documents are all here."
    bands, hashes, words = step["bands"], step["rows"], step["shingle"]
    chances = [[f"{at:.2f}", f"{link_probability(at, bands, hashes):.3f}"] for at in PROBABILITIES_AT]
    of_all = f"{share(tally.exact + tally.near, tally.read)} of {tally.read:,} documents"
    earlier = f" Of these, {tally.earlier:,} are copies of a document in an earlier corpus." if tally.earlier else ""
    return f"""
## Deduplication

Documents {SCOPES[step["scope"]]} were compared. Two are linked if their normalised texts (NFC, lower case, white space
as one space) are equal, or if they share one of {bands} bands of {hashes} MinHash values over n-grams of {words} words.
Links chain into clusters, and of each cluster one document stays: one of an earlier corpus if there is one, else
{KEEPS[step["keep"]]}. Texts of fewer than {words} words are compared by equality alone.

Removed: {tally.exact:,} exact and {tally.near:,} near copies, {of_all}.{earlier}

{table([">Jaccard similarity", ">Probability of a link"], chances)}
"""


def personal_data(manifest: Manifest, tally: CorpusTally) -> str:
    step = step_of(manifest, "ScrubPii")
    if step is None:
        return "## Personal data\n\nNot looked for: what personal data the pages held is in the texts."
    kinds = {kind: [0, 0] for kind in step["types"]} | tally.pii
    ranked = sorted(kinds.items(), key=lambda item: (-item[1][1], item[0]))
    rows = [[code(kind), f"{documents:,}", f"{spans:,}"] for kind, (documents, spans) in ranked]
    missed = "They miss street addresses and stories about people, forms they do not know and"
    if not step["names_model"]:
        missed = "They miss names, street addresses and stories about people, forms they do not know and"
    return f"""
## Personal data

Before documents were compared, spans that look like personal data were replaced by {STYLES[step["style"]]}.
`pii/` lists the place, type and score of every span in the text before that, never the value itself.

{table(["Type", ">Documents", ">Spans replaced"], rows) if rows else "No type was looked for."}

Patterns find what has a form. {missed}
text that hides a number on purpose; now and then they take something harmless for personal data. Do not use this corpus
to find, profile or contact persons.
"""


def licence(tally: CorpusTally) -> str:
    crawl = "The terms of whoever made the WARC files apply as well."
    if is_common_crawl(tally):
        crawl = f"Common Crawl's [terms of use]({COMMON_CRAWL_TERMS}) bind whoever uses its pages."
    return f"""
## Licence

The texts belong to those who wrote them or to their sites, and nobody has granted a licence for them here. {crawl}

**To be decided by the publisher:** the licence of the compilation, which is the selection and the columns beside the
texts. Comparable corpora chose ODC-By 1.0 for that part (`license: "odc-by"` in the front matter) and left the rights
in the texts where they are. Until it is decided, the front matter says `other`.
"""


TAKEDOWN = """
## Takedown

Who owns a site, wrote a text or is named in one can ask for its removal:
**to be filled in by the publisher: an address that somebody reads.**

`url` and `id` find the documents; `clusters/` names the removed copies of each, so that no other copy takes its place:

```sql
select id, url from 'data/*/*.parquet' where url like 'https://example.org/%';
select id, url, survivor_id from 'clusters/*.parquet' where survivor_url like 'https://example.org/%';
```

The crawl keeps its own copy, and so may others who have downloaded this corpus.
"""


def limits(manifest: Manifest) -> str:
    told = [
        "Web text says false, hateful and dated things; filters judge form, not truth.",
        "A crawl sees the web unevenly; languages, countries and topics are in proportion to nothing but the crawl.",
        "Rules on words and lines remove good pages too, among them poems, tables and code, and keep some bad ones.",
        "Languages are told by a model, which errs on short texts, dialects and mixed languages.",
    ]
    if (step := step_of(manifest, "Deduplicate")) is not None:
        if step["scope"] != "all":
            told.append(f"Copies across {'crawls' if step['scope'] == 'dump' else 'languages'} are still here.")
        told.append("Clusters are chains of links, so their ends may differ more than any linked pair.")
    told.append("The test questions of benchmarks were not looked for.")
    return "## Known limits\n\n" + "\n".join(f"- {said}" for said in told)
