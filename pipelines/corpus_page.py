"""The report of a corpus as one page, for people who would rather look: no script, and nothing from outside."""

from __future__ import annotations

from typing import Any

from pipelines.corpus_samples import fold, passage_of, removed, repeated
from pipelines.report_charts import (
    NOTHING,
    Html,
    bar,
    duration,
    fill,
    identifier,
    log_histogram,
    plural,
    share,
    show,
    size,
    span_of,
)
from pipelines.report_parts import (
    alarm,
    columns,
    facts,
    footer,
    kept_of,
    legend,
    lengths_of,
    named,
    ranking,
    row,
    section,
    settings_fold,
    table,
    whole_page,
)
from pipelines.report_style import PAN

STYLE = """
:root { --near:#bfc7d1; } @media (prefers-color-scheme:dark) { :root { --near:#414a54; } }
.near { fill:var(--near); } .copies { font-weight:600; margin:0; } .stays { margin:.1rem 0 0; }
.inputs th:first-child { min-width:8em; } .inputs code { font-size:.78rem; } .folds { margin-top:.2rem; }
"""


def render(report: dict[str, Any]) -> str:
    """The whole page from the report's numbers."""
    sections = [
        alarm(report["faults"]),
        contents(report),
        funnel(report),
        columns(
            [clusters(report), languages(report), domains(report)],
            [lengths(report), personal_data(report), dumps(report), throughput(report)],
        ),
        repeated(report),
        removed(report),
        inputs(report),
        settings(report),
    ]
    return whole_page(report["title"], report["counts"]["read"], header(report), sections, footer(report), style=STYLE)


def header(report: dict[str, Any]) -> Html:
    """What happened, in four numbers and a sentence."""
    counts = report["counts"]
    read = counts["read"]
    fates = [
        ("kept", "Kept", counts["kept"]),
        ("dropped", "Exact copies", counts["removed_exact"]),
        ("near", "Near copies", counts["removed_near"]),
    ]
    card = '<div><dt>{name}</dt><dd class="{kind}">{count}</dd><dd>{share}</dd></div>'
    cards = [fill(card, name="Documents read", kind="", count=read, share=origin(report))]
    for colour, name, count in fates:
        kind = colour if colour == "kept" and count else ""
        cards.append(fill(card, name=name, kind=kind, count=count, share=share(count, read)))
    return fill(
        '<header>\n<p class="brand">{pan}<span>Bateia · recipe {recipe}</span></p>\n'
        '<h1>{title}</h1>\n<p class="lead">{sentence}</p>\n'
        '<dl class="big" style="--digits:{digits}">{cards}</dl>\n{picture}\n'
        '<p class="sum">{total} read = {parts}</p>\n{key}</header>',
        pan=PAN,
        recipe=report["recipe"],
        title=report["title"],
        sentence=sentence(report),
        digits=len(show(read)),
        cards=cards,
        picture=bar([(f, n) for f, _, n in fates], read, "Shares kept, exact and near copies", kind="whole"),
        total=read,
        parts=" + ".join(f"{count:,} {name.lower()}" for _, name, count in fates),
        key=legend(kept="kept", dropped="exact copies", near="near copies") if read else "",
    )


def origin(report: dict[str, Any]) -> str:
    """Where the documents come from: inputs and the WARC files behind them."""
    rows = [entry for entry in report["inputs"] if entry["role"] == "input"]
    files, weight = (sum(entry[key] for entry in rows) for key in ("warc_files", "warc_bytes"))
    return f"{plural(len(rows), 'input')}, {plural(files, 'WARC file')}, {size(weight)}"


def sentence(report: dict[str, Any]) -> Html:
    """The run in plain words."""
    counts, steps = report["counts"], report["steps"]
    read, kept, earlier = counts["read"], counts["kept"], counts["removed_earlier"]
    if not read:
        return Html("No document was read.")
    verb = "was" if kept == 1 else "were"
    said = [
        fill(
            "Of {read} read, <b>{kept} ({share})</b> {verb} kept.",
            read=plural(read, "document"),
            kept=kept or "none",
            share=share(kept, read),
            verb=verb,
        )
    ]
    if "Deduplicate" not in steps:
        said.append(Html(" Duplicates were not looked for."))
    elif earlier:
        said.append(fill(" Of the copies, {earlier} are of a document in an earlier corpus.", earlier=earlier))
    if "ScrubPii" in steps:
        spans = sum(kind["spans"] for kind in report["pii"])
        said.append(fill(" {spans} of personal data replaced.", spans=plural(spans, "span")))
    return Html("".join(said))


def contents(report: dict[str, Any]) -> Html:
    """What is in the corpus, in small numbers."""
    counts, tokenizer = report["counts"], report["tokenizer"]
    told: list[tuple[str, Any]] = [
        ("Documents", counts["kept"]),
        ("Characters", counts["chars_kept"]),
        ("Characters read", counts["chars_read"]),
        (f"Tokens, {tokenizer['name']}" if tokenizer else "Tokens", counts["tokens"] if tokenizer else "not counted"),
        ("Languages", counts["languages"]),
        ("Clusters of copies", counts["clusters"]),
    ]
    if "DropRepeatedLines" in report["steps"]:
        told.append(("Repeated lines removed", counts["lines_removed"]))
    return section("What is in it", facts(told))


def funnel(report: dict[str, Any]) -> Html:
    """Stage by stage from WARC responses to the corpus: how many reached it, and how many ended there."""
    stages, kept = report["funnel"], report["counts"]["kept"]
    whole = max((stage["reached"] for stage in stages), default=kept)
    colours = {"near_duplicates": "near"}
    rows = []
    for stage in stages:
        reached, ends = stage["reached"], stage["dropped"]
        parts = [("kept", reached - ends), (colours.get(stage["stage"], "dropped"), ends)]
        label = named(identifier(stage["stage"]), bar(parts, whole, kind="step"))
        rows.append(row([label, reached, ends, share(ends, reached)]))
    name = named(Html('in the corpus <span class="dim">share of all</span>'), bar([("kept", kept)], whole, kind="step"))
    last = row([name, kept, "", share(kept, whole)])
    heads = ["Stage", "Reached", "Ended here", "Share"]
    key = legend(kept="goes on to the next stage", dropped="ends here", near="ends here, as a near copy")
    body = table("Pages and documents by stage", heads, rows, last, kind="numbers shares wide")
    return section("From WARC to corpus", key, body)


def clusters(report: dict[str, Any]) -> Html:
    """How many copies the kept documents had."""
    bins, kept = report["clusters"], report["counts"]["kept"]
    title = "Copies"
    if "Deduplicate" not in report["steps"]:
        return section(title, Html('<p class="none">Duplicates were not looked for.</p>'))
    alone = bins[0]["kept"] if bins else 0
    said = f"{alone:,} of {plural(kept, 'kept document')} ({share(alone, kept)}) had no copy."
    if not bins[1:]:
        return section(title, fill('<p class="note">{said}</p>', said=said if kept else "None."))
    told = f"{said} The others, by the size of their cluster; heights are logarithmic."
    rows = [row([span_of(bin_), bin_["kept"]]) for bin_ in bins]
    numbers = table("Clusters by size", ["Documents in the cluster", "Clusters"], rows)
    folded = fill("<details><summary>The numbers</summary>{numbers}</details>", numbers=numbers)
    return section(title, fill('<p class="note">{told}</p>', told=told), log_histogram(bins[1:]), folded)


def languages(report: dict[str, Any]) -> Html:
    heads = ["Language", "Read", "Kept", "Share"]
    return section("Languages", kept_of(report["languages"], "language", "read", heads))


def domains(report: dict[str, Any]) -> Html:
    return section("Top domains", kept_of(report["domains"], "domain", "read", ["Domain", "Read", "Kept", "Share"]))


def dumps(report: dict[str, Any]) -> Html:
    return section("Crawls", kept_of(report["dumps"], "dump", "read", ["Crawl", "Read", "Kept", "Share"]))


def lengths(report: dict[str, Any]) -> Html:
    return lengths_of(report["lengths"], "Characters of the documents read", lost="removed")


def personal_data(report: dict[str, Any]) -> Html:
    """What was replaced, and some passages as they read now."""
    kinds = report["pii"]
    if "ScrubPii" not in report["steps"]:
        return section("Personal data", Html('<p class="none">Not looked for.</p>'))
    top = max((kind["spans"] for kind in kinds), default=0)
    rows = [
        row([named(identifier(kind["type"]), bar([("kept", kind["spans"])], top)), kind["documents"], kind["spans"]])
        for kind in kinds
    ]
    note = Html('<p class="note">Spans replaced in kept documents. The passages show the text after that.</p>')
    folds = [
        fold(
            kind["type"], f"{plural(len(kind['passages']), 'passage')}", [passage_of(page) for page in kind["passages"]]
        )
        for kind in kinds
        if kind["passages"]
    ]
    body = ranking("Personal data", ["Type", "Documents", "Spans"], rows, kind="numbers")
    return section("Personal data", note, body, fill('<div class="samples">{folds}</div>', folds=folds))


def throughput(report: dict[str, Any]) -> Html:
    """What the run cost, phase by phase."""
    run = report["throughput"]
    told = [
        ("Documents per second", run["documents_per_s"]),
        ("CPU per document", fill("{ms}\u00a0ms", ms=run["cpu_ms_per_document"])),
        ("Wall time", duration(run["wall_s"])),
        ("CPU time, sign and rewrite", duration(run["cpu_s"])),
        ("Peak memory", size(run["max_rss_mb"] * 1e6)),
        ("Workers", run["workers"]),
        ("Runner", run["runner"]),
    ]
    top = max((phase["wall_s"] for phase in run["phases"]), default=0)
    rows = [
        row([named(phase["phase"], bar([("dropped", phase["wall_s"])], top)), duration(phase["wall_s"])])
        for phase in run["phases"]
    ]
    phases = table("Phases", ["Phase", "Wall time"], rows) if rows else ""
    return section("The run", facts(told), phases)


def inputs(report: dict[str, Any]) -> Html:
    """What the corpus was made from and compared with."""
    rows = []
    for entry in report["inputs"]:
        warcs = (
            f"{plural(entry['warc_files'], 'WARC file')}, {size(entry['warc_bytes'])}" if entry["warc_files"] else ""
        )
        documents = plural(entry["documents"], "document") if entry["documents"] is not None else NOTHING
        role = "compared with" if entry["role"] == "against" else "input"
        digest = fill("<code>{hash}</code>", hash=entry["dataset_hash"])
        rows.append(row([entry["name"], role, documents, entry["recipe"], warcs, digest]))
    if not rows:
        return section("Inputs", Html('<p class="none">None.</p>'))
    heads = ["Directory", "Role", "Documents", "Recipe", "From", "Dataset hash"]
    return section("Inputs", table("Inputs", heads, rows, kind="texts inputs"))


def settings(report: dict[str, Any]) -> Html:
    """Every setting of the recipe, and of the recipes that the documents were curated with."""
    parts = [settings_fold(report["settings"], "Settings of the recipe")]
    for curated in report["curated_with"]:
        said = fill('<p class="note">Curated with {recipe}:</p>', recipe=curated["recipe"])
        parts += [said, settings_fold(curated["settings"], "Settings of the curation")]
    return section("Settings", *parts)
