"""What `--input` names, and the units that the files are read in."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.engine.inputs import (
    InputFile,
    changed_files,
    expand,
    find_inputs,
    matches,
    plan_units,
    public_names,
    read_list,
)
from pipelines.engine.output import require_writable
from schemas.faults import BadInput

RECORD = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:0>\r\nContent-Length: 0\r\n\r\n\r\n\r\n"


@pytest.fixture
def crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four WARC files: two at the top, two of one name below."""
    for name in ("b.warc.gz", "a.warc", "one/c.warc.gz", "two/c.warc.gz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(RECORD) if name.endswith(".gz") else RECORD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "patterns, found",
    [
        (["b.warc.gz"], ["b.warc.gz"]),
        (["*.warc*"], ["a.warc", "b.warc.gz"]),
        (["**/c.warc.gz"], ["one/c.warc.gz", "two/c.warc.gz"]),
        (["b.warc.gz", "a.warc", "b.warc.gz", "*.gz"], ["a.warc", "b.warc.gz"]),  # sorted, each once
        (["o*/*"], ["one/c.warc.gz"]),
        (["./b.warc.gz", ".//one/./c.warc.gz", "./t*//*"], ["b.warc.gz", "one/c.warc.gz", "two/c.warc.gz"]),
    ],
)
def test_patterns_name_files(crawl: Path, patterns: list[str], found: list[str]) -> None:
    files = find_inputs(patterns)
    assert [(file.path, file.size, file.problem) for file in files] == [
        (path, (crawl / path).stat().st_size, None) for path in found
    ]


@pytest.mark.parametrize(
    "text, root, found",
    [
        ("b.warc.gz\n", None, ["lists/b.warc.gz"]),  # beside the list
        ("b.warc.gz\r\n\n  # comment\n#x\n c.warc \n", "/data/", ["/data/b.warc.gz", "/data/c.warc"]),
        ("/abs/a.warc\ns3://bucket/k.warc.gz\n", "/data", ["/abs/a.warc", "s3://bucket/k.warc.gz"]),
        ("crawl-data/x.warc.gz", "s3://commoncrawl", ["s3://commoncrawl/crawl-data/x.warc.gz"]),
    ],
)
@pytest.mark.parametrize("ending", [".paths", ".paths.gz"])
def test_lists_name_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, root: str | None, found: list[str], ending: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(f"lists/warc{ending}")
    path.parent.mkdir()
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    assert read_list(str(path), root) == expand(str(path), root) == found


def test_a_list_here_is_relative_to_here(crawl: Path) -> None:
    (crawl / "my.paths").write_text("b.warc.gz\n")
    assert [Path(file.path) for file in find_inputs(["my.paths"])] == [Path("b.warc.gz")]


def test_objects_in_a_bucket_are_taken_as_they_are() -> None:
    assert expand("s3://bucket/crawl/a.warc.gz", None) == ["s3://bucket/crawl/a.warc.gz"]


def test_a_name_with_brackets_is_a_name(crawl: Path) -> None:
    (crawl / "x[1].warc").write_bytes(RECORD)
    assert [file.path for file in find_inputs(["x[1].warc"])] == ["x[1].warc"]


def test_a_useless_file_is_noted_unless_all_are(crawl: Path) -> None:
    (crawl / "empty.warc.gz").touch()
    files = {file.path: file.problem for file in find_inputs(["empty.warc.gz", "b.warc.gz"])}
    assert files == {"b.warc.gz": None, "empty.warc.gz": "is empty"}
    with pytest.raises(BadInput, match=r"no input can be read: empty\.warc\.gz is empty"):
        find_inputs(["empty.warc.gz"])


def test_units_cover_every_byte_once() -> None:
    units = plan_units([InputFile("x/a.warc.gz", 1000, None), InputFile("x/b.warc.gz", 300, None)], 300)
    for path, size in (("x/a.warc.gz", 1000), ("x/b.warc.gz", 300)):
        mine = [unit for unit in units if unit.path == path]
        assert [mine[0].start, mine[-1].end] == [0, size]
        assert all(before.end == after.start for before, after in pairwise(mine))
        assert all(0 < unit.end - unit.start <= 300 for unit in mine)
        assert {unit.size for unit in mine} == {size}
    assert [unit.name for unit in units[:2]] == ["a-000000000000", "a-000000000250"]


def test_equal_names_in_different_folders_stay_apart() -> None:
    files = [InputFile("one/c.warc.gz", 10), InputFile("two/c.warc.gz", 10), InputFile("two/d.warc.gz", 10)]
    names = [unit.name for unit in plan_units(files, 100)]
    assert len(set(names)) == 3
    assert names[2] == "d-000000000000"
    assert names == [unit.name for unit in plan_units(files, 100)]


def test_files_with_a_problem_have_no_units() -> None:
    assert plan_units([InputFile("a.warc.gz", 10, "is empty")], 100) == []


def test_a_place_to_write_is_made(tmp_path: Path) -> None:
    require_writable(str(tmp_path / "a" / "b"))
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="choose another --output"):
        require_writable(str(tmp_path / "file" / "below"))


def test_a_file_is_read_once_however_it_is_named(crawl: Path) -> None:
    (crawl / "linked.warc.gz").symlink_to(crawl / "b.warc.gz")
    (crawl / "hard.warc.gz").hardlink_to(crawl / "b.warc.gz")
    (crawl / "some.paths").write_text("b.warc.gz\n./b.warc.gz\n")
    names = ["b.warc.gz", "./b.warc.gz", str(crawl / "b.warc.gz"), "one/../b.warc.gz", "linked.warc.gz", "hard.warc.gz"]
    assert len(find_inputs([*names, f"file://{crawl}/b.warc.gz", "some.paths"])) == 1
    assert len(find_inputs([*names, "a.warc"])) == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_belongs_to_no_name(crawl: Path, encoding: str) -> None:
    (crawl / "some.paths").write_bytes("b.warc.gz\r\n# no file\r\n".encode(encoding))
    assert [file.path for file in find_inputs(["some.paths"])] == ["./b.warc.gz"]


@pytest.mark.parametrize(
    ("glob", "named"),
    [
        ("*.warc*", ["a.warc", "b.warc.gz"]),
        ("[a].warc", ["a.warc"]),
        ("*/c.warc.gz", ["one/c.warc.gz", "two/c.warc.gz"]),
        ("**/*.gz", ["b.warc.gz", "one/c.warc.gz", "two/c.warc.gz"]),
        ("o*/*", ["one/c.warc.gz"]),
    ],
)
def test_globs_of_uris(crawl: Path, glob: str, named: list[str]) -> None:
    """file:// stands for s3://, which is listed by the same calls."""
    assert sorted(expand(f"file://{crawl}/{glob}", None)) == [f"file://{crawl}/{name}" for name in named]


def test_a_uri_may_have_spaces_and_signs(crawl: Path) -> None:
    for name in ("x y#1?%.warc", "z.warc"):
        (crawl / name).write_bytes(RECORD)
    assert [file.size for file in find_inputs([f"file://{crawl}/x*.warc"])] == [len(RECORD)]
    (crawl / "p q.warc").write_bytes(RECORD)
    assert [file.path for file in find_inputs([f"file://{crawl}/p q.warc"])] == [f"file://{crawl}/p q.warc"]


@pytest.mark.parametrize(
    "uri",
    [
        "ftp://out/x",
        "abfss://c@a/x",
        "foo://x",
        "s3:///x",
        "s3://*/x",
        "file:///nowhere/*",
    ],
)
def test_other_addresses_are_refused_in_a_line(uri: str) -> None:
    with pytest.raises(BadInput) as refused:
        find_inputs([uri])
    assert uri.partition("*")[0].rstrip("/") in str(refused.value) and "\n" not in str(refused.value)


def test_an_output_elsewhere_is_refused() -> None:
    with pytest.raises(BadInput, match="ftp://"):
        require_writable("ftp://out")


@pytest.mark.parametrize(
    ("name", "glob", "matching"),
    [("a/b", "a/*", True), ("a/b/c", "a/*", False), ("a", "**/a", True), ("x/y/a", "**/a", True), ("a/b", "a", False)],
)
def test_a_star_stays_within_a_folder(name: str, glob: str, matching: bool) -> None:
    assert matches(name.split("/"), glob.split("/")) == matching


def test_a_file_of_other_records_says_what_it_holds(tmp_path: Path) -> None:
    def records(*kinds: str) -> bytes:
        return b"".join(RECORD.replace(b"warcinfo", kind.encode()) for kind in kinds)

    for kinds, told in (
        (["warcinfo", *["metadata"] * 300], "199 metadata, 1 warcinfo records (it is a WAT file)"),
        (["warcinfo", "request", "metadata"], "1 metadata, 1 request, 1 warcinfo records."),
    ):
        path = tmp_path / "other.warc"
        path.write_bytes(records(*kinds))
        with pytest.raises(BadInput) as refused:
            find_inputs([str(path)])
        assert told in str(refused.value)
    path.write_bytes(records("warcinfo", "conversion", "conversion"))
    assert find_inputs([str(path)])[0].kind == "wet"
    path.write_bytes(records(*["request"] * 300))  # responses may follow
    assert find_inputs([str(path)])[0].problem is None


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/home/me/crawl-data/a.warc.gz", "crawl-data/b.warc"], ["crawl-data/a.warc.gz", "crawl-data/b.warc"]),
        (["s3://commoncrawl/crawl-data/a.warc.gz?region=x"], ["crawl-data/a.warc.gz"]),
        (["s3://mine/a.warc.gz?endpoint_override=h"], ["s3://mine/a.warc.gz"]),
        (["./warc/a.warc.gz", "b.warc.gz"], ["warc/a.warc.gz", "b.warc.gz"]),
        (["/home/me/a.warc.gz"], ["a.warc.gz"]),
        (["/home/me/x/a.warc.gz", "/home/me/y/a.warc.gz"], ["x/a.warc.gz", "y/a.warc.gz"]),
        (["file:///home/me/a.warc.gz"], ["a.warc.gz"]),
    ],
)
def test_a_dataset_names_files_without_this_machine(paths: list[str], names: list[str]) -> None:
    assert list(public_names(paths).values()) == names


def test_two_files_never_have_one_name() -> None:
    names = public_names(["/home/me/crawl-data/a.warc.gz", "/home/you/crawl-data/a.warc.gz", "/home/me/b.warc.gz"])
    assert len(set(names.values())) == 3
    assert all("home" not in name for name in names.values())


def test_files_that_were_changed_are_found(crawl: Path) -> None:
    files = find_inputs(["**/*.warc*"])
    assert changed_files(files) == []
    (crawl / "a.warc").write_bytes(RECORD + RECORD)
    (crawl / "b.warc.gz").unlink()
    assert changed_files(files) == ["a.warc", "b.warc.gz"]


def test_a_file_in_a_bucket_of_which_nothing_was_asked_is_trusted() -> None:
    """Of a list of many: there is no size to compare."""
    unasked = [InputFile(f"s3://bucket/{number}.warc.gz", 0) for number in range(100)]
    assert changed_files(unasked) == []
