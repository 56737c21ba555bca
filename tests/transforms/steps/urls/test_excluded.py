"""Hosts that a list excludes: at the URL stage of a run, and from finished shards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bateia import ledger
from schemas.document import Page
from schemas.faults import BadInput
from schemas.verdict import Drop
from support.command import Call
from support.outputs import manifest_of
from transforms.steps.urls.excluded import DropExcludedHosts, read_hosts


def page(url: str) -> Page:
    return Page(url, "", "", "x.warc.gz", 0, 0, "")


@pytest.mark.parametrize(
    ("url", "hit"),
    [
        ("https://one.example/x", "one.example"),
        ("http://WWW.One.Example:8080/", "one.example"),
        ("https://below.one.example/", "one.example"),
        ("https://notone.example/", None),
        ("https://two.example/", "two.example"),
        ("https://three.example/path", "three.example"),
        ("https://caf\u00e9.example/", "xn--caf-dma.example"),
        ("no address", None),
    ],
)
def test_hosts_and_those_below(tmp_path: Path, url: str, hit: str | None) -> None:
    path = tmp_path / "hosts.txt"
    path.write_text("# asked us\nwww.one.example\n\n*.two.example\nhttps://three.example/about\ncaf\u00e9.example\n")
    verdict = DropExcludedHosts(str(path))(page(url))
    assert (verdict.detail if isinstance(verdict, Drop) else None) == hit


def test_a_list_that_names_no_host(tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("# nothing\n")
    with pytest.raises(BadInput, match="names no host; give one a line"):
        read_hosts(str(tmp_path / "none.txt"))
    with pytest.raises(BadInput, match="can't be read"):
        read_hosts(str(tmp_path / "absent.txt"))


def test_a_run_does_without_them(bateia: Call, tmp_path: Path) -> None:
    urls = ("https://x.out.example/", "https://in.example/")
    (tmp_path / "own.jsonl").write_text("".join(json.dumps({"text": "a", "url": url}) + "\n" for url in urls))
    (tmp_path / "hosts.txt").write_text("out.example\n")
    words = ("--recipe", "as-is", "--input", tmp_path / "own.jsonl", "--exclude-hosts", tmp_path / "hosts.txt")
    assert bateia("curate", *words, "--output", tmp_path / "o", "--quiet").returncode == 0
    rows = ledger(str(tmp_path / "o")).to_table().to_pylist()
    told = {row["url"]: (row["stage"], row["reason"], row["detail"]) for row in rows}
    assert told == {urls[0]: ("excluded", "host", "out.example"), urls[1]: (None, None, None)}
    [asset] = [manifest_of(tmp_path / "o").settings["assets"]["excluded"]]
    assert asset["name"] == "hosts.txt" and len(asset["sha256"]) == 64
