"""Seven kinds of sites. Each template sets one article among everything else that such a site shows."""

from collections.abc import Callable
from html import escape

from pipelines.sample.layout.parts import (
    Scene,
    advertisement,
    comments,
    cookie_banner,
    footer,
    head,
    links,
    menu,
    paragraphs,
    share_bar,
)

Template = Callable[[Scene], str]


def news(scene: Scene) -> str:
    """A newspaper: cookie banner, advertisement after the second paragraph, three boxes of links."""
    words, text = scene.words, paragraphs(scene)
    return f"""{head(scene)}<body class="single article-page">
{cookie_banner(scene)}
<header class="masthead"><a href="/" class="logo">{escape(scene.site)}</a>
<a href="/login">{escape(words.login)}</a> <a class="paywall" href="/subscribe">{escape(words.subscribe)}</a></header>
{menu(scene)}
<div class="wrap"><main><article class="story">
<h1>{escape(scene.article.title)}</h1>
<p class="byline">{escape(words.by)} {escape(scene.author)} · <time datetime="{scene.iso_date}">{scene.date}</time></p>
<figure><img src="/img/{scene.article.slug}.jpg" alt=""><figcaption>{escape(words.caption)}</figcaption></figure>
<div class="article-body" itemprop="articleBody">
{"".join(text[:2])}{advertisement(scene)}{"".join(text[2:])}</div>
{share_bar(scene)}
</article>{links(scene, words.related)}</main>
{links(scene, words.popular, "popular")}</div>
{comments(scene)}
{footer(scene)}"""


def blog(scene: Scene) -> str:
    """A personal blog, as WordPress would make it."""
    words = scene.words
    tags = " ".join(f'<a rel="tag" href="/tag/{escape(name.lower())}">{escape(name)}</a>' for name in words.menu[:3])
    return f"""{head(scene)}<body class="post-template-default single single-post">
<div id="page" class="site"><header class="site-header"><p class="site-title"><a href="/">{escape(scene.site)}</a></p>
{menu(scene)}</header>
<div id="content" class="site-content"><article id="post-{scene.rng.randrange(9999)}" class="post type-post hentry">
<header class="entry-header"><h1 class="entry-title">{escape(scene.article.title)}</h1>
<div class="entry-meta"><time class="entry-date" datetime="{scene.iso_date}">{scene.date}</time></div></header>
<div class="entry-content">
{"".join(paragraphs(scene))}</div>
<footer class="entry-footer"><span class="tags-links">{escape(words.tags)}: {tags}</span></footer>
</article>
{comments(scene)}
</div>
{links(scene, words.popular, "widget")}
</div>
{footer(scene)}"""


def wiki(scene: Scene) -> str:
    """A wiki: edit links beside the heading, a side column of tools, categories at the foot."""
    words, text = scene.words, paragraphs(scene)
    edit = f'<span class="mw-editsection">[<a href="?action=edit">{escape(words.edit)}</a>]</span>'
    related = "".join(f'<li><a href="{escape(href)}">{escape(name)}</a></li>' for name, href in scene.elsewhere)
    return f"""{head(scene)}<body class="mediawiki ltr ns-0">
<div id="mw-navigation" class="navigation">{menu(scene)}
<form action="/search"><input name="q" placeholder="{escape(words.search)}"></form>
<a href="/login">{escape(words.login)}</a></div>
<div id="content" class="mw-body" role="main"><h1 id="firstHeading">{escape(scene.article.title)} {edit}</h1>
<div id="mw-content-text" class="mw-parser-output">
{"".join(text)}
<div class="navbox" role="navigation"><b>{escape(words.related)}</b><ul>{related}</ul></div></div>
<div id="catlinks" class="catlinks">{escape(words.tags)}: <a href="/c/1">{escape(words.menu[2])}</a></div></div>
{footer(scene)}"""


def forum(scene: Scene) -> str:
    """A forum thread: the article is its first post, short replies follow."""
    words = scene.words
    user = escape(scene.rng.choice(words.names).split()[0].lower())
    return f"""{head(scene)}<body class="thread">
{cookie_banner(scene)}
<header><a href="/">{escape(scene.site)}</a> <a href="/login">{escape(words.login)}</a></header>
<div class="breadcrumb"><a href="/">{escape(words.home)}</a> &raquo; <a href="/f/2">{escape(words.menu[1])}</a></div>
<h1 class="thread-title">{escape(scene.article.title)}</h1>
<div class="post first"><div class="postprofile user-info"><b>{user}</b><br>{scene.rng.randrange(9000)} posts</div>
<article class="post-content"><div class="post-body message-body">
{"".join(paragraphs(scene))}</div></article>
<div class="post-footer signature"><i>-- {user}</i></div></div>
{comments(scene, "comment reply")}
{links(scene, words.related)}
{footer(scene)}"""


def magazine(scene: Scene) -> str:
    """A magazine with an advertisement after every other paragraph, a newsletter box and an overlay."""
    words, text = scene.words, paragraphs(scene)
    body = "".join(part + (advertisement(scene) if n % 2 else "") for n, part in enumerate(text))
    return f"""{head(scene)}<body>
{cookie_banner(scene)}
<div class="modal popup overlay" role="dialog" aria-hidden="true"><h2>{escape(words.subscribe)}</h2>
<form action="/newsletter"><input type="email" name="e"><button>OK</button></form></div>
{advertisement(scene)}
<header class="site-header">{menu(scene)}</header>
<div class="wrap"><div class="content post-content">
<h1 class="headline">{escape(scene.article.title)}</h1>
<div class="meta"><span class="author">{escape(scene.author)}</span> <span class="date">{scene.date}</span></div>
<article>
{body}</article>
{share_bar(scene)}
<div class="newsletter widget"><a href="/subscribe">{escape(words.subscribe)}</a></div>
</div>{links(scene, words.popular)}</div>
{links(scene, words.related)}
{comments(scene)}
{footer(scene)}"""


def minimal(scene: Scene) -> str:
    """A page written by hand: hardly anything but the text."""
    return f"""<!doctype html>
<html lang="{scene.locale}">
<head>{scene.meta}<title>{escape(scene.article.title)}</title>
<style>body{{max-width:40em;margin:2em auto;font:1.1em/1.5 serif}}</style></head>
<body>
<p><a href="/">&larr; {escape(scene.site)}</a></p>
<h1>{escape(scene.article.title)}</h1>
{"".join(paragraphs(scene))}<hr>
<footer><small>{scene.date} · {escape(scene.author)}</small></footer>
</body>
</html>
"""


def nineties(scene: Scene) -> str:
    """A page of 1998: a table for the side column, fonts, upper-case tags, unclosed paragraphs, a visitor counter."""
    words = scene.words
    items = "".join(
        f'<TR><TD><FONT SIZE=2><A HREF="{escape(href)}">{escape(name)}</A></FONT></TD></TR>\n'
        for name, href in (
            *scene.elsewhere,
            *((name, "index2.htm") for name in (words.home, *words.menu, words.search)),
        )
    )
    return f"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2//EN">
<HTML><HEAD>{scene.meta}<TITLE>{escape(scene.article.title)}</TITLE></HEAD>
<BODY BGCOLOR="#FFFFEE" TEXT="#000000">
<CENTER><FONT SIZE=5 COLOR="#990000"><B>{escape(scene.site)}</B></FONT></CENTER>
<TABLE WIDTH=150 ALIGN=LEFT BORDER=0 CELLPADDING=6 BGCOLOR="#CCCCFF">
{items}</TABLE>
<H2>{escape(scene.article.title)}</H2>
{"".join(paragraphs(scene, "<P>", chr(10)))}<BR CLEAR=ALL>
<HR><CENTER><FONT SIZE=1>{escape(words.visitors)} {scene.rng.randrange(10**5):06}<BR>&copy; {scene.year}</FONT></CENTER>
</BODY></HTML>
"""


TEMPLATES: dict[str, Template] = {
    template.__name__: template for template in (news, blog, wiki, forum, magazine, minimal, nineties)
}
