"""The same article again: syndicated with small changes, mirrored byte for byte, or under an address that is listed."""

import re
from dataclasses import replace

from pipelines.sample.articles import Article, seeded
from pipelines.sample.sites import Site, publish, sites_in, world_sites
from pipelines.sample.webpage import WebPage

# What an editor put in the place of a sentence.
EDITS = {
    "en": (
        "Readers have told us much the same.",
        "The rest, as they say, takes practice.",
        "That alone would be worth a visit.",
    ),
    "pt": (
        "Os leitores contam histórias parecidas.",
        "O resto vem com a prática.",
        "Só isso já valeria a visita.",
    ),
}

# What an editor added at the end, in the languages of the second crawl.
ADDED = {
    **{language: edits[0] for language, edits in EDITS.items()},
    "es": "Los lectores nos han contado historias parecidas.",
    "fr": "Des lecteurs nous ont raconté à peu près la même chose.",
    "de": "Leserinnen und Leser haben uns Ähnliches erzählt.",
    "it": "I lettori ci hanno raccontato storie molto simili.",
    "nl": "Lezers hebben ons ongeveer hetzelfde verteld.",
    "pl": "Czytelnicy opowiadali nam bardzo podobne historie.",
    "ru": "Читатели рассказывали нам похожие истории.",
    "uk": "Читачі розповідали нам схожі історії.",
    "el": "Οι αναγνώστες μάς έχουν πει παρόμοιες ιστορίες.",
    "tr": "Okurlarımız bize benzer hikâyeler anlattı.",
    "ar": "حكى لنا القراء قصصا تشبه هذه القصة.",
    "fa": "خوانندگان داستان‌هایی شبیه به این برای ما گفته‌اند.",
    "hi": "पाठकों ने हमें ऐसी ही कहानियाँ सुनाई हैं।",
    "id": "Para pembaca menceritakan kisah yang hampir sama kepada kami.",
    "vi": "Bạn đọc cũng đã kể cho chúng tôi những câu chuyện tương tự.",
    "zh": "读者也给我们讲过类似的故事。",
    "ja": "読者の皆さんからも似たような話が届いています。",
    "ko": "독자들도 우리에게 비슷한 이야기를 들려주었다.",
    "th": "ผู้อ่านก็เล่าเรื่องที่คล้ายกันให้เราฟัง",
}

# Each carries an article's text, so that nothing but its address can condemn it.
BLOCKED_HOSTS = (
    ("adult", Site("velvet-keyhole.example", "Keyhole", "blog", "en")),
    ("gambling", Site("news.golden-roulette.example", "Golden News", "news", "en")),  # a child of a listed domain
    ("gambling", Site("www.todo-dia-cassino.example", "Todo Dia", "magazine", "pt")),
)
BLOCKED_URLS = (
    ("adult", Site("photoshare.example", "Photoshare", "minimal", "en", "/albums/keyhole/index.html")),
    ("gambling", Site("freepages.example", "Free Pages", "nineties", "en", "/~night/chips.html")),
    ("phishing", Site("paginas.example", "Páginas", "minimal", "pt", "/banco/atualize-seus-dados.htm")),
)


def edited(article: Article) -> Article:
    """The article with the last sentence of its longest paragraph replaced and every number one higher."""
    paragraphs = [re.sub(r"\d+", lambda number: str(int(number[0]) + 1), text) for text in article.paragraphs]
    longest = max(range(len(paragraphs)), key=lambda n: len(paragraphs[n]))
    *kept, _ = re.split(r"(?<=[.!?]) ", paragraphs[longest])
    paragraphs[longest] = " ".join([*kept, seeded(article.title).choice(EDITS[article.language])])
    return replace(article, paragraphs=tuple(paragraphs))


def near_copies(articles: list[Article], pages: dict[str, WebPage]) -> list[WebPage]:
    """Eight English and four Portuguese articles on another site with another template. `pages`: by article title."""
    copies = []
    for language, step in (("en", 8), ("pt", 11)):
        sites = sites_in(language)
        for turn, article in enumerate(of_language(articles, language)[:64:step]):
            original = pages[article.title]
            others = [site for site in sites if site.template != dict(original.about)["template"]]
            site = others[turn % len(others)]
            copies.append(publish(edited(article), site, 0, kind="near_copy", copy_of=original.url))
    return copies


def world_copies(articles: list[Article], pages: dict[str, WebPage]) -> list[WebPage]:
    """The first and the fourth article of each language with a sentence more, on another site of it."""
    copies = []
    for language in dict.fromkeys(article.language for article in articles):
        sites = sites_in(language) or world_sites(language)
        for article in of_language(articles, language)[::3]:
            original = pages[article.title]
            site = next(site for site in sites if site.template != dict(original.about)["template"])
            *others, last = article.paragraphs
            space = "" if language in ("zh", "ja") else " "
            longer = replace(article, paragraphs=(*others, f"{last}{space}{ADDED[language]}"))
            copies.append(publish(longer, site, 0, kind="near_copy", copy_of=original.url))
    return copies


def exact_copies(articles: list[Article], pages: dict[str, WebPage]) -> list[WebPage]:
    """The same bytes from a mirror."""
    english, portuguese = of_language(articles, "en"), of_language(articles, "pt")
    originals = [pages[article.title] for article in (*english[3:60:20], *portuguese[5:40:20])]
    return [
        replace(
            page,
            url=page.url.replace("https://", "https://mirror."),
            kind="exact_copy",
            about=(*page.about, ("copy_of", page.url)),
        )
        for page in originals
    ]


def blocked_pages(articles: list[Article]) -> list[WebPage]:
    pages = []
    for kind, sites in (("blocked_host", BLOCKED_HOSTS), ("blocked_url", BLOCKED_URLS)):
        for turn, (category, site) in enumerate(sites):
            article = of_language(articles, site.language)[6 + turn]
            pages.append(publish(article, site, 0, kind=kind, category=category))
    return pages


def of_language(articles: list[Article], language: str) -> list[Article]:
    return [article for article in articles if article.language == language]
