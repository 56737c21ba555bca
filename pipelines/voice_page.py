"""What pages about a trained model have in common: their head, their foot and the page around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.report_charts import Html, fill, show
from pipelines.report_parts import whole_page
from pipelines.report_style import PAN

STYLE = """
.big { border-radius:14px; }
.big.of2 { grid-template-columns:repeat(2,1fr); } .big.of3 { grid-template-columns:repeat(3,1fr); }
@media (max-width:600px) { .big.of3 { grid-template-columns:1fr; } }
"""

Card = tuple[str, Any, str]  # name, value, what more there is to say


def page(
    brand: str, title: str, lead: Any, cards: Sequence[Card], sections: Sequence[Html], foot: Html, style: str = ""
) -> str:
    return whole_page(title, 0, header(brand, title, lead, cards), sections, foot, STYLE + style)


def header(brand: str, title: str, lead: Any, cards: Sequence[Card]) -> Html:
    card = "<div><dt>{name}</dt><dd>{value}</dd><dd>{more}</dd></div>"
    return fill(
        '<header>\n<p class="brand">{pan}<span>Bateia · {brand}</span></p>\n<h1>{title}</h1>\n'
        '<p class="lead">{lead}</p>\n<dl class="big of{count}" style="--digits:{digits}">{cards}</dl>\n</header>',
        pan=PAN,
        brand=brand,
        title=title,
        lead=lead,
        count=Html(len(cards)),
        digits=Html(max(len(show(value)) for _, value, _ in cards)),
        cards=[fill(card, name=name, value=value, more=more) for name, value, more in cards],
    )


def footer(run: str, step: int) -> Html:
    """Which model it was, and what it ran on."""
    from trainer.job import versions

    told = " · ".join(f"{name} {version}" for name, version in versions().items())
    return fill(
        "<footer><p>Model <code>{run}</code> after {step} steps</p><p>{told}</p></footer>",
        run=run,
        step=step,
        told=told,
    )
