"""What a line of a block list means, in every notation, and which lines can match no page."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli.assets import print_counts
from schemas.document import Page
from schemas.verdict import Drop
from transforms.steps.urls.build import build_blocklist
from transforms.steps.urls.drop_blocked import DropBlockedUrls
from transforms.steps.urls.entries import entries_of


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        ("bad.example", [("domains", "bad.example")]),
        ("xxx", [("domains", "xxx")]),
        ("\ufeffbad.example", [("domains", "bad.example")]),
        ("BAD.Example.", [("domains", "bad.example")]),
        ("bad.example # casino", [("domains", "bad.example")]),
        ("bad.example\t! ads", [("domains", "bad.example")]),
        ("0.0.0.0 bad.example worse.example # both", [("domains", "bad.example"), ("domains", "worse.example")]),
        ("127.0.0.1\tbad.example", [("domains", "bad.example")]),
        ("::1 bad.example", [("domains", "bad.example")]),
        ("*.bad.example", [("domains", "bad.example")]),
        (".bad.example", [("domains", "bad.example")]),
        ("||bad.example^", [("domains", "bad.example")]),
        ("||bad.example^$third-party", [("domains", "bad.example")]),
        ("||bad.example/ads^", [("urls", "bad.example/ads")]),
        ("address=/bad.example/0.0.0.0", [("domains", "bad.example")]),
        ("https://bad.example/", [("domains", "bad.example")]),
        ("https://user@bad.example:8443", [("domains", "bad.example")]),
        ("bad.example/casino/", [("urls", "bad.example/casino")]),
        ("münchen.example", [("domains", "xn--mnchen-3ya.example")]),
        ("192.0.2.7", [("domains", "192.0.2.7")]),
        ("2001:db8::7", [("domains", "2001:db8::7")]),
        ("", None),
        ("# a comment", None),
        ("! title", None),
        ("[Adblock Plus 2.0]", None),
        ("127.0.0.1 localhost", None),
        ("@@||good.example^", []),
        ("/ads[0-9]+/", []),
        ("ads*.bad.example", []),
        ("bad.example##.banner", []),
        ("two words", []),
        ("192.0.2.0/24", []),
        ("a" * 254, []),
    ],
)
def test_a_line_of_hosts(line: str, listed: list[tuple[str, str]] | None) -> None:
    assert entries_of(line, "domains") == listed


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        ("bad.example/casino/", [("urls", "bad.example/casino")]),
        ("\ufeffHTTP://www.Bad.example/Casino?x=1", [("urls", "bad.example/Casino?x=1")]),
        ("*.bad.example/x # why", [("urls", "bad.example/x")]),
        ("||bad.example^", [("domains", "bad.example")]),
        ("/tmp/titi.lst", []),
        ("bad.example/*/x", []),
    ],
)
def test_a_line_of_urls(line: str, listed: list[tuple[str, str]]) -> None:
    assert entries_of(line, "urls") == listed


def test_a_list_in_foreign_notations_drops_its_hosts_and_shows_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source" / "adult"
    source.mkdir(parents=True)
    (source / "domains").write_bytes(
        b"\xef\xbb\xbfone.example\r\n0.0.0.0 two.example\r\n*.three.example\r\nads*.x\x1b[2J\r\n"
    )
    (source / "domains.2").write_text("four.example\n")
    (source / "usage").write_text("black\n")
    header = build_blocklist(tmp_path / "source", tmp_path / "list", "own")
    assert header["unmatched"] == {"lines": 1, "examples": ["adult/domains: ads*.x\x1b[2J"]}
    assert header["left_out"] == ["adult/domains.2"]
    print_counts(header)
    printed = capsys.readouterr().out
    assert "3 hosts" in printed and "1 lines can match no page" in printed and "adult/domains.2" in printed
    assert "\x1b" not in printed
    step = DropBlockedUrls(blocklist=str(tmp_path / "list"))
    for host, blocked in (("one", True), ("two", True), ("a.THREE", True), ("four", False)):
        page = Page(f"https://{host}.example/", "", "", "a.warc", 0, 0, "")
        assert isinstance(step(page), Drop) == blocked
