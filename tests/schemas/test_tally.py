"""Tallies add up, merge in any order, and show the same pages whatever came first."""

from __future__ import annotations

import json
import random
from functools import reduce
from unittest import mock

import pytest

from schemas.document import Document
from schemas.tally import MAX_HOSTS, QUALITY_SAMPLE, SAMPLE_CHARS, SAMPLES_PER_REASON, Tally, host_of, sample_key
from schemas.verdict import Drop

Page = tuple[str, str, Document | Drop, str | None]


def page(number: int) -> Page:
    """One of a mixed lot of pages: every fate, several reasons, languages and hosts."""
    url, text = f"http://host{number % 7}.example/{number}", "x" * (number * 37 % 5000)
    match number % 5:
        case 0 | 1:
            quality = {"words": float(number)}
            document = Document(text, f"{number}", "", url, "", "", 0, ("en", "pt")[number % 2], 0.9, None, quality)
            return url, f"{number}", document, text
        case 2:
            return url, f"{number}", Drop("c4", ("lorem", "curly")[number % 2], 1.0, 0.0, language="en"), text
        case 3:
            return url, f"{number}", Drop("url", "domain", detail="adult"), None
        case _:
            return url, "", Drop("read", "gzip_damaged", fate="unreadable"), None


def tally_of(pages: list[Page]) -> Tally:
    tally = Tally(read=len(pages))
    for each in pages:
        tally.add(*each)
    return tally


def merged(tallies: list[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.merge(Tally.from_json(json.loads(json.dumps(tally.to_json()))))  # as it travels: through a file
    return whole


PAGES = [page(number) for number in range(400)]


def test_it_counts_every_fate_once() -> None:
    tally = tally_of(PAGES)
    assert (tally.read, tally.kept, tally.dropped, tally.unreadable) == (400, 160, 160, 80)
    assert tally.adds_up()
    assert tally.reasons["url", "domain", "dropped"] == 80
    assert tally.reasons["read", "gzip_damaged", "unreadable"] == 80
    assert tally.languages == {"en": [160, 80], "pt": [80, 80]}
    assert sum(seen for seen, _ in tally.hosts.values()) == 400
    assert sum(seen for seen, _ in tally.lengths.values()) == 240  # those that came to extraction
    assert sum(kept for _, kept in tally.lengths.values()) == 160


@pytest.mark.parametrize("parts", [1, 2, 3, 50])
def test_parts_merged_are_the_whole(parts: int) -> None:
    whole = tally_of(PAGES).to_json()
    assert merged([tally_of(PAGES[n::parts]) for n in range(parts)]).to_json() == whole


def test_no_order_changes_anything() -> None:
    whole = tally_of(PAGES).to_json()
    for seed in range(3):
        shuffled = random.Random(seed).sample(PAGES, len(PAGES))
        assert tally_of(shuffled).to_json() == whole
        pieces = [tally_of(shuffled[n : n + 90]) for n in range(0, 400, 90)]
        assert merged(pieces).to_json() == merged(pieces[::-1]).to_json() == whole


def test_merging_leaves_the_merged_alone() -> None:
    one, other = tally_of(PAGES[:50]), tally_of(PAGES[50:])
    before = json.dumps(other.to_json())
    whole = reduce(lambda tally, part: tally.merge(part) or tally, [one, other], Tally())
    whole.merge(one)
    assert json.dumps(other.to_json()) == before


@pytest.mark.parametrize("name", ["read", "kept", "dropped", "unreadable"])
@pytest.mark.parametrize("change", [1, -1])
def test_a_page_too_many_or_too_few_is_noticed(name: str, change: int) -> None:
    tally = tally_of(PAGES)
    setattr(tally, name, getattr(tally, name) + change)
    assert not tally.adds_up()


def test_a_loss_without_a_reason_is_noticed() -> None:
    tally = tally_of(PAGES)
    tally.reasons["c4", "lorem", "dropped"] -= 1
    assert not tally.adds_up()


def test_samples_are_the_pages_with_the_smallest_keys() -> None:
    tally = tally_of(PAGES)
    urls = [(sample_key(url, record_id), url) for url, record_id, verdict, _ in PAGES if isinstance(verdict, Document)]
    shown = [shown["url"] for _, shown in tally.samples["kept", "", ""]]
    assert shown == [url for _, url in sorted(urls)[:SAMPLES_PER_REASON]]
    assert all(len(pages) <= SAMPLES_PER_REASON for pages in tally.samples.values())


def test_what_is_shown_of_a_page_is_bounded() -> None:
    tally = Tally()
    tally.add("http://a.example/" + "x" * 10_000, "", Drop("c4", "lorem", 1.0, 0.0, "detail"), "y" * 10_000)
    [(_, shown)] = tally.samples["dropped", "c4", "lorem"]
    assert (len(shown["url"]), len(shown["text"])) == (500, SAMPLE_CHARS)
    assert (shown["value"], shown["threshold"], shown["detail"]) == (1.0, 0.0, "detail")


def test_memory_is_bounded() -> None:
    tally = Tally()
    document = Document("x", "", "", "", "", "", 0, "en", 0.9, None, {"words": 1.0})
    for number in range(3 * QUALITY_SAMPLE):
        tally.add(f"http://{number}.example/", "", document, "x")
    assert len(tally.quality) <= 2 * QUALITY_SAMPLE
    many = Tally(hosts={f"{number}.example": [1, 0] for number in range(MAX_HOSTS + 500)} | {"big.example": [9, 9]})
    told = many.to_json()["hosts"]
    assert len(told) == MAX_HOSTS
    assert told["big.example"] == [9, 9]


@pytest.mark.parametrize(
    "url, host",
    [
        ("http://www.a.example/x", "a.example"),
        ("https://A.Example:8080/", "a.example"),
        ("http://user@a.example/", "a.example"),
        ("http://[::1]/", "::1"),
        ("http://[broken/", ""),
        ("no url", ""),
        ("", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


def test_keys_take_any_text() -> None:
    assert len(sample_key("http://a.example/\ud800", "")) == 16
    assert sample_key("a", "b") != sample_key("ab", "")


def test_hosts_are_bounded_and_the_error_is_known() -> None:
    """A host that is left out of every unit lacks at most what `hosts_missed` says; small runs lack nothing."""
    rng = random.Random(5)
    units = [
        {f"h{min(int(rng.paretovariate(0.7)), 90)}": [1 + rng.randrange(9), 0] for _ in range(60)} for _ in range(40)
    ]
    exact: dict[str, int] = {}
    for unit in units:
        for host, (pages, _) in unit.items():
            exact[host] = exact.get(host, 0) + pages
    whole = merged([Tally(hosts=dict(unit)) for unit in units])
    assert whole.hosts_missed == 0 and {host: pages for host, (pages, _) in whole.hosts.items()} == exact
    assert "hosts_missed" not in whole.to_json()
    bounded = Tally()
    with mock.patch("schemas.tally.MERGED_HOSTS", 25):
        for unit in units:
            bounded.merge(Tally.from_json(Tally(hosts=dict(unit)).to_json(hosts=18)))
            assert len(bounded.hosts) <= 50
    assert 0 < bounded.hosts_missed < max(exact.values())
    for host, pages in exact.items():
        assert pages - bounded.hosts_missed <= bounded.hosts.get(host, [0])[0] <= pages
    assert Tally.from_json(bounded.to_json(hosts=3)).hosts_missed > bounded.hosts_missed
