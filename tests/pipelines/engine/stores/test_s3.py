"""What a store of S3's kind does not know, or does not do: the lease of an output all the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest

from pipelines.engine.stores.leases import take_lease
from pipelines.engine.stores.s3 import S3Objects
from schemas.faults import BadInput
from schemas.lease import claims, contend, holding, release_all
from schemas.storage import size_of
from support.object_store import Store, object_store

pytest.importorskip("moto", reason="the object store of these tests is moto's")


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    with object_store() as store:
        yield store


@pytest.fixture
def store(running: Store) -> Iterator[Store]:
    running.requests.clear()
    yield running
    running.conditions = "heeded"
    release_all()


@pytest.mark.parametrize(
    ("conditions", "told"), [("unknown", "the store knows none"), ("ignored", "the store ignores them")]
)
def test_a_store_without_conditions_leases_by_listings(
    store: Store, capsys: pytest.CaptureFixture[str], conditions: str, told: str
) -> None:
    store.conditions = conditions
    folder = f"s3://bucket/{conditions}"
    take_lease(folder)
    err = capsys.readouterr().err
    assert err.startswith(f"bateia: note: {folder} is leased without conditional writes ({told}); ")
    assert err.count("\n") == 1
    held = holding(folder)
    assert held is not None and not held.claim.alone and size_of(held.path)
    other = replace(held.claim, token="other", held=False)
    with pytest.raises(BadInput, match="another run"):
        contend(folder, other, True, None, None)
    release_all()
    assert claims(folder) == []


def test_without_boto3_it_leases_by_listings(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch.dict(sys.modules, {"botocore.config": None}):
        take_lease("s3://bucket/plain")
    assert "(boto3 is not installed)" in capsys.readouterr().err
    assert [claim.alone for claim in claims("s3://bucket/plain")] == [False]


def test_a_store_that_is_away_is_an_error_of_the_file_system(store: Store) -> None:
    with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}):
        objects = S3Objects()
        with pytest.raises(OSError, match="s3://bucket/x: "):
            objects.create("s3://bucket/x", b"")
