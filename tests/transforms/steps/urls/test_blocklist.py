"""The compiled block list: sources in, the same bytes out, and nothing that a broken or hostile source can do."""

import gzip
import io
import json
import os
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from transforms.steps.urls import sources as blocklist_sources
from transforms.steps.urls.blocklist import FILES, HEADER, BlocklistError, open_blocklist, read_header, verify
from transforms.steps.urls.build import build_blocklist
from transforms.steps.urls.forms import canonical_host, hash_key, host_and_parents, listed_url, split_url, url_forms
from transforms.steps.urls.sources import Source

NOON = 1_700_000_000  # 2023-11-14

LISTS = {
    "adult/domains": b"Adult.example.\nboth.example\nxxx\n\n# a comment\nb\xc3\xbccher.example\n",
    "adult/urls": b"blog.example/Adult/page/\nhttp://www.blog.example/two?id=7\n",
    "adult/usage": b"black\n",
    "adult/expressions": b"(.*)\n",
    "gambling/domains": b"both.example\r\ncasino.example\r\nwww.dots.example",
}


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", **fields: object) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(data), NOON
    for key, value in fields.items():
        setattr(member, key, value)
    tar.addfile(member, io.BytesIO(data))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "blacklists.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        add(tar, "blacklists", type=tarfile.DIRTYPE)
        for name, data in LISTS.items():
            add(tar, f"blacklists/{name}", data)
        add(tar, "blacklists/porn", type=tarfile.SYMTYPE, linkname="adult")
        add(tar, "blacklists/hard/domains", type=tarfile.LNKTYPE, linkname="blacklists/gambling/domains")
        add(tar, "blacklists/soft/domains", type=tarfile.SYMTYPE, linkname="../gambling/domains")
        add(tar, "blacklists/evil/domains", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(tar, "blacklists/device/domains", type=tarfile.FIFOTYPE)
        add(tar, "../../escape/domains", b"escape.example\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "lists"
    for name, data in LISTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
        os.utime(root / name, (NOON, NOON))
    (root / "porn").symlink_to("adult")
    return root


def categories_of(root: Path, host: str) -> list[str] | None:
    opened = open_blocklist(str(root))
    found = opened.domains.find(host)
    return None if found is None else opened.header["category_sets"][found]


@pytest.mark.parametrize(
    "host, expected",
    [
        ("adult.example", ["adult"]),
        ("both.example", ["adult", "gambling", "hard", "soft"]),
        ("casino.example", ["gambling", "hard", "soft"]),
        ("xxx", ["adult"]),
        ("xn--bcher-kva.example", ["adult"]),
        ("www.dots.example", ["gambling", "hard", "soft"]),
        ("escape.example", ["escape"]),
        ("dots.example", None),
        ("other.example", None),
        ("# a comment", None),
        ("black", None),
        ("", None),
    ],
)
def test_an_archive_compiles_to_hosts_with_all_their_categories(
    archive: Path, tmp_path: Path, host: str, expected: list[str] | None
) -> None:
    build_blocklist(archive, tmp_path / "out", "test")
    assert categories_of(tmp_path / "out", host) == expected


def test_header_tells_what_was_compiled(archive: Path, tmp_path: Path) -> None:
    header = build_blocklist(archive, tmp_path / "out", "test", licence="CC BY-SA 4.0")
    assert header == read_header(tmp_path / "out") == verify(tmp_path / "out")
    assert header["date"] == "2023-11-14"
    assert header["categories"] == ["adult", "escape", "gambling", "hard", "soft"]
    assert header["counts"] == {"domains": 7, "urls": 2, "hard": 0, "soft": 0, "substrings": 0}
    assert header["aliases"] == {"porn": "adult"}
    assert header["licence"] == "CC BY-SA 4.0"
    assert header["source"]["name"] == "blacklists.tar.gz"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755, "other users' processes share it"
    assert not list(tmp_path.glob(".out*")), "temporary folders are left behind"
    assert not (tmp_path.parent / "escape").exists()


def test_folder_and_archive_give_the_same_tables(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "lists.tar"
    with tarfile.open(path, "w") as tar:
        for name, data in reversed(LISTS.items()):
            add(tar, name, data)
    from_folder = build_blocklist(folder, tmp_path / "a", "test")
    from_archive = build_blocklist(path, tmp_path / "b", "test")
    assert from_folder["files"] == from_archive["files"]
    assert from_folder["date"] == from_archive["date"]
    assert from_folder["aliases"] == {"porn": "adult"}


def test_the_same_source_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        build_blocklist(archive, tmp_path / name, "test")
    for file in (*FILES, HEADER):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_lists_without_categories_are_merged_and_always_chosen(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "domains").write_bytes(b"listed.example\n")
    build_blocklist(tmp_path / "lists", tmp_path / "out", "test")
    assert categories_of(tmp_path / "out", "listed.example") == ["merged"]
    assert open_blocklist(str(tmp_path / "out")).choose(()) == ("merged",)


def test_more_categories_than_a_bit_mask_holds(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / "lists" / f"c{number:02}").mkdir(parents=True)
        (tmp_path / "lists" / f"c{number:02}" / "domains").write_text(f"shared.example\nhost{number}.example\n")
    build_blocklist(tmp_path / "lists", tmp_path / "out", "test")
    assert categories_of(tmp_path / "out", "shared.example") == [f"c{number:02}" for number in range(100)]
    assert categories_of(tmp_path / "out", "host77.example") == ["c77"]


@pytest.mark.parametrize(
    "data, hosts, not_utf8, too_long",
    [
        (b"b\xfccher.example\n", ["xn--bcher-kva.example"], 1, 0),  # Latin-1
        (b"a.example\n" + b"x" * 3_000_000 + b"\nb.example", ["a.example", "b.example"], 0, 1),
        (b"x" * 5000 + b"\nb.example", ["b.example"], 0, 1),
        (b"", [], 0, 0),
        (b"\n\n \n", [], 0, 0),
    ],
)
def test_odd_lines_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, hosts: list[str], not_utf8: int, too_long: int
) -> None:
    monkeypatch.setattr(blocklist_sources, "BLOCK", 4096)  # lines that cross blocks
    (tmp_path / "lists" / "adult").mkdir(parents=True)
    (tmp_path / "lists" / "adult" / "domains").write_bytes(data)
    header = build_blocklist(tmp_path / "lists", tmp_path / "out", "test")
    assert (header["not_utf8"], header["too_long"], header["counts"]["domains"]) == (not_utf8, too_long, len(hosts))
    assert all(categories_of(tmp_path / "out", host) for host in hosts)


def test_lines_across_blocks_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocklist_sources, "BLOCK", 7)
    hosts = [f"host{number}.example" for number in range(50)]
    (tmp_path / "lists" / "adult").mkdir(parents=True)
    (tmp_path / "lists" / "adult" / "domains.gz").write_bytes(gzip.compress("\n".join(hosts).encode()))
    header = build_blocklist(tmp_path / "lists", tmp_path / "out", "test")
    assert header["counts"]["domains"] == 50
    assert all(categories_of(tmp_path / "out", host) for host in hosts)


def test_words_are_read_as_datatrove_reads_them(folder: Path, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.mkdir()
    (words / "banned_words.txt").write_text("Hard\n#comment\n\n2 Girls\n")
    (words / "banned_subwords.txt").write_text("sub-word\n---\n")
    header = build_blocklist(folder, tmp_path / "out", "test", words)
    opened = open_blocklist(str(tmp_path / "out"))
    assert opened.hard == {"hard", "2girls"}
    assert opened.soft == frozenset()
    assert opened.substrings == ("subword",)  # the empty one would hit every URL
    assert {kind: header["counts"][kind] for kind in ("hard", "soft", "substrings")} == {
        "hard": 2,
        "soft": 0,
        "substrings": 1,
    }


def test_a_date_may_be_given(folder: Path, tmp_path: Path) -> None:
    assert build_blocklist(folder, tmp_path / "out", "test", listed="2024-02-29")["date"] == "2024-02-29"


def test_a_finished_list_gives_way_only_when_asked(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    build_blocklist(folder, output, "test")
    opened = open_blocklist(str(output))
    (folder / "adult" / "domains").write_bytes(b"new.example\n")
    with pytest.raises(BlocklistError, match="exists; give --replace"):
        build_blocklist(folder, output, "test")
    build_blocklist(folder, output, "test", replace=True)
    assert opened.domains.find("adult.example") is not None, "a reader keeps what it opened"
    open_blocklist.cache_clear()
    assert categories_of(output, "new.example") == ["adult"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_of_other_things_is_never_replaced(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    with pytest.raises(BlocklistError, match="won't be replaced"):
        build_blocklist(folder, tmp_path / "home", "test", replace=True)
    assert (tmp_path / "home" / "thesis.tex").exists()


@pytest.mark.parametrize(
    "make, fault",
    [
        (lambda path: None, "isn't there"),
        (lambda path: path.mkdir(), "holds no `domains`"),
        (lambda path: path.write_bytes(b"no archive"), "can't be read as a folder or a tar"),
        (lambda path: path.write_bytes(b""), "can't be read as a folder or a tar"),
        (lambda path: path.write_bytes(gzip.compress(b"x" * 5000)[:-20]), "can't be read as a folder or a tar"),
    ],
    ids=["absent", "empty folder", "text", "empty file", "cut gzip"],
)
def test_sources_that_are_none_are_named(tmp_path: Path, make, fault: str) -> None:
    make(tmp_path / "source")
    with pytest.raises(BlocklistError, match=fault):
        build_blocklist(tmp_path / "source", tmp_path / "out", "test")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lost", [1, 8, 200])
def test_a_cut_archive_is_no_list(archive: Path, tmp_path: Path, lost: int) -> None:
    archive.write_bytes(archive.read_bytes()[:-lost])
    with pytest.raises(BlocklistError, match="can't be read"):
        build_blocklist(archive, tmp_path / "out", "test")


def test_a_damaged_archive_is_no_list(archive: Path, tmp_path: Path) -> None:
    data = bytearray(archive.read_bytes())
    for at in range(60, len(data), 7):
        data[at] ^= 0x55
    archive.write_bytes(data)
    with pytest.raises(BlocklistError, match="can't be read"):
        build_blocklist(archive, tmp_path / "out", "test")


def test_a_cut_list_in_a_folder_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "lists" / "adult").mkdir(parents=True)
    (tmp_path / "lists" / "adult" / "domains.gz").write_bytes(gzip.compress(b"a.example\n" * 99)[:-9])
    with pytest.raises(BlocklistError, match="can't be read"):
        build_blocklist(tmp_path / "lists", tmp_path / "out", "test")


def test_a_tar_cut_within_a_list_is_no_list(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "lists.tar", "w") as tar:
        add(tar, "adult/domains", b"a.example\n" * 1000)
    os.truncate(tmp_path / "lists.tar", 5000)
    with pytest.raises(BlocklistError, match="can't be read"):
        build_blocklist(tmp_path / "lists.tar", tmp_path / "out", "test")


@pytest.mark.parametrize(
    "limit, value", [("MAX_MEMBERS", 3), ("MAX_BYTES", 50)], ids=["too many files", "too many bytes"]
)
def test_archives_are_capped(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(blocklist_sources, limit, value)
    with pytest.raises(BlocklistError, match=r"over .* files or .* no block list is that big"):
        build_blocklist(archive, tmp_path / "out", "test")


def test_a_compressed_list_is_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocklist_sources, "MAX_BYTES", 1 << 21)
    (tmp_path / "lists" / "adult").mkdir(parents=True)
    (tmp_path / "lists" / "adult" / "domains.gz").write_bytes(gzip.compress(b"a.example\n" * (1 << 20)))
    with pytest.raises(BlocklistError, match="no block list is that big"):
        build_blocklist(tmp_path / "lists", tmp_path / "out", "test")


@pytest.mark.parametrize("bad", ["yesterday", "2024-13-01"])
def test_a_bad_date_is_refused(folder: Path, tmp_path: Path, bad: str) -> None:
    with pytest.raises(BlocklistError, match="YYYY-MM-DD"):
        build_blocklist(folder, tmp_path / "out", "test", listed=bad)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_a_folder_without_word_files_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BlocklistError, match=r"none of banned_words\.txt"):
        build_blocklist(folder, tmp_path / "out", "test", words=folder)


def drop_file(name: str):
    return lambda root: (root / name).unlink()


def overwrite(name: str, data: bytes):
    return lambda root: (root / name).write_bytes(data)


def save(name: str, array: np.ndarray):
    return lambda root: np.save(root / name, array)


def other_format(root: Path) -> None:
    (root / HEADER).write_text(json.dumps(read_header(root) | {"format": 99}))


@pytest.mark.parametrize(
    "damage, fault",
    [
        (drop_file(HEADER), "is no compiled block list"),
        (overwrite(HEADER, b"{"), f"{HEADER} can't be read"),
        (overwrite(HEADER, b"[]"), f"{HEADER} can't be read"),
        (other_format, "is of format 99"),
        (drop_file("domains.npy"), r"domains\.npy can't be read"),
        (overwrite("domains.npy", b"\x93NUMPY"), r"domains\.npy can't be read"),
        (save("domains.npy", np.zeros(2, np.uint64)), r"domains\.npy holds uint64\(2,\)"),
        (save("domains.npy", np.zeros(6, np.int64)), r"domains\.npy holds int64"),
        (save("domains.npy", np.array([{}])), r"domains\.npy can't be read"),
        (save("urls_categories.npy", np.zeros(3, np.uint16)), r"urls_categories\.npy holds"),
        (drop_file("words.json"), r"words\.json can't be read"),
        (overwrite("words.json", b"{}"), r"words\.json can't be read"),
    ],
)
def test_broken_folders_are_named(folder: Path, tmp_path: Path, damage, fault: str) -> None:
    build_blocklist(folder, tmp_path / "out", "test")
    damage(tmp_path / "out")
    with pytest.raises(BlocklistError, match=fault):
        open_blocklist(str(tmp_path / "out"))


@pytest.mark.parametrize("name", FILES)
def test_verify_checks_every_byte_of_every_file(folder: Path, tmp_path: Path, name: str) -> None:
    build_blocklist(folder, tmp_path / "out", "test")
    data = bytearray((tmp_path / "out" / name).read_bytes())
    data[-1] ^= 1
    (tmp_path / "out" / name).write_bytes(data)
    with pytest.raises(BlocklistError, match=f"{name} isn't the file"):
        verify(tmp_path / "out")


def test_lists_are_opened_once_per_process(folder: Path, tmp_path: Path) -> None:
    build_blocklist(folder, tmp_path / "out", "test")
    assert open_blocklist(str(tmp_path / "out")) is open_blocklist(str(tmp_path / "out"))


@pytest.mark.parametrize(
    "categories, expected",
    [
        (("adult",), {"adult"}),
        (("gambling",), {"gambling"}),
        (("adult", "gambling"), {"adult", "gambling", "adult+gambling"}),
        (("porn",), {"adult"}),
        (("dating",), set()),
        ((), set()),
    ],
)
def test_choose(folder: Path, tmp_path: Path, categories: tuple[str, ...], expected: set[str]) -> None:
    build_blocklist(folder, tmp_path / "out", "test")
    assert {text for text in open_blocklist(str(tmp_path / "out")).choose(categories) if text} == expected


def test_keys_are_the_same_on_every_machine() -> None:
    assert hash_key("example.com") == 0x6626CFC10513C513
    assert hash_key("\ud800") != hash_key("")


@pytest.mark.parametrize(
    "url, host, rest",
    [
        ("http://Example.COM/a?b#c", "example.com", "/a?b"),
        ("HTTPS://user:pw@example.com:8080/a", "example.com", "/a"),
        ("//example.com/a", "example.com", "/a"),
        ("example.com/?u=http://other.example", "example.com", "/?u=http://other.example"),
        ("http://example.com./", "example.com", "/"),
        ("http://example.com:notaport/", "example.com", "/"),
        ("http://[2001:DB8::1]:80/x", "2001:db8::1", "/x"),
        ("http://[::1", "::1", ""),
        ("http://a@b@example.com/", "example.com", "/"),
        ("http://example.com?q=/", "example.com", "?q=/"),
        ("http://example.com\\a", "example.com", "\\a"),
        ("http://ex%61mple.com/", "example.com", "/"),
        ("http://bücher.example/", "xn--bcher-kva.example", "/"),
        ("http://BÜCHER.example/", "xn--bcher-kva.example", "/"),
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
        ("http://例え。テスト/", "xn--r8jz45g.xn--zckzah", "/"),
        ("  http://example.com/a\n", "example.com", "/a"),
        ("http:///path", "", "/path"),
        ("", "", ""),
        ("http://", "", ""),
    ],
)
def test_split_url(url: str, host: str, rest: str) -> None:
    assert split_url(url) == (host, rest)


@pytest.mark.parametrize(
    "host, expected",
    [
        ("a.b.example.com", ["a.b.example.com", "b.example.com", "example.com", "com"]),
        ("localhost", ["localhost"]),
        ("192.0.2.1", ["192.0.2.1"]),
        ("2001:db8::1", ["2001:db8::1"]),
        ("", []),
    ],
)
def test_host_and_parents(host: str, expected: list[str]) -> None:
    assert list(host_and_parents(host)) == expected


def test_a_host_longer_than_dns_allows_is_looked_up_by_its_last_253_chars() -> None:
    parents = list(host_and_parents("a." * 4000 + "example.com"))
    assert parents[-2:] == ["example.com", "com"]
    assert max(map(len, parents)) <= 253
    assert len(parents) < 127


@pytest.mark.parametrize(
    "url, expected",
    [
        ("http://www.example.com/a/?b=1", ["example.com/a?b=1", "example.com/a"]),
        ("http://example.com/a/", ["example.com/a"]),
        ("http://example.com/A?", ["example.com/A"]),
        ("http://example.com/", ["example.com"]),
    ],
)
def test_url_forms(url: str, expected: list[str]) -> None:
    assert list(url_forms(*split_url(url))) == expected
    assert listed_url(url) == expected[0]


@pytest.mark.parametrize("host", ["\ud800.example", "ü" * 5000, "a" * 20_000, "xn--", "ü.." + "." * 300, "\0", "%ff"])
def test_odd_hosts_never_raise_and_stay_quick(host: str) -> None:
    start = time.process_time()
    canonical_host(host)
    split_url(f"http://{host}/")
    assert time.process_time() - start < 0.1


def test_a_source_reads_the_same_files_in_the_same_order(folder: Path) -> None:
    assert [place[:2] for place in Source(folder).files()] == [
        ("adult", "domains"),
        ("adult", "urls"),
        ("gambling", "domains"),
    ]
