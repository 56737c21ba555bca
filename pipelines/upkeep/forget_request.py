"""The request of a `bateia forget`, written to disk before it begins, so that a repeated command finishes the same.

From a list of URLs to documents, from these to a `ForgetRequest` on disk, and from it to lines that say which steps
had seen the documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from pipelines.lineage.pages import DocumentRow, find_documents, spellings, tokens_text
from pipelines.lineage.plans import plan_settings, usable_plans
from pipelines.lineage.rows import plan_lines
from pipelines.lineage.urls import index_for
from pipelines.stages.plan import NAME
from pipelines.upkeep.counts import Counts, count_documents, members_by_slice, subtracted, totals
from schemas.faults import BadInput, reason
from schemas.manifest import Manifest
from schemas.shards.documents import read_documents
from schemas.shards.layout import SPLITS, TRAIN, VAL, ShardsInfo, open_plan, plan_folder
from schemas.shards.tombstones import OldPlan, Tombstones, documents_table, pending_path, tombstones_path
from schemas.storage import join, lines_of_list, list_files, open_read, read_json, write_json
from transforms.steps.urls.excluded import excluded_by, read_hosts

COLUMNS = ("doc_id", "url", "split", "shard", "start", "length", "bytes", "key", "language", "dump")


# --- URLs to documents ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Matches:
    """What a list of URLs names.

    documents: to forget; `COLUMNS` of each.
    before: URLs whose documents were all forgotten earlier.
    unknown: URLs of no document.
    """

    documents: list[DocumentRow]
    before: list[str]
    unknown: list[str]


def read_urls(path: str) -> list[str]:
    """URLs of a file, one a line, each once; empty lines and those that begin with # are none. Raises BadInput."""
    try:
        with open_read(path) as file:
            urls = list(dict.fromkeys(lines_of_list(file.read())))
    except OSError as error:
        raise BadInput(f"--url-list {path} can't be read ({error.strerror or error}); give a file of URLs") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"--url-list {path} is no UTF-8 text ({error}); give a file of URLs, one a line") from error
    if not urls:
        raise BadInput(f"--url-list {path} names no URL; write one a line")
    return urls


def urls_of_hosts(folder: str, manifest: Manifest, path: str) -> list[str]:
    """URLs in the shards that are of the hosts in a file or of hosts below them. Raises BadInput, also if none is."""
    hosts = read_hosts(path)
    docs = [join(folder, file.path) for file in manifest.files if file.path.split("/")[-1].startswith("docs-")]
    urls = (url for each in docs for url in read_documents(each, ("url",))["url"].to_pylist() if url)
    if not (found := sorted({url for url in urls if excluded_by(url, hosts)})):
        raise BadInput(f"{folder} has no page of the hosts in {path}; nothing is to be forgotten")
    return found


def match_urls(folder: str, manifest: Manifest, tombstones: list[Tombstones], urls: list[str]) -> Matches:
    """Documents with a listed URL, else with another spelling of it. Raises BadInput if a table can't be read."""
    wanted = {name for url in urls for name in (url, *spellings(url))}
    documents = find_documents(folder, manifest, tombstones, wanted, index_for(folder, manifest))
    kept, gone = by_url(documents.kept), by_url(documents.forgotten)
    chosen: dict[tuple[str, int, int], DocumentRow] = {}
    before, unknown = [], []
    for url in urls:
        names = [url] if url in kept or url in gone else sorted(spellings(url))
        rows = [row for name in names for row in kept.get(name, [])]
        chosen |= {(row["split"], row["shard"], row["start"]): row for row in rows}
        if not rows:
            (before if any(name in gone for name in names) else unknown).append(url)
    in_order = [{name: chosen[key][name] for name in COLUMNS} for key in sorted(chosen)]
    return Matches(in_order, before, unknown)


def by_url(rows: Iterable[DocumentRow]) -> dict[str, list[DocumentRow]]:
    grouped: dict[str, list[DocumentRow]] = {}
    for row in rows:
        grouped.setdefault(row["url"], []).append(row)
    return grouped


# --- Documents to a request -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ForgetRequest:
    """What a forget does, as `tombstones/pending.json` holds it until all of it is done.

    shards: their folder.
    number: of the tombstones' file.
    dataset_hash: the shards' before.
    documents: `COLUMNS` of each.
    plans: those that there were, and the names of those to make.
    """

    shards: str
    number: int
    dataset_hash: str
    documents: tuple[DocumentRow, ...]
    plans: dict[str, OldPlan]

    @property
    def tombstones(self) -> str:
        """The path of their file."""
        return tombstones_path(self.shards, self.number)

    @cached_property
    def by_shard(self) -> dict[tuple[str, int], list[DocumentRow]]:
        """Documents by (split, shard) of the pair of files that changes for them."""
        grouped: dict[tuple[str, int], list[DocumentRow]] = {}
        for row in self.documents:
            grouped.setdefault((row["split"], row["shard"]), []).append(row)
        return grouped

    @property
    def rebuilt(self) -> dict[str, str]:
        """Names of new plans by those of the old."""
        return {name: plan.rebuilt for name, plan in self.plans.items() if plan.rebuilt is not None}


def make_request(
    shards: ShardsInfo, manifest: Manifest, tombstones: list[Tombstones], documents: list[DocumentRow]
) -> ForgetRequest:
    """Raises BadInput if nothing would be left to train on."""
    left = counts_without(manifest.counts, documents)
    if not left[TRAIN]["documents"]:
        raise BadInput(f"{shards.folder} would have nothing left to train on; remove the folder instead")
    number = 1 + max((item.number for item in tombstones), default=0)
    plans = plans_to_make(shards, tombstones, left[TRAIN])
    return ForgetRequest(shards.folder, number, manifest.dataset_hash, tuple(documents), plans)


def counts_without(counts: Counts, documents: Iterable[DocumentRow]) -> Counts:
    """The manifest's counts without the documents, and how many were ever forgotten. What has none left is left out.

    Subtracted, so that no table is read for it but the forgotten documents'.
    """
    table = documents_table(documents)
    gone = {split: documents_table(row for row in documents if row["split"] == split) for split in SPLITS}
    left = dict(counts)
    for split in SPLITS:
        left[split] = subtracted(counts[split], count_documents(gone[split]))
        left[split]["lengths"] = {length: count for length, count in left[split]["lengths"].items() if count}
    members = dict(members_by_slice(gone[VAL], counts["slices"]))
    slices = {name: subtracted(have, totals(members[name])) for name, have in counts["slices"].items()}
    left["slices"] = {name: have for name, have in slices.items() if have["documents"]}
    before = counts.get("forgotten", {"documents": 0, "tokens": 0, "bytes": 0})
    return left | {"forgotten": {name: before[name] + count for name, count in totals(table).items()}}


def plans_to_make(shards: ShardsInfo, tombstones: list[Tombstones], train: Counts) -> dict[str, OldPlan]:
    """Every plan there is, and the name of the one that is to replace it: none for one that was replaced before, or
    whose settings ask for what is all forgotten. train: counts that will be left."""
    root = plan_folder(shards.folder, "")
    taken = {path[len(root) :].partition("/")[0] for path in list_files(root)}
    origins = {plan.rebuilt: name for item in tombstones for name, plan in item.plans.items() if plan.rebuilt}
    plans: dict[str, OldPlan] = {}
    for plan in usable_plans(shards)[0]:
        superseded = any(item.knows(plan.name, plan.dataset_hash) for item in tombstones)
        name = None
        if not superseded and can_be_made(shards, plan.name, train):
            name = next_name(plan.name, origins, taken)
            taken.add(name)
        plans[plan.name] = OldPlan(plan.dataset_hash, name)
    return plans


def can_be_made(shards: ShardsInfo, plan: str, train: Counts) -> bool:
    try:
        plan_settings(open_plan(shards, plan)[1]).copies(train)
    except BadInput:
        return False
    return True


def next_name(name: str, origins: dict[str, str], taken: set[str]) -> str:
    """NAME-2, NAME-3, …: the first that is free, NAME being what the plan was called before it was ever rebuilt."""
    while name in origins:
        name = origins[name]
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def write_request(request: ForgetRequest) -> None:
    write_json(pending_path(request.shards), asdict(request))


def read_request(shards: str) -> ForgetRequest:
    """Raises BadInput if the file is no request."""
    path = pending_path(shards)
    try:
        value = read_json(path)
        plans = {name: OldPlan(**plan) for name, plan in value.pop("plans").items()}
        request = replace(ForgetRequest(plans=plans, **value), shards=shards, documents=tuple(value["documents"]))
        _check_names(request)
        return request
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"{path} can't be read ({reason(error)}); make the shards anew by `bateia shard` with --overwrite"
        ) from error


def _check_names(request: ForgetRequest) -> None:
    """Numbers, splits and plan names become paths, so they must be plain. Raises ValueError."""
    if type(request.number) is not int or any(type(shard) is not int for _, shard in request.by_shard):
        raise ValueError("numbers of files that are none")
    if strange := {split for split, _ in request.by_shard} - set(SPLITS):
        raise ValueError(f"documents of {', '.join(map(repr, strange))}")
    if strange := [name for name in request.rebuilt.values() if not NAME.fullmatch(name)]:
        raise ValueError(f"a plan named {strange[0]!r}")


# --- Who had seen the documents ---------------------------------------------------------------------------------------


def seen_lines(shards: ShardsInfo, request: ForgetRequest, batch_size: int | None) -> list[str]:
    """For every document the position of its tokens, and its rows in every plan except those rebuilt without it.

    Raises BadInput if a plan can't be read.
    """
    documents = list(request.documents)
    plans = [plan for plan in usable_plans(shards)[0] if plan.name not in request.rebuilt.values()]
    lines = []
    for row, of_plans in zip(documents, plan_lines(plans, documents, batch_size), strict=True):
        lines += [f"{row['url']}: {tokens_text(row)}", *of_plans]
    return lines
