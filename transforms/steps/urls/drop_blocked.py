"""Drop pages by their URL: listed hosts, listed URLs, and words in the URL."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Self

from schemas.document import Page
from schemas.setting import setting
from schemas.verdict import Drop
from transforms.steps.step import BLOCK_LIST, AssetRef, PageStep
from transforms.steps.urls.blocklist import Blocklist, BlocklistError, open_blocklist
from transforms.steps.urls.forms import MAX_URL, host_and_parents, split_url, url_forms, words_of

CATEGORIES = (
    "adult",
    "mixed_adult",
    "agressif",
    "arjel",
    "dating",
    "ddos",
    "filehosting",
    "gambling",
    "phishing",
    "chat",
)


@dataclass(frozen=True)
class DropBlockedUrls(PageStep):
    """Drops pages whose host, URL or words are listed: FineWeb's URL filter.

    The first hit wins, in this order; the reason stands in the ledger:

    domain       the host or any of its parent domains is listed
    url          the URL is listed, whatever its scheme, `www.`, closing slash and query
    hard_word    a hard word is a whole token of the URL, split at everything but ASCII letters and digits
    soft_words   at least `soft_words` distinct soft words are tokens
    substring    a banned substring occurs in the URL with all but ASCII letters and digits removed

    The ledger's detail names the categories or words and the list with its date.

    Differences from datatrove's URLFilter 0.10, which made FineWeb:
    - it looks up the registered domain and the full host; we every parent, top-level domains included (UT1 lists `xxx`
      whole), and IP addresses, which it takes for no host at all;
    - it compares listed URLs, which have no scheme, with URLs that have one, so that there this rule never hits;
    - it compares lower-case words with the URL's words as written; we ignore case.
    """

    stage: ClassVar[str] = "url"

    blocklist: str = setting(
        "ut1",
        "name of a block list among the assets, or the path of a compiled folder",
        "FineWeb: UT1's lists, https://dsi.ut-capitole.fr/blacklists/ (CC BY-SA 4.0)",
    )
    categories: tuple[str, ...] = setting(
        CATEGORIES,
        "categories whose hosts and URLs are dropped; `merged` lists count always",
        "the UT1 categories that other web corpora drop",
    )
    soft_words: int = setting(2, "distinct soft words that drop a URL", "datatrove URLFilter, soft_word_threshold")

    def __post_init__(self) -> None:
        if self.soft_words < 1:
            raise ValueError(f"soft_words must be at least 1, not {self.soft_words}: zero would drop every page")

    def assets(self) -> tuple[AssetRef, ...]:
        return (AssetRef("blocklist", BLOCK_LIST, self.blocklist),)

    def bound(self, paths: Mapping[str, str]) -> Self:
        return replace(self, blocklist=paths["blocklist"])

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Open the list, once per process. Raises BlocklistError if it is absent or broken, or could never hit."""
        blocklist, labels = _open_labelled(self.blocklist, self.categories)
        if not any(labels) and not (blocklist.hard or blocklist.soft or blocklist.substrings):
            raise BlocklistError(
                f"block list {self.blocklist} has none of the categories {', '.join(self.categories)}; it has "
                f"{', '.join(blocklist.header['categories'])}"
            )

    def __call__(self, page: Page) -> Page | Drop:
        return self.check_url(page.url) or page

    def check_url(self, url: str) -> Drop | None:
        """Why a page at this URL goes no further, or None. Takes any text; looks at its first 8,192 chars only."""
        blocklist, labels = _open_labelled(self.blocklist, self.categories)
        host, rest = split_url(url)
        for listed in host_and_parents(host):
            category_set = blocklist.domains.find(listed)
            if category_set is not None and (label := labels[category_set]):
                return self._drop("domain", f"{label}: {listed}", blocklist)
        for listed in url_forms(host, rest):
            category_set = blocklist.urls.find(listed)
            if category_set is not None and (label := labels[category_set]):
                return self._drop("url", f"{label}: {listed}", blocklist)
        return self._check_words(words_of(url[:MAX_URL]), blocklist)

    def _check_words(self, words: list[str], blocklist: Blocklist) -> Drop | None:
        for word in words:
            if word in blocklist.hard:
                return self._drop("hard_word", word, blocklist)
        soft = blocklist.soft.intersection(words)
        if len(soft) >= self.soft_words:
            detail = f"{'+'.join(sorted(soft))} ({blocklist.label})"
            return Drop(self.stage, "soft_words", float(len(soft)), float(self.soft_words), detail)
        letters = "".join(words)
        for part in blocklist.substrings:
            if part in letters:
                return self._drop("substring", part, blocklist)
        return None

    def _drop(self, reason: str, what: str, blocklist: Blocklist) -> Drop:
        return Drop(self.stage, reason, detail=f"{what} ({blocklist.label})")


@lru_cache(maxsize=16)
def _open_labelled(folder: str, categories: tuple[str, ...]) -> tuple[Blocklist, tuple[str | None, ...]]:
    """The list and, for each of its category sets, the chosen categories as text; once per process and choice."""
    blocklist = open_blocklist(folder)
    labels = blocklist.choose(categories)
    known = {*blocklist.header["categories"], *blocklist.header["aliases"]}
    if unknown := [name for name in categories if name not in known]:
        logging.getLogger(__name__).info("block list %s has no category %s", folder, ", ".join(unknown))
    return blocklist, labels
