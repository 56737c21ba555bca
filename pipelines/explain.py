"""`bateia explain`: what became of one URL, from ledgers, a corpus' clusters, and the tables and plans of shards."""

from __future__ import annotations

from typing import Any

from pipelines.faults import BadInput
from pipelines.lineage_page import explain_shards
from schemas.manifest import Manifest, read_manifest
from schemas.shards import SHARD_STAGE
from schemas.storage import join, locate


def explain(url: str, folder: str, batch_size: int | None = None) -> str:
    """Return the fate of every record of `url`. batch_size: rows of a step, to tell steps of shards' plans.

    Raises BadInput if the output is unfinished or has no such URL.
    """
    try:
        manifest = read_manifest(folder)
    except ValueError as error:
        raise BadInput(f"{folder} is no finished output of Bateia ({error}); give one") from error
    if manifest is None:
        raise BadInput(f"{folder} has no manifest.json, so it is no finished output; run its stage to the end")
    if manifest.stage == "dedup":
        return explain_corpus(url, folder, manifest)
    if manifest.stage == SHARD_STAGE:
        return explain_shards(url, folder, manifest, batch_size, explain, spellings)
    rows = find_rows(folder, manifest, {url}) or find_rows(folder, manifest, spellings(url))
    if not rows:
        raise BadInput(
            f"{folder} has seen no page {url}; look for it with DuckDB in {join(folder, 'ledger')}/*.parquet"
        )
    return "\n\n".join(tell(row, folder) for row in rows)


def explain_corpus(url: str, folder: str, manifest: Manifest) -> str:
    """What curate and dedup did to a page: the documents that the corpus was made of are looked up where they were."""
    told, unseen = [], []
    for source in manifest.source:
        if source.get("role") == "against":
            continue
        try:
            told.append(explain(url, source["path"]))
        except BadInput as fault:
            unseen.append(str(fault))
    lines = [tell_fate(row, folder) for row in find_fates(folder, manifest, {url})]
    lines = lines or [tell_fate(row, folder) for row in find_fates(folder, manifest, spellings(url))]
    if not told and not lines:
        raise BadInput(f"{folder} has seen no page {url}: {'; '.join(unseen)}")
    return "\n".join([*told, *lines])


def find_fates(folder: str, manifest: Manifest, urls: set[str]) -> list[dict[str, Any]]:
    """What became of the URLs' documents: rows of clusters/, and for those without copies of data/."""
    clustered = read(folder, manifest, "clusters/", urls)
    known = {row["id"] for row in clustered}
    kept = read(folder, manifest, "data/", urls, ["id", "url", "language", "cluster_size"])
    return clustered + [row | {"match": None} for row in kept if row["id"] not in known]


def tell_fate(row: dict[str, Any], folder: str) -> str:
    size = row["cluster_size"]
    if row["match"] is None:
        others = f", the survivor of {size} documents that are alike" if size > 1 else ", nothing duplicates it"
        return f"  in the corpus {folder}{others}\n  document {row['id']}"
    where = " in an earlier corpus" if row["earlier"] else ""
    return (
        f"  removed as {row['match']} duplicate of {row['survivor_url']}{where}\n"
        f"  document {row['id']}, one of {size} in cluster {row['cluster_id']}; survivor {row['survivor_id']}, "
        f"first seen in {row['first_seen_dump'] or 'this crawl'}"
    )


def find_rows(folder: str, manifest: Manifest, urls: set[str]) -> list[dict[str, Any]]:
    """Ledger rows of any of the URLs, in the order of the files."""
    return read(folder, manifest, "ledger/", urls)


def read(
    folder: str, manifest: Manifest, kind: str, urls: set[str], columns: list[str] | None = None
) -> list[dict[str, Any]]:
    """Rows with one of the URLs in the output's files of one kind."""
    import pyarrow.dataset as ds

    filesystem, name = locate(folder)
    paths = [f"{name.rstrip('/')}/{file.path}" for file in manifest.files if file.path.startswith(kind)]
    if not paths:
        return []
    table = ds.dataset(paths, filesystem=filesystem, format="parquet")
    return table.to_table(columns=columns, filter=ds.field("url").isin(sorted(urls))).to_pylist()


def spellings(url: str) -> set[str]:
    """The same address as people type it: other scheme, with or without www. and the last slash."""
    rest = url.partition("://")[2] or url
    hosts = {rest.removeprefix("www."), "www." + rest.removeprefix("www.")}
    paths = {host.rstrip("/") for host in hosts} | {host.rstrip("/") + "/" for host in hosts}
    return {f"{scheme}://{path}" for scheme in ("http", "https") for path in paths}


def tell(row: dict[str, Any], folder: str) -> str:
    language = f" ({row['language']}, score {row['language_score']:.3f})" if row["language_score"] is not None else ""
    record = f"record {row['record_id']}" if row["record_id"] else "a record without id"
    place = f"  {record} in {row['warc_file']} at byte {row['warc_offset']}, {row['bytes']} bytes"
    if row["fate"] == "kept":
        return f"{row['url']}\n  kept{language}, in {join(folder, 'data', str(row['language']))}\n{place}"
    numbers = "" if row["value"] is None else f": measured {number(row['value'])}"
    numbers += "" if row["threshold"] is None else f", threshold {number(row['threshold'])}"
    detail = f" [{row['detail']}]" if row["detail"] else ""
    return f"{row['url']}\n  {row['fate']} at {row['stage']} by {row['reason']}{numbers}{detail}{language}\n{place}"


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.4f}"
