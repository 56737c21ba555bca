"""Kubernetes takes the manifests of deploy/kubernetes, by the schemas that it publishes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.paths import ROOT

kubernetes_validate: Any = pytest.importorskip(
    "kubernetes_validate", reason="pip install kubernetes-validate checks it"
)
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))


def objects(path: Path) -> list[dict[str, Any]]:
    import yaml

    return list(yaml.safe_load_all(path.read_text()))


def check(manifest: dict[str, Any]) -> None:
    version = kubernetes_validate.latest_version()
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_taken(path: Path) -> None:
    assert objects(path)
    for manifest in objects(path):
        check(manifest)


def test_a_field_that_there_is_not_is_found() -> None:
    [manifest] = objects(MANIFESTS[0])
    manifest["spec"]["completion"] = 64
    with pytest.raises(kubernetes_validate.ValidationError):
        check(manifest)


def test_an_array_s_parts_are_as_many_as_its_pods() -> None:
    [job] = objects(ROOT / "deploy" / "kubernetes" / "array.yaml")
    [container] = job["spec"]["template"]["spec"]["containers"]
    [parts] = [each["value"] for each in container["env"] if each["name"] == "PARTS"]
    assert job["spec"]["completions"] == int(parts)
