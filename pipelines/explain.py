"""`bateia explain`: what became of one URL, from the ledger of a finished output."""

from __future__ import annotations

from typing import Any

from pipelines.faults import BadInput
from schemas.manifest import Manifest, read_manifest
from schemas.storage import join, locate


def explain(url: str, folder: str) -> str:
    """Return the fate of every record of `url`. Raises BadInput if the output is unfinished or has no such URL."""
    try:
        manifest = read_manifest(folder)
    except ValueError as error:
        raise BadInput(f"{folder} is no finished output of Bateia ({error}); give one") from error
    if manifest is None:
        raise BadInput(f"{folder} has no manifest.json, so it is no finished output; run `bateia curate` to its end")
    rows = find_rows(folder, manifest, {url})
    if not rows:
        rows = find_rows(folder, manifest, spellings(url))
    if not rows:
        raise BadInput(
            f"{folder} has seen no page {url}; look for it with DuckDB in {join(folder, 'ledger')}/*.parquet"
        )
    return "\n\n".join(tell(row, folder) for row in rows)


def find_rows(folder: str, manifest: Manifest, urls: set[str]) -> list[dict[str, Any]]:
    """Ledger rows of any of the URLs, in the order of the files."""
    import pyarrow.dataset as ds

    filesystem, name = locate(folder)
    ledger = [f"{name.rstrip('/')}/{file.path}" for file in manifest.files if file.path.startswith("ledger/")]
    if not ledger:
        return []
    table = ds.dataset(ledger, filesystem=filesystem, format="parquet")
    return table.to_table(filter=ds.field("url").isin(sorted(urls))).to_pylist()


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
