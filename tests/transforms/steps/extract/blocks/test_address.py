"""A page's own address, as it says it: how deep it lies and whether its name is one of words."""

import pytest

from transforms.steps.extract.blocks.source import address_of


@pytest.mark.parametrize(
    ("page", "depth", "slug"),
    [
        ('<link rel="canonical" href="https://example.org/news/2024/gold-in-the-gravel?x=1#y">', 3, 3),
        ("<link href=//example.org/ rel=canonical>", 0, 0),
        ("<LINK rel='canonical' href='http://example.org'>", 0, 0),
        ('<p>canonical <link rel="canonical" href="https://example.org/a">', 1, 0),
        ('<link rel="canonical" href="/a/b">', -1, 0),
        ('<link rel="canonical"', -1, 0),
        ('<a rel="canonical" href="https://example.org/a">', -1, 0),
        (f'<link rel="canonical" href="https://example.org{"/a" * 30}">', 9, 0),
        ("canonical" * 30_000, -1, 0),
        ("", -1, 0),
    ],
)
def test_the_address_is_that_of_the_canonical_link(page: str, depth: int, slug: int) -> None:
    assert address_of(page) == {"depth": depth, "slug": slug}
