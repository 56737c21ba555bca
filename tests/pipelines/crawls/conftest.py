"""A crawl in Common Crawl's layout, made once of four of the sample's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.sample.build import SampleIndex
from support.baselines import made_once
from support.crawl_files import lay_out


@pytest.fixture(scope="session")
def crawl(many: SampleIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        rows = lay_out(folder, [str(path) for path in many.warc_files[:4]])
        (folder / "rows.json").write_text(json.dumps(rows, default=str))

    return made_once(tmp_path_factory, "crawl", make)


@pytest.fixture(scope="session")
def rows(crawl: Path) -> list[dict[str, Any]]:
    return json.loads((crawl / "rows.json").read_text())


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast as only a loopback server may be asked."""
    monkeypatch.setenv("BATEIA_REQUESTS_PER_S", "5000")
    monkeypatch.setattr("transforms.steps.fetch.fetcher.LONGEST_BACKOFF_S", 0.002)
