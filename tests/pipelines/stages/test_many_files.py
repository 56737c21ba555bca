"""Outputs whose files are listed in a table beside the manifest: every command reads them, and nothing else differs."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest import mock

import pytest

import bateia as package
from schemas.manifest import FileTable, write_manifest
from support.command import Call
from support.outputs import digests, hash_of, manifest_of

SHARD = ("shard", "--algorithm", "bpe-gpt4", "--vocab-size", 512, "--context", 64, "--seed", 1)


@pytest.mark.slow
def test_a_table_of_files_changes_nothing_else(bateia: Call, documents: Path, corpus: Path, tmp_path: Path) -> None:
    def done(*args: object) -> str:
        ended = bateia(*args)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    given = tmp_path / "documents"
    shutil.copytree(documents, given)
    shards, plain = tmp_path / "shards", tmp_path / "plain"
    done(*SHARD, "--input", corpus, "--output", plain, "--quiet")
    with mock.patch("schemas.manifest.MANY_FILES", 1):
        write_manifest(str(given), manifest_of(given))
        done("dedup", "--input", given, "--output", tmp_path / "corpus", "--quiet")
        done(*SHARD, "--input", tmp_path / "corpus", "--output", shards, "--quiet")
    for one, other in ((given, documents), (tmp_path / "corpus", corpus), (shards, plain)):
        files = manifest_of(one).files
        assert isinstance(files, FileTable) and tuple(files) == manifest_of(other).files
        assert hash_of(one) == hash_of(other)
    known = {name: digest for name, digest in digests(tmp_path / "corpus").items() if name in digests(corpus)}
    differing = {name for name, digest in known.items() if digests(corpus)[name] != digest}
    assert differing <= {"README.md", "manifest.json", "run.json"}  # where the input lay
    assert package.documents(str(tmp_path / "corpus")).count_rows() == package.documents(str(corpus)).count_rows()
    url = package.documents(str(corpus)).to_table(columns=["url"])["url"][0].as_py()
    assert "in the shards" in done("explain", url, "--in", shards)
    assert "is sound" in done("shards", "verify", "--shards", shards)
    [before] = shards.glob("files-*.parquet")
    with mock.patch("schemas.manifest.MANY_FILES", 1):
        (tmp_path / "urls").write_text(url)
        done("forget", "--shards", shards, "--url-list", tmp_path / "urls")
    [after] = shards.glob("files-*.parquet")
    assert before != after
    assert "is sound" in done("shards", "verify", "--shards", shards)
