"""The report of a training as one page: curves, bits per byte by slice, texts of the model as it learned."""

from __future__ import annotations

from typing import Any

from pipelines.line_chart import STYLE, curves
from pipelines.report_charts import NOTHING, Html, bar, duration, fill, number, passage, plural, share, show
from pipelines.report_parts import alarm, columns, facts, footer, named, ranking, row, section, table, whole_page
from pipelines.report_style import PAN

SAMPLE_CHARS = 1200
SHOWN_SAMPLES = 12
SHOWN_FAULTS = 10
SHOWN_SLICES = 5  # with a curve of their own


def render(report: dict[str, Any]) -> str:
    """The whole page from the report's numbers."""
    knows_peak = report["totals"]["mfu"] is not None
    pairs = columns(
        [
            curve(report, "Loss", "loss"),
            curve(report, "Learning rate", "lr", from_zero=True),
            curve(report, "Gradient's norm", "grad_norm"),
        ],
        [
            curve(report, "Tokens per second", "tokens_per_s", from_zero=True),
            *([curve(report, "Share of the device's peak (MFU)", "mfu", from_zero=True)] if knows_peak else []),
            curve(report, "Share of the time waited for data", "waited_share", from_zero=True),
        ],
    )
    sections = [faults(report), pairs, slices(report), positions(report), samples(report), settings(report)]
    foot = footer({"dataset_hash": report["data"]["dataset_hash"], "versions": report["versions"]})
    return whole_page(report["title"], report["totals"]["tokens"], header(report), sections, foot, style=STYLE)


def header(report: dict[str, Any]) -> Html:
    totals, model = report["totals"], report["settings"]["model"]
    whole = report["evals"][-1]["slices"].get("all") if report["evals"] else None
    device = plural(report["devices"], "device") + f" ({report['device']})"
    told = [
        ("Parameters", report["parameters"], f"{model['layers']} layers, {model['dim']} wide"),
        ("Tokens seen", totals["tokens"], plural(totals["steps"], "step")),
        ("Bits per byte", whole["bits_per_byte"] if whole else None, "of held-out text"),
        ("Tokens a second", totals["tokens_per_s"], f"MFU {share(totals['mfu'], 1)}" if totals["mfu"] else device),
    ]
    card = '<div><dt>{name}</dt><dd class="{kind}">{value}</dd><dd>{more}</dd></div>'
    cards = [fill(card, name=n, kind="kept" if at == 2 else "", value=v, more=m) for at, (n, v, m) in enumerate(told)]
    return fill(
        '<header>\n<p class="brand">{pan}<span>Bateia · {backend}</span></p>\n<h1>{title}</h1>\n'
        '<p class="lead">In {time} on {device} the loss came to <b>{loss}</b> nats a token.</p>\n'
        '<dl class="big" style="--digits:{digits}">{cards}</dl>\n</header>',
        pan=PAN,
        backend=report["backend"],
        title=report["title"],
        time=duration(totals["seconds"]),
        device=device,
        loss=totals["loss"],
        digits=Html(max(len(show(value)) for _, value, _ in told)),
        cards=cards,
    )


def curve(report: dict[str, Any], title: str, key: str, from_zero: bool = False) -> Html:
    points = [(line["step"], line[key]) for line in report["curve"] if line[key] is not None]
    return section(title, curves(f"{title} over the steps", [(title, points)], from_zero))


def slices(report: dict[str, Any]) -> Html:
    """Bits per byte of each slice at the end, and on the way there."""
    evals = report["evals"]
    if not evals:
        return section("Held-out text", Html('<p class="none">There is none in these shards.</p>'))
    last = {name: item for name, item in evals[-1]["slices"].items() if item["bits_per_byte"] is not None}
    top = max((item["bits_per_byte"] for item in last.values()), default=0)
    rows = []
    for name, item in last.items():
        picture = bar([("kept", item["bits_per_byte"])], top)
        rows.append(row([named(name, picture), f"{item['bits_per_byte']:.3f}", f"{item['loss']:.3f}", item["tokens"]]))
    heads = ["Slice", "Bits per byte", "Loss", "Tokens"]
    chart = curves("Bits per byte over the steps", [(name, course(evals, name)) for name in list(last)[:SHOWN_SLICES]])
    return section("Bits per byte of held-out text", chart, ranking("Slices", heads, rows, kind="numbers"))


def course(evals: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    values = [(line["step"], line["slices"].get(name, {}).get("bits_per_byte")) for line in evals]
    return [(step, value) for step, value in values if value is not None]


def positions(report: dict[str, Any]) -> Html:
    """What the context brings: the loss at its beginning and further on."""
    found = [
        item for item in (report["evals"][-1]["by_position"] if report["evals"] else []) if item["loss"] is not None
    ]
    if not found:
        return Html("")
    top = max(item["loss"] for item in found)
    rows = []
    for item in found:
        span = str(item["from"]) if item["to"] == item["from"] + 1 else f"{item['from']} to {item['to'] - 1}"
        rows.append(row([named(span, bar([("dropped", item["loss"])], top)), f"{item['loss']:.3f}", item["tokens"]]))
    note = Html('<p class="note">The more tokens a prediction can look back on, the better it should be.</p>')
    return section("Loss by position in the context", note, table("Positions", ["Position", "Loss", "Tokens"], rows))


def samples(report: dict[str, Any]) -> Html:
    """Texts from the same seed as the model learned, the last ones first; all prompts of a step, but not every step."""
    found = report["samples"]
    if not found:
        return Html("")
    steps = sorted({item["step"] for item in found}, reverse=True)
    most = max(SHOWN_SAMPLES * len(steps) // len(found), 1)
    chosen = steps[:: -(-len(steps) // most)]
    template = '<article><p class="why">step {step}</p><blockquote dir="auto">{prompt}{text}</blockquote></article>\n'
    shown = []
    for item in (item for step in chosen for item in found if item["step"] == step):
        prompt = fill("<b>{prompt}</b>", prompt=passage(item["prompt"], SAMPLE_CHARS)) if item["prompt"] else ""
        text = passage(item["text"], SAMPLE_CHARS) if item["text"] else NOTHING
        shown.append(fill(template, step=item["step"], prompt=prompt, text=text))
    return section("What the model writes", fill('<div class="pages kept-pages">{shown}</div>', shown=shown))


def faults(report: dict[str, Any]) -> Html:
    """Steps that went wrong, with the documents of their worst rows."""
    told = []
    for item in report["faults"][:SHOWN_FAULTS]:
        documents = [document for one in item["rows"] for document in one["documents"]][:3]
        urls = ", ".join(document["url"] or document["doc_id"] for document in documents)
        loss = "none" if item["loss"] is None else number(item["loss"])
        told.append(f"Step {item['step']:,}: {item['fault']}, loss {loss}; {urls}")
    more = len(report["faults"]) - len(told)
    return alarm([*told, f"{plural(more, 'more step')} in faults.jsonl"] if more > 0 else told)


def settings(report: dict[str, Any]) -> Html:
    """All that the numbers depend on."""
    given = dict(report["settings"])
    model, schedule = given.pop("model"), given.pop("schedule")
    pairs = [*model.items(), *schedule.items(), *given.items(), ("backend", report["backend"])]
    hashes = {**report["data"], "code_hash": report["code_hash"]}
    pairs += [("FLOPs a token", report["flops_per_token"]), *((key, value[:16]) for key, value in hashes.items())]
    waited = report["totals"]["waited_share"]
    pairs.append(("waited for data", NOTHING if waited is None else share(waited, 1)))
    return section("Settings", facts((key, str(value) if isinstance(value, bool) else value) for key, value in pairs))
