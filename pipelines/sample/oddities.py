"""Pages that are read without trouble and yet aren't articles: lists, notices, shops, policies, placeholders, code."""

from html import escape
from pathlib import Path

from pipelines.sample.articles import read_articles, seeded
from pipelines.sample.layout.words import WORDS
from pipelines.sample.sites import HEADLINES, SITES, Site, publish, sites_in
from pipelines.sample.webpage import WebPage

TEXTS = Path(__file__).parent / "texts"
KINDS = ("short_page", "short_lines", "curly", "lorem", "cookie_page", "wrong_language")

SHOPS = {
    "en": ("lantern-and-kettle.example", "{}.{:02}", ("Lantern", "Kettle", "Ladder", "Basket")),
    "pt": ("lampiao-e-chaleira.example", "R$ {},{:02}", ("Lampião", "Chaleira", "Escada", "Cesto")),
}


def oddities() -> list[WebPage]:
    pages = [page for kind in KINDS for page in text_pages(kind)]
    pages += [front_page(site) for site in SITES]
    pages += [shop_page(language, number) for language in ("en", "pt") for number in range(6)]
    return pages


def text_pages(kind: str) -> list[WebPage]:
    """One page for each text of `texts/<kind>-<language>.md`."""
    pages = []
    for article in read_articles(TEXTS, f"{kind}-*.md"):
        # A language without sites of its own appears on an English site, which calls it English.
        sites = sites_in(article.language) or sites_in("en")
        locale = "en" if kind == "wrong_language" else None
        pages.append(publish(article, sites[len(pages) % len(sites)], 0, kind=kind, locale=locale))
    return pages


def front_page(site: Site) -> WebPage:
    """The front page of a site: headlines and links."""
    words, headlines = WORDS[site.language], HEADLINES[site.language]
    menu = "".join(f'<li><a href="/s{n}/">{escape(name)}</a></li>' for n, name in enumerate(words.menu))
    more = escape(words.more)
    teasers = "".join(
        f'<div class="teaser"><h2><a href="/{n}">{escape(title)}</a></h2><a href="/{n}">{more}</a></div>\n'
        for n, title in enumerate(headlines * 3)
    )
    content = f"<nav><ul>{menu}</ul></nav>{teasers}"
    return listing(f"https://{site.host}/", "list_page", site.language, site.name, content)


def shop_page(language: str, number: int) -> WebPage:
    """A shop's category page: names, prices, buttons."""
    rng, (host, price, goods) = seeded(f"shop {language} {number}"), SHOPS[language]
    rows = "".join(
        f'<li class="product"><b>{rng.choice(goods)} {rng.choice("ABCDEF")}{rng.randrange(100, 999)}</b> '
        f"<i>{price.format(rng.randrange(9, 99), rng.choice((0, 50, 90)))}</i> <button>+</button></li>\n"
        for _ in range(24)
    )
    url, title = f"https://{host}/c{number}?page={number + 1}", WORDS[language].offers[0]
    return listing(url, "shop_page", language, title, f"<ul>{rows}</ul>")


def listing(url: str, kind: str, language: str, title: str, content: str) -> WebPage:
    html = f"""<!DOCTYPE html>
<html lang="{WORDS[language].locale}"><head><meta charset="utf-8"><title>{escape(title)}</title></head>
<body><h1>{escape(title)}</h1>
{content}<footer>{escape(WORDS[language].rights)}</footer></body></html>
"""
    return WebPage(url, kind, html.encode(), language=language)
