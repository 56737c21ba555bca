"""The parts that site templates share: head, menu, banners, advertisements, comments, footer."""

import json
import random
from dataclasses import dataclass
from html import escape

from pipelines.sample.articles import Article
from pipelines.sample.layout.words import Words


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a template needs to set one article.

    elsewhere: title and address of other articles of the site.
    meta: the charset's tag, or an empty text.
    """

    article: Article
    url: str
    site: str
    words: Words
    rng: random.Random
    elsewhere: tuple[tuple[str, str], ...]
    meta: str
    locale: str
    year: int
    month: int
    day: int

    @property
    def date(self) -> str:
        return f"{self.day} {self.words.months[self.month - 1]} {self.year}"

    @property
    def iso_date(self) -> str:
        return f"{self.year}-{self.month:02}-{self.day:02}"

    @property
    def author(self) -> str:
        return self.words.names[(self.day + self.month) % len(self.words.names)]


STYLE = """
body { margin: 0; font: 18px/1.6 Georgia, serif; color: #222 } a { color: #15639c }
.wrap { max-width: 1080px; margin: 0 auto; display: grid; grid-template-columns: 3fr 1fr; gap: 2em }
.ad, .cookie { background: #f4f0e6; padding: 1em; text-align: center }
@media (max-width: 700px) { .wrap { display: block } }
"""

TRACKER = """
window.dataLayer = window.dataLayer || [];
function tag() { dataLayer.push(arguments); }
tag('config', 'SAMPLE-0000', { anonymize: true, page: document.location.pathname });
document.addEventListener('scroll', function () { if (window.pageYOffset > 400) { tag('event', 'scroll'); } });
"""


def head(scene: Scene, style: str = STYLE, script: str = TRACKER) -> str:
    """The page's head, with what search engines and social networks are told."""
    title, summary = escape(scene.article.title), escape(scene.article.paragraphs[0][:150])
    return f"""<!DOCTYPE html>
<html lang="{scene.locale}">
<head>
{scene.meta}
<title>{title} | {escape(scene.site)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="{summary}">
<meta property="og:title" content="{title}">
<meta property="og:site_name" content="{escape(scene.site)}">
<link rel="canonical" href="{escape(scene.url)}">
<style>{style}</style>
<script>{script}</script>
{linked_data(scene)}
</head>
"""


def linked_data(scene: Scene) -> str:
    """JSON-LD, in which `<` is escaped so that no text can end the script."""
    data = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": scene.article.title,
        "datePublished": scene.iso_date,
        "author": {"@type": "Person", "name": scene.author},
        "publisher": {"@type": "Organization", "name": scene.site},
    }
    safe = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/ld+json">{safe}</script>'


def menu(scene: Scene) -> str:
    names = (scene.words.home, *scene.words.menu)
    items = "".join(f'<li><a href="/s{n}/">{escape(name)}</a></li>' for n, name in enumerate(names))
    return f'<nav class="menu" role="navigation"><ul>{items}</ul></nav>'


def cookie_banner(scene: Scene) -> str:
    words = scene.words
    return f"""<div class="cookie" id="cookie-consent" role="dialog"><p>{escape(words.cookies)}
<a href="/privacy">{escape(words.privacy)}</a></p>
<button>{escape(words.accept)}</button> <button>{escape(words.reject)}</button></div>"""


def advertisement(scene: Scene) -> str:
    offer = scene.rng.choice(scene.words.offers)
    return f"""<div class="ad advertisement" data-slot="{scene.rng.randrange(1000, 9999)}">
<span>{escape(scene.words.ad)}</span>
<a href="https://ads.example/click?c={scene.rng.randrange(10**6)}" rel="sponsored">{escape(offer)}</a></div>"""


def links(scene: Scene, title: str, css: str = "related") -> str:
    """A boxed list of other articles."""
    items = "".join(f'<li><a href="{escape(href)}">{escape(name)}</a></li>' for name, href in scene.elsewhere)
    return f'<aside class="{css} sidebar"><h3>{escape(title)}</h3><ul>{items}</ul></aside>'


def share_bar(scene: Scene) -> str:
    places = "".join(f'<a class="share-{p}" href="https://{p}.example/share">{p}</a> ' for p in ("flutter", "facegram"))
    return f'<div class="share social">{escape(scene.words.share)}: {places}</div>'


def comments(scene: Scene, css: str = "comment") -> str:
    """Readers' remarks, in random order."""
    said = scene.rng.sample(scene.words.remarks, scene.rng.randint(2, min(5, len(scene.words.remarks))))
    entries = "".join(
        f'<li class="{css}"><b class="author">{escape(scene.rng.choice(scene.words.names))}</b> '
        f"<p>{escape(remark)}</p><a href='#reply'>{escape(scene.words.reply)}</a></li>"
        for remark in said
    )
    title = f"<h3>{escape(scene.words.comments)} ({len(said)})</h3>"
    return f'<section id="comments" class="comments">{title}<ol>{entries}</ol></section>'


def paragraphs(scene: Scene, before: str = "<p>", after: str = "</p>\n") -> list[str]:
    """The article's paragraphs, some with a link or an emphasised word inside, which extraction must see through."""
    return [f"{before}{markup(text, scene)}{after}" for text in scene.article.paragraphs]


def markup(text: str, scene: Scene) -> str:
    words = [escape(word) for word in text.split(" ")]
    long = [n for n, word in enumerate(words) if len(word) > 6 and word.isalpha()]
    if long and scene.rng.random() < 0.5:
        n = scene.rng.choice(long)
        tag = scene.rng.choice(('<a href="/tag/{0}">{0}</a>', "<em>{0}</em>", "<strong>{0}</strong>"))
        words[n] = tag.format(words[n])
    return " ".join(words)


def footer(scene: Scene) -> str:
    words = scene.words
    legal = (("privacy", words.privacy), ("terms", words.terms))
    names = "".join(f'<a href="/{page}">{escape(name)}</a> · ' for page, name in legal)
    return f"""<footer class="footer">
<p>{names}© {scene.year} {escape(scene.site)}. {escape(words.rights)}.</p></footer>
<script>(function () {{ var seen = {{ page: 1 }}; tag('event', 'view', seen); }})();</script>
</body>
</html>
"""
