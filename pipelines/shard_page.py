"""The report of token shards as one page: what there is to train on, and what the first rows are made of."""

from __future__ import annotations

from typing import Any

from pipelines.report_charts import Html, bar, clean, duration, fill, histogram, number, plural, show, size
from pipelines.report_parts import columns, facts, footer, legend, named, ranking, row, section, table, whole_page
from pipelines.report_style import PAN

STYLE = """
.rows { display:grid; gap:3px; margin:.6rem 0; } .rows svg { width:100%; height:1.15rem; display:block; }
.rows rect { stroke:var(--card); stroke-width:.25; } .near { fill:var(--brick); } .other { fill:var(--ink); }
"""
COLOURS = ("kept", "dropped", "soft", "near", "other")  # the languages with the most tokens, and all others last


def render(report: dict[str, Any]) -> str:
    """The whole page from the report's numbers."""
    sections = [
        columns([languages(report), slices(report)], [lengths(report), tokens(report), plan(report)]),
        first_rows(report),
        throughput(report),
    ]
    documents = sum(report["counts"][split]["documents"] for split in ("train", "val"))
    return whole_page(report["title"], documents, header(report), sections, footer(report), style=STYLE)


def header(report: dict[str, Any]) -> Html:
    train, val, rows = report["counts"]["train"], report["counts"]["val"], report["plan"]["rows"]
    whole = train["tokens"] + val["tokens"]
    documents = train["documents"] + val["documents"]
    told = [
        ("Tokens to train on", train["tokens"], plural(train["documents"], "document")),
        ("Tokens to validate on", val["tokens"], plural(val["documents"], "document")),
        ("Bytes a token", (train["bytes"] + val["bytes"]) / whole, size(train["bytes"] + val["bytes"]) + " of text"),
        ("Training rows", rows, f"{report['plan']['context']:,} + 1 tokens each"),
    ]
    card = '<div><dt>{name}</dt><dd class="{kind}">{value}</dd><dd>{more}</dd></div>'
    cards = [fill(card, name=n, kind="kept" if not at else "", value=v, more=m) for at, (n, v, m) in enumerate(told)]
    return fill(
        '<header>\n<p class="brand">{pan}<span>Bateia · {tokenizer}</span></p>\n<h1>{title}</h1>\n'
        '<p class="lead">{documents} became <b>{tokens} tokens</b>. Every token knows its page, every row its '
        "documents.</p>\n"
        '<dl class="big" style="--digits:{digits}">{cards}</dl>\n{picture}\n{key}</header>',
        pan=PAN,
        tokenizer=report["tokenizer"],
        title=report["title"],
        documents=plural(documents, "document"),
        tokens=whole,
        digits=max(len(show(value)) for _, value, _ in told),
        cards=cards,
        picture=bar(
            [("kept", train["tokens"]), ("dropped", val["tokens"])], whole, "Train and validation", kind="whole"
        ),
        key=legend(kept="to train", dropped="to validate"),
    )


def languages(report: dict[str, Any]) -> Html:
    train, val = (report["counts"][split]["languages"] for split in ("train", "val"))
    nothing = {"documents": 0, "tokens": 0, "bytes": 0}
    both = {name: (train.get(name, nothing), val.get(name, nothing)) for name in sorted({*train, *val})}
    ordered = sorted(both.items(), key=lambda item: -sum(part["tokens"] for part in item[1]))
    top = max((sum(part["tokens"] for part in pair) for pair in both.values()), default=0)
    rows = []
    for name, (one, other) in ordered:
        whole = one["tokens"] + other["tokens"]
        label = named(name, bar([("kept", one["tokens"]), ("dropped", other["tokens"])], top))
        ratio = (one["bytes"] + other["bytes"]) / whole if whole else None
        rows.append(row([label, one["documents"] + other["documents"], whole, ratio]))
    return section("Languages", ranking("Languages", ["Language", "Documents", "Tokens", "Bytes a token"], rows))


def slices(report: dict[str, Any]) -> Html:
    found = report["counts"]["slices"]
    top = max((item["tokens"] for item in found.values()), default=0)
    rows = [
        row([named(name, bar([("dropped", item["tokens"])], top)), item["documents"], item["tokens"]])
        for name, item in found.items()
    ]
    return section("Validation slices", ranking("Validation slices", ["Slice", "Documents", "Tokens"], rows))


def lengths(report: dict[str, Any]) -> Html:
    train, val = (report["counts"][split]["lengths"] for split in ("train", "val"))
    exponents = [int(key) for key in {*train, *val}]
    bins = [
        {"from": 1 << at, "to": 2 << at, "kept": train.get(str(at), 0), "dropped": val.get(str(at), 0)}
        for at in range(min(exponents, default=0), max(exponents, default=-1) + 1)
    ]
    key = legend(kept="to train, above the axis", dropped="to validate, below")
    note = Html('<p class="note">Documents by their tokens, BOS included; the scale doubles with every column.</p>')
    rows = [row([item["from"], item["kept"], item["dropped"]]) for item in bins]
    numbers = table("Document lengths", ["Tokens from", "Train", "Validation"], rows)
    folded = fill("<details><summary>The numbers</summary>{numbers}</details>", numbers=numbers)
    return section("Document lengths", key, histogram(bins, lost="to validate", unit="tokens"), note, folded)


def tokens(report: dict[str, Any]) -> Html:
    about = report["tokens"]
    return section(
        "Tokens",
        facts(
            [
                ("Vocabulary", about["vocab_size"]),
                ("Numbers as", f"{about['dtype']}, little-endian"),
                ("BOS, EOS, PAD", ", ".join("none" if about[n] is None else f"{about[n]}" for n in MARKS)),
                ("tokenizer.json", f"{about['tokenizer_sha256'][:16]}…"),
            ]
        ),
    )


MARKS = ("bos_id", "eos_id", "pad_id")


def plan(report: dict[str, Any]) -> Html:
    about = report["plan"]
    mixture = ", ".join(f"{name} {weight:g}" for name, weight in about["mixture"] or ())
    return section(
        f"Plan “{about['name']}”",
        facts(
            [
                ("Packing", about["packing"]),
                ("Context", about["context"]),
                ("Seed", f"{about['seed']}"),
                ("Documents seen", about["documents"]),
                ("Tokens seen", about["tokens"]),
                ("Tokens cut", about["cut"]),
                ("Mixture", mixture or "as it is"),
            ]
        ),
    )


def first_rows(report: dict[str, Any]) -> Html:
    """Each row a strip of its documents, coloured by language."""
    counted = report["counts"]["train"]["languages"]
    ranked = sorted(counted, key=lambda name: -counted[name]["tokens"])
    colours: dict[str, str] = dict(zip(ranked, COLOURS[:-1], strict=False))
    strips = [strip(spans, colours, report["plan"]["context"] + 1) for spans in report["plan"]["first_rows"]]
    shown = {colours[name]: name for name in ranked if name in colours}
    key = legend(**shown, **({"other": "other languages"} if len(ranked) > len(colours) else {}))
    note = Html(
        '<p class="note">The first training rows, from above: a strip is a row, a piece of it a document or a part of '
        "one. Point at a piece to see its page.</p>"
    )
    return section(
        "What the first rows are made of", key, fill('<div class="rows">{strips}</div>', strips=strips), note
    )


def strip(spans: list[dict[str, Any]], colours: dict[str, str], whole: int) -> Html:
    pieces, at = [], 0
    for span in spans:
        told = f"{span['tokens']:,} tokens of {span['url'] or 'a document'}" + ("" if span["begins"] else ", continued")
        pieces.append(
            fill(
                '<rect class="{colour}" x="{x}" y="0" width="{width}" height="6"><title>{told}</title></rect>',
                colour=colours.get(span["language"] or "und", "other"),
                x=Html(f"{100 * at / whole:.3f}"),
                width=Html(f"{100 * span['tokens'] / whole:.3f}"),
                told=clean(told),
            )
        )
        at += span["tokens"]
    return fill('<svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img">{pieces}</svg>', pieces=pieces)


def throughput(report: dict[str, Any]) -> Html:
    pace = report["throughput"]
    pairs = [
        ("Runner, workers", f"{pace['runner']}, {pace['workers']}"),
        ("Whole run", duration(pace["wall_s"])),
        ("Encoding", f"{number(pace['tokens_per_cpu_s'])} tokens a CPU second"),
        ("Largest worker", size(pace["max_rss_mb"] * (1 << 20))),
    ]
    phases = [(f"Phase {phase['phase']}", duration(phase["wall_s"])) for phase in pace["phases"]]
    return section("Throughput", facts([*pairs, *phases]))
