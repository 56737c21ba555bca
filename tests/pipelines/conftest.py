"""Small shards of several files and plans, made once, and copies of them to change."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.shards.layout import docs_path, read_shards, shard_number
from support.baselines import made_once
from support.command import Call

WORDS = {
    "en": "the river runs under a bridge where people sell bread and tell stories of rain every morning",
    "pt": "o rio corre sob a ponte onde a gente vende pão e conta histórias de chuva toda manhã cedo",
    "de": "der fluss fließt unter der brücke wo leute brot verkaufen und jeden morgen vom regen reden",
}
PLANS: dict[str, tuple[object, ...]] = {
    "fit": ("--context", 90, "--packing", "bos_bestfit"),
    "half": ("--context", 40, "--epochs", 0.5),
    "mixed": ("--context", 50, "--mixture", "en=1", "pt=1", "--tokens", 30_000),
    "twice": ("--context", 100, "--epochs", 2.5, "--seed", 3),
}


def rows_of_documents() -> list[dict[str, Any]]:
    """Three languages, lengths from a few words to some rows, one host with many pages."""
    pick = random.Random(5)
    rows = []
    for at in range(240):
        language = ("en", "en", "pt", "de")[at % 4] if at < 200 else "en"
        text = " ".join(pick.choice(WORDS[language].split()) for _ in range(pick.randrange(5, 90)))
        url = f"https://paper.example/{language}/{at}" if at % 3 == 0 else f"https://www.site{at}.example/"
        place = {"file_path": f"w{at % 2}.warc.gz", "warc_offset": 1000 * at, "dump": f"CC-{at % 2}"}
        rows.append({"id": f"<{at}>", "text": f"{text} {at}.", "url": url, "language": language, **place})
    return rows


@pytest.fixture(scope="session")
def small_shards(make_documents: Callable[..., Path], bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished shards of six files of documents, with the plans main and PLANS. Not to be changed: see `copied`."""

    def shard(folder: Path) -> None:
        source = make_documents(folder / "documents", rows_of_documents())
        given = ("--vocab-size", 400, "--context", 64, "--val-fraction", 0.2, "--quiet")
        ended = bateia("shard", "--input", source, "--output", folder / "shards", *given)
        assert ended.returncode == 0, ended.stderr
        for name, options in PLANS.items():
            ended = bateia("plan", "--shards", folder / "shards", "--name", name, *options)
            assert ended.returncode == 0, ended.stderr

    return made_once(tmp_path_factory, "small_shards", shard) / "shards"


@pytest.fixture
def copied(small_shards: Path, tmp_path: Path) -> Path:
    """A copy of the small shards, for a test to change."""
    return Path(shutil.copytree(small_shards, tmp_path / "shards"))


@pytest.fixture(scope="session")
def documents_in() -> Callable[..., list[dict[str, Any]]]:
    """Rows of a split's docs-*.parquet with the number of their shard: the folder of shards and the split in."""
    return read_documents


def read_documents(shards: Path, split: str = "train") -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    folder = read_shards(str(shards)).folder
    numbers = sorted(shard_number(str(path)) for path in (shards / split).glob("docs-*.parquet"))
    return [
        row | {"shard": number, "split": split}
        for number in numbers
        for row in pq.ParquetFile(docs_path(folder, split, number)).read().to_pylist()
    ]
