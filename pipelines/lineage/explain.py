"""`bateia explain`: what became of one URL, from ledgers, a corpus' clusters, and the tables and plans of shards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.lineage.pages import find_documents, spellings, tokens_text
from pipelines.lineage.plans import usable_plans
from pipelines.lineage.rows import plan_lines
from pipelines.lineage.urls import UrlIndex, candidates, index_for
from pipelines.reports.verdicts import number, reason_text
from schemas.faults import BadInput
from schemas.manifest import Manifest, open_finished, read_manifest
from schemas.shards.layout import SHARD_STAGE, shards_info
from schemas.shards.tombstones import read_tombstones
from schemas.storage import absolute, column_names, is_local, join, read_table

MOST_BESIDE = 100  # folders that are looked into for a dataset that was renamed
STAGES = ("curate", "dedup", SHARD_STAGE)


def explain(url: str, folder: str, batch_size: int | None = None) -> str:
    """The fate of every record of a URL, in lines for a terminal.

    folder: a finished output of one of STAGES.
    batch_size: rows of a step; of shards, steps are named too.

    Raises BadInput if the output is unfinished or has no such URL.
    """
    manifest = open_finished(folder, STAGES, "`bateia curate`, `dedup` or `shard`")
    if manifest.stage == "dedup":
        return explain_corpus(url, folder, manifest)
    if manifest.stage == SHARD_STAGE:
        return explain_shards(url, folder, manifest, batch_size)
    index = index_for(folder, manifest)
    rows = exact_or_respelled(url, lambda urls: read_rows(folder, manifest, "ledger/", urls, index=index))
    if not rows:
        raise BadInput(
            f"{folder} has seen no page {url}; look for it with DuckDB in {join(folder, 'ledger')}/*.parquet"
        )
    return "\n\n".join(record_text(row, folder, quality_of(row, folder, manifest, index)) for row in rows)


def quality_of(row: dict[str, Any], folder: str, manifest: Manifest, index: UrlIndex | None = None) -> dict[str, float]:
    """What the rules measured on a page that was kept, by the measures' names."""
    if row["fate"] != "kept":
        return {}
    public = {source["path"]: source["file_path"] for source in manifest.source if "file_path" in source}
    file_path = public.get(row["warc_file"], row["warc_file"])
    for name in candidates(manifest, "data/", {row["url"]}, index):
        path = join(folder, name)
        if "quality" in column_names(path):
            chosen = [("url", "=", row["url"]), ("warc_offset", "=", row["warc_offset"])]
            for kept in read_table(path, ["file_path", "quality"], chosen).to_pylist():
                if kept["file_path"] == file_path:
                    return {name: value for name, value in kept["quality"].items() if value is not None}
    return {}


def exact_or_respelled(url: str, find: Callable[[set[str]], Any]) -> Any:
    """What `find` returns for the URL as given or, if that is nothing, for its other spellings.

    A fragment (#…) is no part of what is fetched, so it is left out if no page has it.
    """
    bare = url.partition("#")[0]
    rows = find({url})
    for urls in (spellings(url), {bare}, spellings(bare)):
        rows = rows or find(urls)
    return rows


def read_rows(
    folder: str,
    manifest: Manifest,
    kind: str,
    urls: set[str],
    columns: list[str] | None = None,
    index: UrlIndex | None = None,
) -> list[dict[str, Any]]:
    """Rows with one of the URLs in the output's files of one kind, in the order of the files.

    index: of the output, if there is one.
    """
    paths = [join(folder, path) for path in candidates(manifest, kind, urls, index)]
    chosen = [("url", "in", sorted(urls))]
    return [row for path in paths for row in read_table(path, columns, chosen).to_pylist()]


def record_text(row: dict[str, Any], folder: str, quality: dict[str, float]) -> str:
    """A row of a ledger, with what was measured on a page that was kept."""
    language = f" ({row['language']}, score {row['language_score']:.3f})" if row["language_score"] is not None else ""
    record = f"record {row['record_id']}" if row["record_id"] else "a record without id"
    source = f"  {record} in {row['warc_file']} at byte {row['warc_offset']}, {row['bytes']} bytes"
    if row["fate"] == "kept":
        head = f"{row['url']}\n  kept{language}, in {join(folder, 'data', str(row['language']))}\n{source}"
        return "\n".join([head, *(f"    {name:<24} {number(value):>10}" for name, value in quality.items())])
    fields = ("reason", "value", "threshold", "detail", "language", "language_score")
    why = reason_text(*(row[name] for name in fields))
    return f"{row['url']}\n  {row['fate']} at {row['stage']} by {why}\n{source}"


# --- A corpus ---------------------------------------------------------------------------------------------------------


def explain_corpus(url: str, folder: str, manifest: Manifest) -> str:
    """What curate and dedup did to a page: the documents that the corpus was made of are looked up where they were."""
    sources = [source for source in manifest.source if source.get("role") != "against"]
    earlier, unseen = explain_sources(url, folder, sources)
    index = index_for(folder, manifest)
    rows = exact_or_respelled(url, lambda urls: read_fates(folder, manifest, urls, index))
    if not earlier and not rows:
        raise BadInput(f"{folder} has seen no page {url}: {'; '.join(unseen)}")
    return "\n".join([*earlier, *(fate_text(row, folder) for row in rows)])


def explain_sources(url: str, folder: str, sources: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """What is known of the page where an output's documents came from, and why nothing is known elsewhere.

    folder: the output.
    sources: of its manifest.
    """
    texts, unseen = [], []
    for source in sources:
        try:
            texts.append(explain(url, source_folder(folder, source)))
        except (BadInput, OSError) as fault:
            unseen.append(str(fault))
    return texts, unseen


def source_folder(folder: str, source: dict[str, Any]) -> str:
    """Where an output's input lies now: where it was read or, if another dataset or none is there, beside the output.

    Datasets are moved together and renamed, and commands are given in another working folder.
    """
    parent = absolute(folder).rstrip("/").rpartition("/")[0]
    beside = join(parent, source["path"].rstrip("/").rpartition("/")[2])
    for path in (source["path"], beside, *folders_in(parent)):
        try:
            manifest = read_manifest(path)
        except BadInput:
            continue
        if manifest is not None and manifest.dataset_hash == source.get("dataset_hash"):
            return path
    return source["path"]


def folders_in(parent: str) -> list[str]:
    """Folders of a local one, where a renamed dataset may be; the first MOST_BESIDE by their names."""
    if not is_local(parent):
        return []
    return sorted(str(path) for path in Path(parent).iterdir() if path.is_dir())[:MOST_BESIDE]


def read_fates(folder: str, manifest: Manifest, urls: set[str], index: UrlIndex | None = None) -> list[dict[str, Any]]:
    """What became of the URLs' documents: rows of clusters/, and for those without copies of data/."""
    clustered = read_rows(folder, manifest, "clusters/", urls, index=index)
    known = {(row["id"], row["url"]) for row in clustered}  # crawlers may give one id to many records
    kept = read_rows(folder, manifest, "data/", urls, ["id", "url", "language", "cluster_size"], index)
    return clustered + [row | {"match": None} for row in kept if (row["id"], row["url"]) not in known]


def fate_text(row: dict[str, Any], folder: str) -> str:
    """Lines that say what deduplication made of a document: kept, or removed for which one."""
    size = row["cluster_size"]
    if row["match"] is None:
        others = f", the survivor of {size} documents that are alike" if size > 1 else ", nothing duplicates it"
        if row.get("contained") is not None:
            others += f"; {row['contained']:.1%} of its words stand in {row['compared_url']}, too few to go"
        return f"  in the corpus {folder}{others}\n  document {row['id']}"
    where = " in an earlier corpus" if row["earlier"] else ""
    if row.get("contained") is not None:
        where += f", which has {row['contained']:.1%} of its words"
    return (
        f"  removed as {row['match']} duplicate of {row['survivor_url']}{where}\n"
        f"  document {row['id']}, one of {size} in cluster {row['cluster_id']}; survivor {row['survivor_id']}, "
        f"first seen in {row['first_seen_dump'] or 'this crawl'}"
    )


# --- Shards -----------------------------------------------------------------------------------------------------------


def explain_shards(url: str, folder: str, manifest: Manifest, batch_size: int | None) -> str:
    """What became of a page up to the rows of every plan.

    Raises BadInput if neither the shards nor what they were made of have seen the page.
    """
    fates, unseen = explain_sources(url, folder, manifest.source)
    tombstones = read_tombstones(folder)
    index = index_for(folder, manifest)
    documents = exact_or_respelled(url, lambda urls: find_documents(folder, manifest, tombstones, urls, index))
    if not documents and not fates:
        raise BadInput(f"{folder} has seen no page {url}: {'; '.join(unseen) or 'no document has it'}")
    if not documents:
        return "\n".join([*fates, f"  not in the shards {folder}"])
    plans, faults = usable_plans(shards_info(folder, manifest))
    title = [] if fates else [(documents.kept or documents.forgotten)[0]["url"]]
    heads = [kept_text(row, folder) for row in documents.kept]
    heads += [forgotten_text(row, folder) for row in documents.forgotten]
    rows = plan_lines(plans, [*documents.kept, *documents.forgotten], batch_size)
    lines = [line for head, of_document in zip(heads, rows, strict=True) for line in (head, *of_document)]
    return "\n".join([*fates, *title, *lines, *(f"  {fault}" for fault in faults)])


def kept_text(row: dict[str, Any], folder: str) -> str:
    record = f"{row['warc_file']} at byte {row['warc_offset']}"
    return f"  in the shards {folder}: {tokens_text(row)}; document {row['doc_id']}, {record}"


def forgotten_text(row: dict[str, Any], folder: str) -> str:
    return f"  forgotten from the shards {folder}: it was {tokens_text(row)}; document {row['doc_id']}"
