"""Google's storage: what it refuses for the moment or for good, who asks, and a run whose output is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import requests

from pipelines.engine.stores import google
from pipelines.engine.stores.google import GoogleObjects, named
from pipelines.engine.stores.leases import conditional_objects, take_lease
from pipelines.sample.build import SampleIndex
from schemas.lease import claims, holding, release_all
from schemas.manifest import read_manifest
from schemas.storage import list_files, remove_folder, sizes_below
from support.command import Call
from support.gcs import google_storage
from support.outputs import hash_of

BUCKET = "gs://anonymous@bucket"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(google, "RESTS_S", (0.0, 0.0, 0.0))
    yield
    release_all()


@pytest.mark.parametrize(("busy", "goes_on"), [(3, True), (4, False)])
def test_what_is_refused_for_the_moment_is_asked_again(hasty: None, tmp_path: Path, busy: int, goes_on: bool) -> None:
    """An object that is written twice within a second."""
    with google_storage(tmp_path, busy):
        if not goes_on:
            with pytest.raises(OSError, match=f"{BUCKET}/o/.lease-whole: The object exceeded the rate limit"):
                take_lease(f"{BUCKET}/o")
            return
        take_lease(f"{BUCKET}/o")
        held = holding(f"{BUCKET}/o")
        assert held is not None
        held.note_job({"id": "7"})
        assert [(claim.alone, claim.job) for claim in claims(f"{BUCKET}/o")] == [(True, {"id": "7"})]


def test_what_is_refused_for_good_is_one_fault(hasty: None, tmp_path: Path) -> None:
    with google_storage(tmp_path):
        objects = GoogleObjects(BUCKET)
        with pytest.raises(OSError, match=r"gs://other/x: The specified bucket does not exist\."):
            objects.create("gs://other/x", b"")
        assert objects.read("gs://other/x") is None
        objects.remove(f"{BUCKET}/x", "1")
    with pytest.raises(OSError, match=f"{BUCKET}/x: "):  # nobody is there any more
        objects.create(f"{BUCKET}/x", b"")


def test_names_are_sent_as_they_are(hasty: None, tmp_path: Path) -> None:
    """A space, an accent, a percent sign, a slash, what ends a path in a URI."""
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "ção+&=.json").write_bytes(b"there")
    path = f"{BUCKET}/a b/ção+&=.json"
    assert named(path) == ("bucket", "a b/ção+&=.json")
    with google_storage(tmp_path):
        objects = GoogleObjects(BUCKET)
        assert objects.read(path) == (b"there", "1")
        assert objects.create(path, b"mine") is None
        version = objects.replace(path, b"mine", "1")
        assert version is not None and objects.read(path) == (b"mine", version)


def test_a_folder_that_no_object_stands_for_is_removed(tmp_path: Path) -> None:
    names = ("o/work/a.json", "o/work/deep/b.json", "o/worked.json")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    with google_storage(tmp_path):
        for _ in range(2):
            remove_folder(f"{BUCKET}/o/work")
            assert sizes_below(f"{BUCKET}/o") == {"worked.json": 2}


class NotFound(Exception):
    """As google-auth's."""


def google_auth(default: Any) -> dict[str, Any]:
    """Stand-ins for google-auth's modules, by name."""
    auth, faults, transport = ModuleType("google.auth"), ModuleType("exceptions"), ModuleType("requests")
    auth.__dict__.update(default=default)
    faults.__dict__.update(DefaultCredentialsError=NotFound, GoogleAuthError=NotFound)

    class AuthorizedSession(requests.Session):
        def __init__(self, token: str) -> None:
            super().__init__()
            self.headers["Authorization"] = f"Bearer {token}"

    transport.__dict__.update(AuthorizedSession=AuthorizedSession)
    parents = {"google": ModuleType("google"), "google.auth": auth, "google.auth.transport": ModuleType("transport")}
    parents["google"].__dict__.update(auth=auth)
    return parents | {"google.auth.exceptions": faults, "google.auth.transport.requests": transport}


def test_who_asks_is_known_by_google_auth(hasty: None, tmp_path: Path) -> None:
    asked: list[Any] = []

    def default(scopes: list[str]) -> tuple[str, None]:
        asked.append(scopes)
        return "token", None

    with google_storage(tmp_path), mock.patch.dict(sys.modules, google_auth(default)):
        objects = conditional_objects("gs://bucket/o")
        assert isinstance(objects, GoogleObjects)
        assert objects.create("gs://bucket/o/x", b"") is not None
        assert objects._session.headers["Authorization"] == "Bearer token"
    assert asked == [["https://www.googleapis.com/auth/devstorage.read_write"]]


@pytest.mark.parametrize("lacks", ["credentials", "google-auth"])
def test_without_it_a_lease_goes_by_listings(capsys: pytest.CaptureFixture[str], lacks: str) -> None:
    def default(scopes: list[str]) -> None:
        raise NotFound

    modules = google_auth(default) | ({"google.auth": None} if lacks == "google-auth" else {})
    with mock.patch.dict(sys.modules, modules):
        assert conditional_objects("gs://bucket/o") is None
    told = {"credentials": "no credentials are found", "google-auth": "google-auth is not installed"}[lacks]
    err = capsys.readouterr().err
    assert err.startswith(f"bateia: note: gs://bucket/o is leased without conditional writes ({told}); ")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_curate_into_a_bucket(hasty: None, many: SampleIndex, bateia: Call, tmp_path: Path) -> None:
    command = ("curate", "--recipe", "tiny", "--input", many.warc_files[0], "--quiet", "--output")
    assert bateia(*command, tmp_path / "o").returncode == 0
    (tmp_path / "empty").mkdir()
    with google_storage(tmp_path / "empty"):
        ended = bateia(*command, f"{BUCKET}/o")
        assert (ended.returncode, ended.stderr) == (0, "")
        manifest = read_manifest(f"{BUCKET}/o")
        assert manifest is not None and manifest.dataset_hash == hash_of(tmp_path / "o")
        again = bateia(*command, f"{BUCKET}/o")
        assert again.returncode == 2 and "is finished" in again.stderr
        left = [path for path in list_files(f"{BUCKET}/o") if ".lease-" in path]
        assert left == [] and claims(f"{BUCKET}/o") == []
