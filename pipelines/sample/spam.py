"""Pages made for search engines rather than for people. Each falls to another rule of the Gopher and C4 filters."""

from pipelines.sample.articles import Article, seeded
from pipelines.sample.sites import Site, publish
from pipelines.sample.webpage import WebPage

KEYWORDS = ("cheap", "raincoat", "buy", "best", "discount", "online", "store", "free", "shipping", "deal", "price")
NOUNS = ("harbour", "lantern", "meadow", "kettle", "bicycle", "orchard", "ladder", "window", "pocket", "candle")
TAGS = ("praia", "verao", "sol", "mar", "viagem", "foto", "ferias", "amigos", "domingo", "festa", "musica", "cafe")
TEASERS = (
    "Nobody at the market expected what the baker took out of his oven that morning...",
    "She had owned the old kettle for years before she looked underneath...",
    "Three simple habits that people with tidy gardens never talk about...",
    "The captain read the note twice, and then he turned the ship around...",
    "This is the reason why your grandmother kept a potato in the drawer...",
    "Experts were speechless when they saw the second photograph of the bridge...",
    "He paid two coins for a rusty key, and a week later the telephone rang...",
    "What the cat carried home on Sunday will change how you think of fences...",
    "Most of us have been peeling onions from the wrong end all along...",
    "You can stop buying candles for good as soon as you have learned this...",
)
CAPTIONS = (
    "O céu resolveu colaborar e a turma inteira apareceu com chapéu",
    "Última parada antes da serra, com pão de queijo na mochila",
    "Quem disse que segunda não pode começar descalça",
    "Minha irmã jura que a onda era maior do que parece aqui",
    "Achei este cantinho quando errei o caminho da pousada",
    "Bolo de fubá, conversa comprida e nenhum relógio por perto",
    "A rede venceu a trilha por unanimidade",
    "Depois da chuva a rua virou espelho e ninguém reclamou",
)


def keyword_stuffing() -> Article:
    rng = seeded("keywords")
    blocks = [" ".join(rng.choice(KEYWORDS) for _ in range(60)) for _ in range(5)]
    return Article("en", "Cheap raincoat best price buy online", tuple(blocks))


def repeated_phrases() -> Article:
    """One sentence, again and again, with a word changed: top n-grams."""
    rng = seeded("phrases")
    said = [f"If you want the best {rng.choice(NOUNS)} in town you have come to the right place." for _ in range(40)]
    return Article("en", "The best in town", tuple(" ".join(said[n : n + 8]) for n in range(0, 40, 8)))


def repeated_lines() -> Article:
    lines = ("Click here to claim the prize that was kept for you.", "Hurry, the offer ends with the day.")
    return Article("en", "You have been chosen", lines * 12)


def teasers() -> Article:
    """Every line breaks off before it says anything."""
    return Article("en", "Ten things that nobody tells you", TEASERS)


def hashtags() -> Article:
    rng = seeded("hashtags")
    lines = [f"{caption} {' '.join('#' + tag for tag in rng.sample(TAGS, 5))}" for caption in CAPTIONS]
    return Article("pt", "Fotos do domingo", tuple(lines))


def lists_of_places() -> Article:
    """A doorway page: the same service in every town of a made-up region."""
    towns = [
        f"{a} {b}" for a in ("Porto", "Serra", "Campo", "Lagoa") for b in ("Alegre Velho", "Novo do Sul", "da Pedra")
    ]
    blocks = [
        f"Chaveiro 24 horas em {town}. Ligue agora, chaveiro em {town} com preço justo em {town}." for town in towns
    ]
    return Article("pt", "Chaveiro 24 horas na sua cidade", tuple(blocks))


def spam_pages() -> list[WebPage]:
    english = Site("deals-deals-deals.invalid", "Deals", "magazine", "en", "/{slug}-{number}")
    portuguese = Site("ofertas-ja.invalid", "Ofertas Já", "blog", "pt", "/{slug}")
    makers = (keyword_stuffing, repeated_phrases, repeated_lines, teasers, hashtags, lists_of_places)
    return [
        publish(article, english if article.language == "en" else portuguese, 0, kind="spam", trick=maker.__name__)
        for maker in makers
        for article in (maker(),)
    ]
