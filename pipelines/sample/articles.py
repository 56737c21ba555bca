"""The articles: what a good pipeline should find in the sample's pages."""

import random
import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ARTICLES = Path(__file__).parent / "articles"
WORLD = Path(__file__).parent / "world"  # in languages that the first crawl has no article in


@dataclass(frozen=True, slots=True)
class Article:
    """One article, as plain text without any markup."""

    language: str
    title: str
    paragraphs: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The title as it appears in URLs: ASCII letters, digits and hyphens."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def read_articles(folder: Path = ARTICLES, names: str = "*.md") -> list[Article]:
    """Every article of the files, in their order; a name holds the language: `en-1.md`, `pt.md`, `lorem-en.md`."""
    articles = []
    for path in sorted(folder.glob(names)):
        language = next(part for part in path.stem.split("-") if len(part) == 2)
        articles += split_articles(language, path.read_text(encoding="utf-8"))
    return articles


def split_articles(language: str, text: str) -> list[Article]:
    """Articles begin with `# Title`; blank lines part title and paragraphs."""
    articles = []
    for block in re.split(r"^# ", text, flags=re.MULTILINE)[1:]:
        title, *paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", block.strip()))
        articles.append(Article(language, title, tuple(paragraphs)))
    return articles


def seeded(key: str) -> random.Random:
    """Random choices that depend on `key` alone, so that a page never depends on its neighbours."""
    return random.Random(int.from_bytes(sha256(key.encode()).digest()[:8], "big"))
