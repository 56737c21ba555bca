"""What a machine has for a run: every line that lacks something says what to do."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from pipelines.upkeep import doctor
from pipelines.upkeep.doctor import LACKS, NOTE, OK, Finding
from support.command import Call
from transforms.steps.fetch.settings import FetchSettings


@pytest.fixture(autouse=True)
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "collinfo.json").write_text('[{"id": "CC-MAIN-2024-33"}]')
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(tmp_path))


def test_a_machine_that_has_all(bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_GB", 0)
    ended = bateia("doctor", "--output", tmp_path / "to" / "be" / "made", "--contact", "a@b.example")
    assert ended.returncode == 0, ended.stdout
    assert f"GB free in {tmp_path}" in ended.stdout
    assert "1 crawl at" in ended.stdout and "servers see 'bateia (a@b.example)'" in ended.stdout
    assert "block list ut1 isn't there" in ended.stdout and "--no-blocklist" in ended.stdout


def test_what_is_lacking_has_a_remedy(bateia: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_GB", 10**9)
    monkeypatch.setattr(doctor, "MEMORY_GB", 10.0**9)
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = bateia("doctor", "--output", tmp_path, "--java", "--gpu")
    assert ended.returncode == 1
    lacking = [line for line in ended.stdout.splitlines() if line.startswith(LACKS)]
    assert len(lacking) == 5 and all("; " in line for line in lacking)


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    found = str(doctor.disk(str(tmp_path / "taken")))
    assert found == f"LACKS {tmp_path}/taken is a file; choose a folder, or a name that is free"


def test_a_bucket_that_nobody_answers_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "locate", mock.Mock(side_effect=OSError("AWS Error ACCESS_DENIED")))
    found = doctor.disk("s3://other/out")
    assert found.state == LACKS and "can't be reached: AWS Error ACCESS_DENIED" in found.what
    assert "AWS_PROFILE" in found.remedy


def test_every_line_that_is_not_ok_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATEIA_COMMONCRAWL", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = list(doctor.examine(str(tmp_path / "o"), FetchSettings(), java=True, gpu=True))
    assert len(found) >= 9 and {finding.state for finding in found} >= {LACKS, NOTE}
    assert [finding.what for finding in found if finding.state != OK and not finding.remedy] == []


def test_no_network_is_no_fault(bateia: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATEIA_COMMONCRAWL", "http://127.0.0.1:9")
    monkeypatch.setenv("BATEIA_REQUESTS_PER_S", "5000")
    monkeypatch.setattr("transforms.steps.fetch.fetcher.LONGEST_BACKOFF_S", 0.002)
    ended = bateia("doctor")
    assert "note  the crawls of http://127.0.0.1:9 can't be listed" in ended.stdout
    assert "a mirror's folder is set by BATEIA_COMMONCRAWL" in ended.stdout


def test_lines() -> None:
    assert str(Finding(OK, "two")) == "ok    two" and str(Finding(NOTE, "a", "b")) == "note  a; b"
