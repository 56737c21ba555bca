"""The report of a curate run as one page, for people who would rather look: no script, and nothing from outside."""

from typing import Any

from pipelines.report_charts import (
    NOTHING,
    Html,
    bar,
    clean,
    duration,
    fill,
    identifier,
    passage,
    plural,
    share,
    show,
    size,
    spread,
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

SAMPLE_CHARS = 600
BAD_INPUTS_SHOWN = 50


def render(report: dict[str, Any]) -> str:
    """The whole page from the report's numbers."""
    sections = [
        warnings(report),
        funnel(report),
        reasons(report),
        columns([languages(report), domains(report)], [lengths(report), quality(report), throughput(report)]),
        samples(report),
        settings(report),
    ]
    return whole_page(report["title"], report["counts"]["read"], header(report), sections, footer(report))


def header(report: dict[str, Any]) -> Html:
    """What happened, in four numbers and a sentence."""
    counts, recipe = report["counts"], report["recipe"]
    read = counts["read"]
    fates = [(fate, counts[fate]) for fate in ("kept", "dropped", "unreadable")]
    card = '<div><dt>{name}</dt><dd class="{kind}">{count}</dd><dd>{share}</dd></div>'
    cards = [fill(card, name="Pages read", kind="", count=read, share=origin(report))]
    for fate, count in fates:
        kind = fate if count and fate != "dropped" else ""
        cards.append(fill(card, name=fate.title(), kind=kind, count=count, share=share(count, read)))
    return fill(
        '<header>\n<p class="brand">{pan}<span>Bateia · recipe {recipe} · blocklist {blocklist}</span></p>\n'
        '<h1>{title}</h1>\n<p class="lead">{sentence}</p>\n<p class="about">{about}</p>\n'
        '<dl class="big" style="--digits:{digits}">{cards}</dl>\n{picture}\n'
        '<p class="sum">{total} read = {parts}</p>\n</header>',
        pan=PAN,
        recipe=recipe["name"],
        blocklist=report["blocklist"],
        title=report["title"],
        sentence=sentence(report),
        about=recipe["about"],
        digits=len(show(read)),
        cards=cards,
        picture=bar(fates, read, "Kept, dropped and unreadable shares of the pages read", kind="whole"),
        total=read,
        parts=" + ".join(f"{count:,} {fate}" for fate, count in fates),
    )


def origin(report: dict[str, Any]) -> str:
    """Where the pages come from: files and their size."""
    return f"{plural(report['inputs']['files'], 'file')}, {size(report['inputs']['bytes'])}"


def sentence(report: dict[str, Any]) -> Html:
    """The run in plain words."""
    counts = report["counts"]
    read, kept = counts["read"], counts["kept"]
    if not read:
        return Html("No page was read.")
    verb = "was" if kept == 1 else "were"
    said = fill(
        "Of {read} read, <b>{kept} ({share})</b> {verb} kept.",
        read=plural(read, "page"),
        kept=kept or "none",
        share=share(kept, read),
        verb=verb,
    )
    top = max((r for r in report["reasons"] if r["fate"] == "dropped"), key=lambda r: r["count"], default=None)
    if top and top["count"]:
        because = " The most common reason to drop a page was <b>{reason}</b> in {stage}: {pages}."
        said += fill(because, reason=top["reason"], stage=top["stage"], pages=plural(top["count"], "page"))
    return Html(said)


def warnings(report: dict[str, Any]) -> Html:
    """What a reader has to know before trusting the numbers; nothing at all when there is nothing."""
    counts, bad = report["counts"], report["inputs"]["bad"]
    told = []
    if counts["read"] != counts["kept"] + counts["dropped"] + counts["unreadable"]:
        told.append(Html("The numbers do not add up: read is not kept + dropped + unreadable."))
    if counts["unreadable"]:
        lost = plural(counts["unreadable"], "page") + f" ({share(counts['unreadable'], counts['read'])})"
        told.append(fill("{lost} could not be read; the reasons are below.", lost=lost))
    told += [fill("<code>{path}</code> {problem}", **file) for file in bad[:BAD_INPUTS_SHOWN]]
    if len(bad) > BAD_INPUTS_SHOWN:
        told.append(fill("and {more} with a problem", more=plural(len(bad) - BAD_INPUTS_SHOWN, "more file")))
    return alarm(told)


def funnel(report: dict[str, Any]) -> Html:
    """Stage by stage: how many pages reached it, and how many ended there."""
    stages, counts = report["funnel"], report["counts"]
    whole = max((stage["reached"] for stage in stages), default=0)
    rows = []
    for stage in stages:
        reached, ends = stage["reached"], stage["dropped"]
        picture = bar([("kept", reached - ends), ("dropped", ends)], whole, kind="step")
        rows.append(row([named(identifier(stage["stage"]), picture), reached, ends, share(ends, reached)]))
    picture = bar([("kept", counts["kept"])], whole, kind="step")
    last = row(
        [
            named(Html('kept <span class="dim">share of all read</span>'), picture),
            counts["kept"],
            "",
            share(counts["kept"], counts["read"]),
        ]
    )
    heads = ["Stage", "Reached", "Ended here", "Share"]
    key = legend(kept="goes on to the next stage", dropped="ends here, dropped or unreadable")
    return section("From read to kept", key, table("Pages by stage", heads, rows, last, kind="numbers shares wide"))


def reasons(report: dict[str, Any]) -> Html:
    """Why pages were not kept, the most common reason first."""
    ranked = sorted(report["reasons"], key=lambda reason: -reason["count"])
    top = max((reason["count"] for reason in ranked), default=0)
    rows = []
    for reason in ranked:
        fate = "unreadable" if reason["fate"] == "unreadable" else "dropped"
        stage, rule = identifier(reason["stage"]), identifier(reason["reason"])
        name = fill('{rule} <span class="dim">{stage}</span>', rule=rule, stage=stage)
        tag = fate if fate == "unreadable" else ""
        label = named(name, bar([(fate, reason["count"])], top), tag)
        rows.append(row([label, reason["count"], share(reason["count"], report["counts"]["read"])]))
    heads = ["Reason and stage", "Pages", "Of all read"]
    return section("Why pages were not kept", ranking("Reasons", heads, rows, kind="numbers shares wide"), kind="long")


def languages(report: dict[str, Any]) -> Html:
    """The languages of extracted pages."""
    return section(
        "Languages", kept_of(report["languages"], "language", "seen", ["Language", "Extracted", "Kept", "Share"])
    )


def domains(report: dict[str, Any]) -> Html:
    """The domains with most pages."""
    return section("Top domains", kept_of(report["domains"], "domain", "read", ["Domain", "Read", "Kept", "Share"]))


def lengths(report: dict[str, Any]) -> Html:
    """How long the extracted texts are."""
    return lengths_of(report["lengths"], "Characters of extracted text", lost="dropped")


def quality(report: dict[str, Any]) -> Html:
    """The range of each measure in the kept documents."""
    rows = []
    for entry in report["quality"]:
        low, middle, high = entry["p5"], entry["p50"], entry["p95"]
        rows.append(row([named(entry["measure"], spread(low, middle, high)), low, middle, high]))
    note = Html('<p class="note">Of kept documents. Nine in ten lie in the pale band; the mark is the median.</p>')
    return section("Quality", note, ranking("Quality", ["Measure", "5 %", "Median", "95 %"], rows, kind="numbers"))


def throughput(report: dict[str, Any]) -> Html:
    """What the run cost, and what went in."""
    run, skipped = report["throughput"], report["counts"]["skipped_records"]
    resumed = f" ({run['units_resumed']:,} resumed)" if run["units_resumed"] else ""
    passed_over = ", ".join(f"{count:,} {kind}" for kind, count in skipped.items()) or "none"
    told = [
        ("Pages per second", run["pages_per_s"]),
        ("CPU per page", fill("{ms}\u00a0ms", ms=run["cpu_ms_per_page"])),
        ("Wall time", duration(run["wall_s"])),
        ("CPU time", duration(run["cpu_s"])),
        ("Extraction, of CPU", share(run["extraction_cpu_s"], run["cpu_s"])),
        ("Peak memory", size(run["max_rss_mb"] * 1e6)),
        ("Workers", run["workers"]),
        ("Units of work", f"{run['units']:,}{resumed}"),
        ("Runner", run["runner"]),
        ("Input", origin(report)),
    ]
    skipped_html = fill('<p class="note">Records that hold no page: {passed_over}.</p>', passed_over=passed_over)
    return section("The run", facts(told), skipped_html)


def samples(report: dict[str, Any]) -> Html:
    """A few pages for every fate, to judge the recipe by eye: kept first, then the most common reasons."""
    totals = {(reason["stage"], reason["reason"]): reason["count"] for reason in report["reasons"]}
    groups = []
    for sample in report["samples"]:
        kept = sample["fate"] == "kept"
        total = report["counts"]["kept"] if kept else totals.get((sample["stage"], sample["reason"]), 0)
        groups.append((not kept, -total, sample))
    folds = []
    for dropped, negative_total, sample in sorted(groups, key=lambda group: group[:2]):
        name = fill("<b>{reason}</b> {stage}", **sample) if dropped else Html("<b>Kept</b>")
        count = f"{len(sample['pages'])} of {max(-negative_total, len(sample['pages'])):,}"
        fold = "<details{kind}><summary>{name} · {count}</summary>\n<div class='pages'>{pages}</div></details>\n"
        kind = Html("") if dropped else Html(' class="kept-pages"')
        folds.append(fill(fold, kind=kind, name=name, count=count, pages=[page(p) for p in sample["pages"]]))
    body = fill('<div class="samples">{folds}</div>', folds=folds) if folds else Html('<p class="none">None.</p>')
    note = Html('<p class="note">The first characters of some pages, for judging by eye. Addresses are not links.</p>')
    return section("Samples", note, body, kind="long")


def page(sample: dict[str, Any]) -> Html:
    """One page: its address, why it met its fate, and how it begins."""
    facts_ = [(key, sample[key]) for key in ("language", "value", "threshold", "detail") if sample[key] is not None]
    why = [fill("<span>{key} {value}</span> ", key=key, value=value) for key, value in facts_]
    return fill(
        '<article><p class="url" dir="ltr">{url}</p><p class="why">{why}</p>'
        '<blockquote dir="auto">{text}</blockquote></article>\n',
        url=clean(sample["url"] or NOTHING),
        why=why,
        text=passage(sample["text"] or "", SAMPLE_CHARS),
    )


def settings(report: dict[str, Any]) -> Html:
    """Every threshold of the recipe, and where it comes from."""
    return section("Thresholds", settings_fold(report["settings"], "Thresholds of the recipe"))
