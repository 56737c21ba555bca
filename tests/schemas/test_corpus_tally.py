"""A corpus' tallies add up, merge in any order, and show the same documents whatever came first."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest

from schemas.corpus_tally import MAX_REMOVED_SAMPLES, MAX_REPEATED, MAX_SCRUBBED_SAMPLES, CorpusTally
from schemas.tally import MAX_HOSTS, SAMPLE_CHARS

Document = dict[str, Any]
COUNTED = ("read", "kept", "exact", "near", "earlier", "tokens", "chars_read", "chars_kept", "lines_removed")


def document(number: int) -> Document:
    """One of a mixed lot: kept alone or for others, removed as an exact or a near copy, with and without spans."""
    row = {
        "id": f"{number:04}",
        "url": f"http://host{number % 7}.example/{number}",
        "dump": f"CC-{number % 3}",
        "language": ("en", "pt", None)[number % 3],
        "text": "x" * (number * 37 % 900),
        "token_count": number % 50,
        "cluster_size": (1, 1, 2, 3, 17)[number % 5] if number % 4 else 1,
    }
    return row | {"match": (None, None, "exact", "near")[number % 4]}


def add(tally: CorpusTally, row: Document) -> None:
    tally.add_read(row, row["match"] is None)
    if row["match"] is not None:
        tally.add_removed(row, row["match"], "http://survivor.example/", earlier=int(row["id"]) % 3 == 0)
        return
    tally.add_kept(row)
    tally.lines_removed += int(row["id"]) % 2
    if kinds := ("EMAIL_ADDRESS", "EMAIL_ADDRESS", "IP_ADDRESS")[: int(row["id"]) % 5]:
        tally.add_spans(kinds, row, dict.fromkeys(kinds, f"…{row['id']}…"))


def tally_of(documents: list[Document]) -> CorpusTally:
    tally = CorpusTally()
    for row in documents:
        add(tally, row)
    return tally


def travelled(tally: CorpusTally) -> CorpusTally:
    return CorpusTally.from_json(json.loads(json.dumps(tally.to_json())))


def merged(tallies: list[CorpusTally]) -> CorpusTally:
    whole = CorpusTally()
    for tally in tallies:
        whole.merge(travelled(tally))
    return whole


DOCUMENTS = [document(number) for number in range(400)]


def test_every_document_is_counted_once() -> None:
    tally = tally_of(DOCUMENTS)
    assert (tally.read, tally.kept, tally.exact, tally.near) == (400, 200, 100, 100)
    assert tally.earlier == sum(1 for n in range(400) if n % 4 > 1 and n % 3 == 0)
    assert tally.adds_up()
    kept = [row for row in DOCUMENTS if row["match"] is None]
    assert tally.chars_read == sum(len(row["text"]) for row in DOCUMENTS)
    assert tally.chars_kept == sum(len(row["text"]) for row in kept)
    assert tally.tokens == sum(row["token_count"] for row in kept)
    for counts in (tally.dumps, tally.hosts, tally.lengths):
        assert [sum(pair[at] for pair in counts.values()) for at in (0, 1)] == [400, 200]
    assert [sum(row[at] for row in tally.languages.values()) for at in range(4)] == [
        400,
        200,
        tally.chars_kept,
        tally.tokens,
    ]
    assert set(tally.languages) == {"en", "pt", "und"}
    assert sum(tally.cluster_sizes.values()) == 200


@pytest.mark.parametrize(
    ("chars", "bucket"), [(0, "0"), (1, "0"), (2, "1"), (3, "1"), (4, "2"), (1023, "9"), (1024, "10")]
)
def test_lengths_are_in_powers_of_two(chars: int, bucket: str) -> None:
    assert tally_of([document(1) | {"text": "x" * chars}]).lengths == {bucket: [1, 1]}


@pytest.mark.parametrize(("size", "bucket"), [(1, "0"), (2, "1"), (3, "1"), (4, "2"), (1000, "9")])
def test_clusters_are_in_powers_of_two(size: int, bucket: str) -> None:
    tally = tally_of([document(1) | {"cluster_size": size}])
    assert tally.cluster_sizes == {bucket: 1}
    assert [page["cluster_size"] for page in tally.repeated] == ([size] if size > 1 else [])


@pytest.mark.parametrize(
    ("kinds", "counts"),
    [
        ([], {}),
        (["A"], {"A": [1, 1]}),
        (["A", "B", "A"], {"A": [1, 2], "B": [1, 1]}),
    ],
)
def test_spans_are_counted_by_document_too(kinds: list[str], counts: dict[str, list[int]]) -> None:
    tally = CorpusTally()
    tally.add_spans(kinds, document(1), {})
    assert tally.pii == counts


@pytest.mark.parametrize("parts", [1, 2, 3, 50])
def test_parts_merged_are_the_whole(parts: int) -> None:
    whole = tally_of(DOCUMENTS)
    assert merged([tally_of(DOCUMENTS[n::parts]) for n in range(parts)]) == whole


@pytest.mark.parametrize("seed", range(5))
def test_no_order_changes_anything(seed: int) -> None:
    whole, rng = tally_of(DOCUMENTS), random.Random(seed)
    mixed = rng.sample(DOCUMENTS, len(DOCUMENTS))
    assert tally_of(mixed) == whole
    cuts = [0, *sorted(rng.sample(range(400), 6)), 400]
    pieces = [tally_of(mixed[start:end]) for start, end in pairwise(cuts)]
    assert merged(pieces) == merged(rng.sample(pieces, len(pieces))) == whole
    left, right = merged(pieces[:3]), merged(pieces[3:])
    assert merged([left, right]) == whole


def test_a_tally_travels_through_a_file() -> None:
    tally = tally_of(DOCUMENTS)
    assert travelled(tally) == tally
    assert travelled(CorpusTally()) == CorpusTally()


def test_merging_leaves_the_merged_alone() -> None:
    one, other = tally_of(DOCUMENTS[:50]), tally_of(DOCUMENTS[50:])
    before = json.dumps(other.to_json())
    whole = CorpusTally()
    for tally in (other, one, one):
        whole.merge(tally)
    assert json.dumps(other.to_json()) == before


@pytest.mark.parametrize("name", ["read", "kept", "exact", "near"])
@pytest.mark.parametrize("change", [1, -1])
def test_a_document_too_many_or_too_few_is_noticed(name: str, change: int) -> None:
    tally = tally_of(DOCUMENTS)
    setattr(tally, name, getattr(tally, name) + change)
    assert not tally.adds_up()


def test_merging_adds_every_count() -> None:
    one = CorpusTally.from_json(
        {name: place for place, name in enumerate(COUNTED, 1)} | {"removed": [], "scrubbed": {}}
    )
    one.merge(one)
    assert {name: getattr(one, name) for name in COUNTED} == {name: 2 * place for place, name in enumerate(COUNTED, 1)}


def test_hosts_that_lost_nearly_all_are_told() -> None:
    tally = CorpusTally(
        hosts={"a.org": [50, 0], "b.org": [50, 1], "c.org": [300, 3], "d.org": [300, 4], "e.org": [49, 0], "": [99, 0]}
    )
    assert tally.emptied_hosts == [("c.org", 300, 3), ("a.org", 50, 0)]


def test_the_most_repeated_are_shown() -> None:
    """The largest clusters, and of equal ones the first by id, in whatever order they come."""
    rows = [document(1) | {"id": f"{n:03}", "cluster_size": 2 + n % 4} for n in range(100)]
    largest = [(5, f"{n:03}") for n in range(3, 4 * MAX_REPEATED, 4)]
    for given in (rows, rows[::-1]):
        assert [(page["cluster_size"], page["id"]) for page in tally_of(given).repeated] == largest


def test_what_is_shown_is_bounded() -> None:
    rows = [row | {"url": row["url"] + "x" * 1_000, "text": "y" * 10_000, "cluster_size": 5} for row in DOCUMENTS]
    tally = tally_of(rows)
    assert (len(tally.repeated), len(tally.removed)) == (MAX_REPEATED, MAX_REMOVED_SAMPLES)
    assert {len(pages) for pages in tally.scrubbed.values()} == {MAX_SCRUBBED_SAMPLES}
    for page in [*tally.repeated, *(page for _, page in tally.removed)]:
        assert (len(page["url"]), len(page["text"])) == (500, SAMPLE_CHARS)
    many = CorpusTally(hosts={f"{number}.example": [1, 0] for number in range(MAX_HOSTS + 5)} | {"big.example": [9, 9]})
    assert len(many.to_json()["hosts"]) == MAX_HOSTS
    assert many.to_json()["hosts"]["big.example"] == [9, 9]


def test_what_a_row_does_not_know_is_no_error() -> None:
    """Parquet columns are nullable."""
    for match in (None, "near"):
        tally = tally_of(
            [document(1) | {"url": None, "dump": None, "token_count": None, "cluster_size": 2, "match": match}]
        )
        assert (tally.dumps, tally.hosts, tally.tokens) == ({"": [1, match is None]}, {"": [1, match is None]}, 0)
        shown = tally.repeated if match is None else [page for _, page in tally.removed]
        assert [page["url"] for page in shown] == [""]


def test_hosts_are_bounded_and_the_error_is_known() -> None:
    units = [CorpusTally(hosts={f"{unit}-{n}": [n + 1, 0] for n in range(8)} | {"all": [9, 0]}) for unit in range(9)]
    whole = CorpusTally()
    with mock.patch("schemas.corpus_tally.MERGED_HOSTS", 10):
        for unit in units:
            whole.merge(travelled(unit))
            assert len(whole.hosts) <= 20
    assert whole.hosts["all"] == [81, 0] and 0 < whole.hosts_missed < 81
    assert all(whole.hosts.get(f"{unit}-7", [0])[0] >= 8 - whole.hosts_missed for unit in range(9))
    assert merged(units).hosts_missed == 0
