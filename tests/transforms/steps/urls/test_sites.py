"""From a URL to its site."""

from __future__ import annotations

import pytest

from transforms.steps.urls.sites import site_of


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.example.com/a", "example.com"),
        ("https://news.shop.example.co.uk:8080/a?b", "example.co.uk"),
        ("http://user@EXAMPLE.com.br./", "example.com.br"),
        ("https://one.blogspot.com/2024", "one.blogspot.com"),
        ("https://www.one.github.io/", "one.github.io"),
        ("https://bücher.example.de/", "example.de"),
        ("https://bücher.de/", "xn--bcher-kva.de"),
        ("https://gov.br/", "gov.br"),  # a suffix itself, with pages
        ("http://192.168.0.1/a", "192.168.0.1"),
        ("http://[2001:db8::1]/a", "2001:db8::1"),
        ("http://localhost/", "localhost"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_site_is_the_registered_domain(url: str, site: str) -> None:
    assert site_of(url) == site
