"""A crawl in a bucket, by moto's server: whole files, indexes and ranges as from a mirror's folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from support.command import Call
from support.crawl_files import CRAWL
from support.outputs import hash_of

server = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[s3]' flask flask-cors")


@pytest.fixture
def bucket(crawl: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """s3://commoncrawl with the crawl in it."""
    moto = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    there = fs.S3FileSystem(
        endpoint_override=f"{host}:{port}", scheme="http", region="us-east-1", allow_bucket_creation=True
    )
    there.create_dir("commoncrawl")
    for path in crawl.rglob("*"):
        if path.is_file():
            with there.open_output_stream(f"commoncrawl/{path.relative_to(crawl)}", compression=None) as file:
                file.write(path.read_bytes())
    yield "s3://commoncrawl"
    moto.stop()


@pytest.mark.slow
def test_a_bucket_gives_what_its_mirror_gives(
    crawl: Path, bucket: str, bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: Any) -> str:
        ended = bateia(*words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    for name, root in (("mirror", str(crawl)), ("bucket", bucket)):
        monkeypatch.setenv("BATEIA_COMMONCRAWL", root)
        folder = tmp_path / name
        for index in ("columnar", "cdx"):
            output = folder / f"{index}.parquet"
            run("select", CRAWL, "--hosts", "*.example", "--index", index, "--limit", 9, "--output", output)
        run("curate", "--recipe", "as-is", "--input", folder / "cdx.parquet", "--output", folder / "picked", "--quiet")
        run("curate", "--recipe", "as-is", "--input", f"{CRAWL}[:1]", "--output", folder / "first", "--quiet")
    for name in ("columnar.parquet", "cdx.parquet"):
        assert (tmp_path / "mirror" / name).read_bytes() == (tmp_path / "bucket" / name).read_bytes()
    for name in ("picked", "first"):
        assert hash_of(tmp_path / "mirror" / name) == hash_of(tmp_path / "bucket" / name)
    run("curate", "--recipe", "as-is", "--input", f"{bucket}/crawl-data/", "--output", tmp_path / "folder", "--quiet")
