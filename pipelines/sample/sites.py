"""The sample's web: made-up sites under reserved names, and how each publishes an article."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from pipelines.sample import charsets
from pipelines.sample.articles import Article, seeded
from pipelines.sample.charsets import UTF8, Charset
from pipelines.sample.layout.parts import Scene
from pipelines.sample.layout.templates import TEMPLATES
from pipelines.sample.layout.words import WORDS
from pipelines.sample.webpage import WebPage
from transforms.steps.text.languages import languages


@dataclass(frozen=True, slots=True)
class Site:
    """A made-up site.

    charsets: used in turn, since old sites rarely keep to one.
    """

    host: str
    name: str
    template: str
    language: str
    path: str = "/{slug}/"
    charsets: tuple[Charset, ...] = (UTF8,)

    def url(self, article: Article) -> str:
        rng = seeded(f"{self.host} {article.title}")
        return f"https://{self.host}" + self.path.format(
            slug=article.slug,
            title=quote(article.title.replace(" ", "_")),
            year=rng.randint(2016, 2024),
            month=rng.randint(1, 12),
            number=rng.randint(1000, 99999),
        )


OLD = (charsets.CP1252_META, charsets.LATIN1_SILENT, charsets.LATIN1_HEADER, charsets.CP1252_META)
ODD = (UTF8, charsets.UTF16, charsets.UTF8_SILENT, charsets.UTF8_META)
WRONG = (UTF8, UTF8, charsets.LATIN1_AS_UTF8, charsets.UTF8_AS_LATIN1)

SITES = (
    Site("riverpost.example", "The River Post", "news", "en", "/news/{year}/{month:02}/{slug}.html"),
    Site("blog.fieldnotes.example", "Field Notes", "blog", "en", "/{year}/{month:02}/{slug}/"),
    Site("commonwiki.test", "Commonwiki", "wiki", "en", "/wiki/{title}"),
    Site("www.kitchen-table.example", "The Kitchen Table", "forum", "en", "/viewtopic.php?f=2&t={number}"),
    Site("lanternweekly.example", "Lantern Weekly", "magazine", "en", "/features/{slug}-{number}"),
    Site("plainpages.invalid", "Plain Pages", "minimal", "en", "/{slug}", ODD),
    Site("www.oldharbour.example", "Old Harbour Home Page", "nineties", "en", "/~edith/page{number}.htm", OLD),
    Site("gazeta-do-vale.example", "Gazeta do Vale", "news", "pt", "/{year}/{month:02}/{slug}.html"),
    Site("caderno.serra.example", "Caderno da Serra", "blog", "pt", "/{year}/{month:02}/{slug}/", WRONG),
    Site("wiki-saberes.test", "Wiki dos Saberes", "wiki", "pt", "/wiki/{title}"),
    Site("forumdoquintal.example", "Fórum do Quintal", "forum", "pt", "/topico/{number}-{slug}", OLD),
    Site("revista-ipe.example", "Revista Ipê", "magazine", "pt", "/reportagem/{slug}"),
    Site("pagina-limpa.invalid", "Página Limpa", "minimal", "pt", "/textos/{slug}", ODD),
    Site("www.casa-do-luiz.example", "Casa do Luiz", "nineties", "pt", "/luiz/texto{number}.htm", OLD),
    Site("diario-ribera.example", "Diario de la Ribera", "news", "es", "/noticias/{slug}-{number}.html"),
    Site("bitacora-sur.example", "Bitácora del Sur", "blog", "es", "/{year}/{slug}/", OLD),
    Site("courrier-du-lac.example", "Le Courrier du Lac", "magazine", "fr", "/articles/{slug}"),
    Site("carnet-gris.test", "Carnet gris", "blog", "fr", "/{year}/{month:02}/{slug}", OLD),
    Site("flussblatt.example", "Flussblatt", "news", "de", "/artikel/{number}/{slug}.html"),
    Site("wiki-werkstatt.test", "Wiki Werkstatt", "wiki", "de", "/wiki/{title}", ODD),
)


def sites_in(language: str) -> list[Site]:
    return [site for site in SITES if site.language == language]


# Encodings that sites of a language had before UTF-8.
LEGACY = {
    **{"ru": "koi8-r", "uk": "windows-1251", "pl": "iso-8859-2", "el": "iso-8859-7", "tr": "windows-1254"},
    **{"ar": "windows-1256", "vi": "windows-1258", "th": "tis-620", "zh": "gb18030", "ja": "euc-jp", "ko": "euc-kr"},
    **dict.fromkeys(("it", "nl", "id"), "windows-1252"),
}


def world_sites(language: str) -> list[Site]:
    """Sites of a language that the first crawl has none of: two in UTF-8, one in what was usual before it."""
    known = languages()[language]
    codes = (charsets.in_meta(LEGACY[language]),) if language in LEGACY else ODD
    return [
        Site(f"news-{language}.example", known.own_name, "news", language, "/news/{year}/{number}.html"),
        Site(f"wiki-{language}.test", known.own_name, "wiki", language, "/wiki/{title}"),
        Site(f"www.home-{language}.example", known.own_name, "minimal", language, "/{number}.htm", codes),
    ]


def publish(
    article: Article, site: Site, turn: int, kind: str = "article", locale: str | None = None, **about
) -> WebPage:
    """The article as a page of the site. `turn` picks the charset and the articles that the page links to."""
    charset = site.charsets[turn % len(site.charsets)]
    url = site.url(article)
    html = TEMPLATES[site.template](scene_of(article, site, url, charset, locale))
    return WebPage(
        url,
        kind,
        charset.encode(html),
        language=article.language,
        charset=charset.codec.removesuffix("-le"),
        declared=charset.declared,
        declares=charset.content_type,
        about=(("title", article.title), ("template", site.template), *about.items()),
    )


def scene_of(article: Article, site: Site, url: str, charset: Charset, locale: str | None = None) -> Scene:
    """What a page of a site shows around an article. All that is drawn follows from the URL alone."""
    rng, words = seeded(url), WORDS.get(article.language, WORDS["en"])
    headlines = HEADLINES.get(article.language, HEADLINES["en"])
    return Scene(
        article=article,
        url=url,
        site=site.name,
        words=words,
        rng=rng,
        elsewhere=tuple((title, f"/{rng.randrange(10**4)}") for title in rng.sample(headlines, 5)),
        meta=charset.meta,
        locale=locale or (words.locale if article.language in WORDS else article.language),
        year=rng.randint(2016, 2024),
        month=rng.randint(1, 12),
        day=rng.randint(1, 28),
    )


def publish_all(articles: Iterable[Article]) -> list[WebPage]:
    """Every article once, the sites of its language taking turns."""
    pages, turns = [], Counter[str]()
    for article in articles:
        sites, turn = sites_in(article.language) or world_sites(article.language), turns[article.language]
        pages.append(publish(article, sites[turn % len(sites)], turn // len(sites)))
        turns[article.language] += 1
    return pages


# Headlines that exist nowhere: with real ones, related links would put article titles into other pages' texts.
HEADLINES = {
    "en": [
        "Bridge to reopen in spring",
        "Ten soups for a cold week",
        "The choir that sings in lifts",
        "Why the ferry was late again",
        "A walk along the old railway",
        "Letters: in defence of the hedge",
        "Chess club moves to the bakery",
    ],
    "pt": [
        "Ponte reabre em setembro",
        "Dez sopas para a semana fria",
        "O coral que ensaia no elevador",
        "Por que a balsa atrasou de novo",
        "Uma caminhada pela ferrovia antiga",
        "Cartas: em defesa da cerca viva",
        "Clube de xadrez muda para a padaria",
    ],
    "es": [
        "El puente reabre en otoño",
        "Diez sopas para el frío",
        "El coro que ensaya en ascensores",
        "Por qué el barco llegó tarde",
        "Un paseo por la vía vieja",
    ],
    "fr": [
        "Le pont rouvre au printemps",
        "Dix soupes pour l'hiver",
        "La chorale des ascenseurs",
        "Pourquoi le bac était en retard",
        "Promenade sur l'ancienne voie",
    ],
    "de": [
        "Brücke öffnet im Frühling",
        "Zehn Suppen für kalte Tage",
        "Der Chor im Aufzug",
        "Warum die Fähre zu spät kam",
        "Spaziergang auf dem alten Gleis",
    ],
}
