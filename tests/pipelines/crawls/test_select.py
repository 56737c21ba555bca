"""Selections: both indexes give the same rows, their cost is told, and their ranges give the pages of whole files."""

from __future__ import annotations

import json
import random
import re
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bateia import documents, ledger
from pipelines.crawls import ordering
from pipelines.crawls import selecting as module
from pipelines.crawls.cdx import first_line, lines_from
from pipelines.crawls.columnar import drawn
from pipelines.crawls.question import Question, may_hold, prefix_of, prefix_of_url
from schemas.faults import BadInput
from support.command import Call, Ended
from support.crawl_files import CRAWL, SEGMENT
from support.crawl_server import serve_crawl
from support.outputs import hash_of
from transforms.steps.sources.selection import SELECTION_SCHEMA, Wanted, ranges_of, spans_of

COLUMNS = ["url", "warc_filename", "warc_record_offset", "content_languages"]


@pytest.fixture
def select(crawl: Path, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(crawl))

    def run(*words: object, name: str = "s.parquet", fails: bool = False) -> Ended:
        ended = bateia("select", CRAWL, "--output", tmp_path / name, *words)
        assert (ended.returncode == 2) == fails, ended.stderr
        return ended

    return run


def chosen(path: Path) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in pq.read_table(path).select(COLUMNS).to_pylist()]


def wanted(rows: list[dict[str, Any]], condition: Any) -> list[tuple[Any, ...]]:
    kept = [row for row in rows if row["fetch_status"] == 200 and condition(row)]
    kept.sort(key=lambda row: (row["warc_filename"], row["warc_record_offset"]))
    return [tuple(row[name] for name in COLUMNS) for row in kept]


@pytest.mark.parametrize("index", ["columnar", "cdx"])
def test_hosts_by_both_indexes(rows: list[dict[str, Any]], select: Any, tmp_path: Path, index: str) -> None:
    host = next(row["url_host_name"] for row in rows if row["fetch_status"] == 200)
    tld = host.rpartition(".")[2]
    select("--hosts", host, "--index", index, name="host.parquet")
    select("--hosts", f"*.{tld}", "--index", index, name="tld.parquet")
    of_host = wanted(rows, lambda row: row["url_host_name"].removeprefix("www.") == host.removeprefix("www."))
    assert chosen(tmp_path / "host.parquet") == of_host
    assert chosen(tmp_path / "tld.parquet") == wanted(rows, lambda row: row["url_host_tld"] == tld)


def test_languages_and_limits(rows: list[dict[str, Any]], select: Any, tmp_path: Path) -> None:
    ended = select("--languages", "por")
    whole = chosen(tmp_path / "s.parquet")
    assert whole == wanted(rows, lambda row: (row["content_languages"] or "").startswith("por"))
    assert re.search(r"the question costs \d+\.\d MB of \d+\.\d MB: \d+ row groups? in 2 of 2 files", ended.stderr)
    draws = {}
    for seed in (1, 1, 2):
        select("--languages", "por", "--limit", 5, "--sample-seed", seed, name=f"{len(draws)}-{seed}.parquet")
        draws[len(draws)] = chosen(tmp_path / f"{len(draws)}-{seed}.parquet")
    assert draws[0] == draws[1] != draws[2] and len(draws[0]) == 5
    assert set(draws[0]) | set(draws[2]) <= set(whole)
    assert not list(tmp_path.glob("*.work"))


@pytest.mark.slow
def test_the_ranges_of_a_selection_give_the_pages_of_whole_files(
    crawl: Path, bateia: Call, select: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    select()
    for name, root in (("local", str(crawl)), ("served", None)):
        with serve_crawl(crawl, share=0.5, seed=4) as server:
            monkeypatch.setenv("BATEIA_COMMONCRAWL", root or server.url)
            words = ("--recipe", "tiny", "--output", tmp_path / name, "--quiet")
            ended = bateia("curate", "--input", tmp_path / "s.parquet", *words)
            assert ended.returncode == 0, ended.stderr
            assert root or len({asked.status for asked in server.asked}) > 1, "faults were met"
    assert hash_of(tmp_path / "local") == hash_of(tmp_path / "served")
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(crawl))
    ended = bateia("curate", "--recipe", "tiny", "--input", CRAWL, "--output", tmp_path / "whole", "--quiet")
    assert ended.returncode == 0, ended.stderr
    picked, whole = (by_place(documents(str(tmp_path / name))) for name in ("local", "whole"))
    assert picked == whole and len(picked) > 30
    lost = [row["reason"] for row in ledger(str(tmp_path / "local")).to_table().to_pylist() if row["fate"] != "kept"]
    assert not {"no_response", "other_record", "not_found", "not_fetched"} & set(lost)


def by_place(data: Any) -> list[dict[str, Any]]:
    return sorted(data.to_table().to_pylist(), key=lambda row: (row["file_path"], row["warc_offset"]))


@pytest.mark.slow
def test_ranges_that_are_not_what_the_selection_says(crawl: Path, bateia: Call, select: Any, tmp_path: Path) -> None:
    select()
    table = pq.read_table(tmp_path / "s.parquet").slice(0, 6).to_pylist()
    table[1]["content_digest"] = "A" * 32
    table[2]["warc_record_offset"] += 5
    table[3]["url"] = "https://other.example/"
    table[4]["warc_filename"] = f"{SEGMENT}/absent.warc.gz"
    table[5]["warc_record_offset"] = 1 << 40
    pq.write_table(pa.Table.from_pylist(table, schema=SELECTION_SCHEMA), tmp_path / "wrong.parquet")
    words = ("--recipe", "as-is", "--input", tmp_path / "wrong.parquet", "--output", tmp_path / "o", "--quiet")
    ended = bateia("curate", *words)
    assert ended.returncode == 0, ended.stderr
    found = {row["warc_offset"]: row["reason"] for row in ledger(str(tmp_path / "o")).to_table().to_pylist()}
    assert [found[row["warc_record_offset"]] for row in table[1:]] == [
        "digest_mismatch",
        "junk",
        "other_record",
        "not_found",
        "file_too_short",
    ]


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("warc_record_offset", [-1, 5], "a warc_record_offset is none; give numbers from 0"),
        ("warc_record_length", [None, 5], "a warc_record_length is none; give numbers from 1"),
        ("warc_record_length", [1 << 40, 5], "a warc_record_length is none"),
        ("warc_record_offset", ["1", "2"], "whose warc_record_offset is of type string"),
        ("warc_filename", [1, 2], "whose warc_filename is of type int64"),
        ("warc_filename", ["crawl-data/../../x", "a"], "a warc_filename is no path in a crawl"),
        ("warc_filename", ["/etc/passwd", "a"], "a warc_filename is no path in a crawl"),
    ],
)
def test_a_table_of_ones_own_that_is_no_selection(
    crawl: Path,
    bateia: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    values: list[Any],
    said: str,
) -> None:
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(crawl))
    place = {"warc_filename": ["a", "b"], "warc_record_offset": [0, 1], "warc_record_length": [5, 5]}
    pq.write_table(pa.table(place | {column: values}), tmp_path / "own.parquet")
    words = ("--recipe", "as-is", "--input", tmp_path / "own.parquet", "--output", tmp_path / "o", "--quiet")
    ended = bateia("curate", *words)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1) and said in ended.stderr, ended.stderr
    assert not (tmp_path / "o").exists()


def test_a_table_of_ones_own_in_any_order(
    rows: list[dict[str, Any]], crawl: Path, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(crawl))
    own = [row for row in rows if row["fetch_status"] == 200][:9]
    random.Random(5).shuffle(own)
    names = ("warc_filename", "warc_record_offset", "warc_record_length", "url", "content_digest")
    pq.write_table(pa.Table.from_pylist([{name: row[name] for name in names} for row in own]), tmp_path / "own.parquet")
    words = ("--recipe", "as-is", "--input", tmp_path / "own.parquet", "--output", tmp_path / "o", "--quiet")
    assert bateia("curate", *words).returncode == 0
    found = {(row["url"], row["warc_offset"]) for row in ledger(str(tmp_path / "o")).to_table().to_pylist()}
    assert found == {(row["url"], row["warc_record_offset"]) for row in own}
    wrong = {"no_response", "other_record", "digest_mismatch", "file_too_short", "junk"}
    assert not wrong & {row["reason"] for row in ledger(str(tmp_path / "o")).to_table().to_pylist()}


def test_a_selection_of_all_is_sorted_in_files(
    rows: list[dict[str, Any]], select: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    select(name="whole.parquet")
    monkeypatch.setattr(ordering, "ROWS_PER_GROUP", 7)
    select(name="spilled.parquet")
    assert pq.read_metadata(tmp_path / "spilled.parquet").num_row_groups > 3 * ordering.GROUPS_HELD
    spilled, whole = (chosen(tmp_path / f"{name}.parquet") for name in ("spilled", "whole"))
    assert spilled == whole == wanted(rows, lambda row: row["content_mime_detected"] == "text/html")
    assert not list(tmp_path.glob("*.work"))


def test_addresses_of_ones_own_are_a_selection(rows: list[dict[str, Any]], select: Any, tmp_path: Path) -> None:
    urls = random.Random(1).sample(sorted({row["url"] for row in rows if row["fetch_status"] == 200}), 5)
    (tmp_path / "urls.txt").write_text("\n".join(["# mine", *urls, "https://nowhere.example/x"]))
    ended = select("--urls", tmp_path / "urls.txt", "--mime", "text/html", "text/plain", "application/pdf")
    assert {row[0] for row in chosen(tmp_path / "s.parquet")} == set(urls)
    assert "1 address of the list is not in this crawl" in ended.stdout


def test_a_selection_goes_on_where_it_stopped(
    crawl: Path, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("select", CRAWL, "--languages", "eng", "--output")
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(crawl))
    assert bateia(*words, tmp_path / "whole.parquet").returncode == 0
    index = sorted((crawl / "cc-index/table").rglob("*.parquet"))
    with serve_crawl(crawl) as server, monkeypatch.context() as patch:
        monkeypatch.setenv("BATEIA_COMMONCRAWL", server.url)

        def broken(*given: Any) -> Any:
            if given[0].path.endswith(index[1].name):
                raise KeyboardInterrupt
            yield from real(*given)

        real = module.answers
        patch.setattr(module, "answers", broken)
        assert bateia(*words, tmp_path / "s.parquet").returncode == 130
        assert not (tmp_path / "s.parquet").exists() and (tmp_path / "s.parquet.work").is_dir()
        patch.setattr(module, "answers", real)
        server.asked.clear()
        assert bateia(*words, tmp_path / "s.parquet").returncode == 0
        assert {Path(asked.path).name for asked in server.asked} == {index[1].name}
    assert (tmp_path / "s.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--hosts", "Example.org/x"), "--hosts Example.org/x: give a host such as"),
        (("--languages", "pt"), "--languages pt: give three letters"),
        (("--limit", "0"), "--limit 0"),
        (("--index", "cdx"), "give --hosts or --urls"),
        (("--languages", "xxx"), "no page of CC-MAIN-2024-33 answers"),
    ],
)
def test_questions_that_cannot_be(select: Any, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    assert message in select(*words, fails=True).stderr
    assert not list(tmp_path.glob("s.parquet*"))


def test_an_unknown_crawl_and_an_index_without_the_columns(
    crawl: Path, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(crawl))
    ended = bateia("select", "CC-MAIN-2024-32", "--output", tmp_path / "s.parquet")
    assert ended.returncode == 2 and "the nearest are CC-MAIN-2024-33" in ended.stderr
    shutil.copytree(crawl, tmp_path / "copy")
    index = min((tmp_path / "copy/cc-index/table").rglob("*.parquet"))
    pq.write_table(pq.read_table(index).drop_columns(["content_languages"]), index)
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(tmp_path / "copy"))
    ended = bateia("select", CRAWL, "--languages", "por", "--output", tmp_path / "s.parquet")
    assert ended.returncode == 2 and "has no column content_languages" in ended.stderr


def test_crawls_are_listed(crawl: Path, bateia: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(crawl))
    ended = bateia("crawls")
    assert ended.returncode == 0 and "CC-MAIN-2024-33  2024-08-02 to 2024-08-16" in ended.stdout


# --- Parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "prefix"),
    [("www.example.org", "org,example)"), ("*.gov.br", "br,gov"), ("a.b.c", "c,b,a)")],
)
def test_prefixes(host: str, prefix: str) -> None:
    assert prefix_of(host) == prefix


def test_prefixes_of_addresses() -> None:
    assert prefix_of_url("https://www.A.example/Some/Path/?q=1") == "example,a)/some/path"
    with pytest.raises(BadInput, match="no URL with a host"):
        prefix_of_url("just words")


def test_which_spans_may_hold_a_prefix() -> None:
    assert may_hold(("org,b)",), "com,z)/", "org,c)/") and may_hold((), "a", "b")
    assert may_hold(("org,b)",), "org,b)/x", "org,b)/y")
    assert not may_hold(("org,b)",), "org,c)/", "org,d)/") and not may_hold(("org,b)",), "com,a)/", "org,a)/z")


def test_hosts() -> None:
    question = Question(hosts=("*.gov.br", "example.org"))
    for host, held in {
        "gov.br": True, "x.gov.br": True, "notgov.br": False, "www.example.org": True, "a.example.org": False
    }.items():  # fmt: skip
        assert question.has_host(host) is held, host


def test_lines_of_a_cluster_are_found_from_anywhere() -> None:
    keys = [f"org,host{number:05})/" for number in range(5000)]
    data = "".join(f"{key} 2024\tcdx-00000.gz\t{n}\t1\t{n}\n" for n, key in enumerate(keys)).encode()
    stream, size = BytesIO(data), len(data)
    assert size > 3 << 16
    for number in (0, 1, 2500, 4999):
        start = first_line(stream, size, keys[number])
        found = [key for key, _ in lines_from(stream, size, start)]
        assert found == keys[len(keys) - len(found) :] and keys[number] in found
        assert number < 2500 or start > 0


def test_ranges_are_merged_and_units_bounded() -> None:
    near = [Wanted("a", number * 1000, 500) for number in range(10)]
    far = [Wanted("a", (number + 1) * (4 << 20), 500) for number in range(600)]
    other = [Wanted("b", 0, 500)]
    assert [len(group) for group in ranges_of([*near, *other])] == [10, 1]
    assert len(ranges_of(far)) == 600
    spans = spans_of([*near, *far, *other], 64 << 20)
    assert spans[0][0] == 0 and spans[-1][1] == 611
    assert [last for _, last in spans[:-1]] == [first for first, _ in spans[1:]] and len(spans) == 3
    large = [Wanted("a", number << 20, 1 << 20) for number in range(100)]
    assert max(len(group) for group in ranges_of(large)) == 16


def test_a_draw_does_not_depend_on_the_order() -> None:
    rows = [{"warc_filename": f"f{n % 3}", "warc_record_offset": n} for n in range(500)]
    shuffled = random.Random(5).sample(rows, 500)
    one, other = (drawn(pa.Table.from_pylist(each), 20, 7).to_pylist() for each in (rows, shuffled))
    assert sorted(map(json.dumps, one)) == sorted(map(json.dumps, other)) and len(one) == 20


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (
            "folder",
            r"selection \S+s.parquet is of CC-MAIN-2024-33, and \S+mirror has no crawl-data/\S+; set BATEIA_",
        ),
        (
            "server",
            r"selection \S+s.parquet is of CC-MAIN-2024-33, and http:\S+ has no crawl-data/\S+; set BATEIA_",
        ),
        (
            "nobody",
            r"selection \S+s.parquet: input http:\S+ can't be fetched .*; check the network and repeat",
        ),
    ],
)
def test_a_selection_of_another_crawl(
    place: str, said: str, bateia: Call, select: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before anything is written, wherever the crawl's files are looked for."""
    select("--limit", "3")
    (tmp_path / "mirror").mkdir()
    with serve_crawl(tmp_path / "mirror") as server:
        roots = {"folder": str(tmp_path / "mirror"), "server": server.url, "nobody": "http://127.0.0.1:9"}
        monkeypatch.setenv("BATEIA_COMMONCRAWL", roots[place])
        ended = bateia("curate", "--recipe", "as-is", "--input", tmp_path / "s.parquet", "--output", tmp_path / "o")
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1
    assert re.search(said, ended.stderr), ended.stderr
    assert not (tmp_path / "o").exists()
