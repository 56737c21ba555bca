"""The site that a page is of: its registered domain."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from transforms.steps.urls.forms import split_url

HOSTS_KEPT = 1 << 16  # in memory; a look-up of another one takes 20 µs


def site_of(url: str) -> str:
    """The registered domain of a URL by the public suffix list: `example.co.uk` of `https://news.example.co.uk/1`.

    Suffixes that companies hand out count: `one.blogspot.com` and `two.blogspot.com` are two sites, as each has its
    owner. A host without a registered domain, such as an IP address, is a site of its own; "" for no URL.
    """
    return _site_of_host(split_url(url)[0])


@lru_cache(maxsize=HOSTS_KEPT)
def _site_of_host(host: str) -> str:
    return _suffixes().extract_str(host).top_domain_under_public_suffix or host


@cache
def _suffixes() -> Any:
    """The list that the package brings, so that nothing is fetched and its version says which list it is."""
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)
