"""Ordinary pages that name people's addresses. All of it is made up or reserved for examples, nothing leads anywhere.

E-mail: example.com and example.org (RFC 2606). IP: the documentation ranges of RFC 5737 and RFC 3849. Telephone:
555-0100 to 555-0199 in North America, and the unassigned area code 20 in Brazil. Card, IBAN, CPF, CNPJ: the numbers
that test suites use, with valid check digits.
"""

import re

from pipelines.sample.articles import Article, read_articles
from pipelines.sample.oddities import TEXTS
from pipelines.sample.sites import publish, sites_in
from pipelines.sample.webpage import WebPage

PATTERNS = {
    "email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "ip": r"\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+\b|\b2001:db8:[0-9a-f:]+[0-9a-f]",
    "phone": r"\+1 \d{3} 555-01\d\d|\+1 \(\d{3}\) 555-01\d\d|\(20\) 9?\d{4}-\d{4}",
    "card": r"\b\d{4} \d{4} \d{4} \d{4}\b",
    "iban": r"\b[A-Z]{2}\d{2}(?: \w{4}){4,5}(?: \d{2})?\b",
    "cpf": r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b",
    "cnpj": r"\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b",
}


def personal_pages() -> list[WebPage]:
    """Each page lists what it exposes under `personal`, by sort."""
    pages = []
    for article in read_articles(TEXTS, "pii-*.md"):
        sites = sites_in(article.language)
        pages.append(publish(article, sites[len(pages) % len(sites)], 0, kind="pii", personal=personal_data(article)))
    return pages


def personal_data(article: Article) -> dict[str, list[str]]:
    text = " ".join(article.paragraphs)
    hits = {sort: re.findall(pattern, text) for sort, pattern in PATTERNS.items()}
    return {sort: values for sort, values in hits.items() if values}
