"""report.json: the keys that people's scripts read stay, and a report read is the report written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.reports import curate, shards
from pipelines.reports.corpus import report as corpus
from pipelines.reports.render import decode, encode
from support import reports

KINDS = {
    "curate": (reports.CURATE, curate.CurateReport),
    "corpus": (reports.CORPUS, corpus.CorpusReport),
    "shards": (reports.SHARDS, shards.ShardsReport),
}
# Objects by names that come from the data.
TABLES = {"skipped_records", "versions", "languages", "dumps", "slices", "lengths"}


def keys(value: Any, path: str = "") -> set[str]:
    """The path of every value, without places in lists; names that come from the data are a star."""
    if isinstance(value, dict):
        table = path.rpartition(".")[2] in TABLES
        named = {f"{path}.*" if table else f"{path}.{name}": part for name, part in value.items()}
        return {path}.union(*(keys(part, path) for path, part in named.items()))
    return {path}.union(*(keys(part, path) for part in value)) if isinstance(value, list) else {path}


@pytest.mark.parametrize(("example", "kind"), KINDS.values(), ids=KINDS)
def test_a_report_read_is_the_report_written(example: dict[str, Any], kind: type) -> None:
    again = encode(decode(example, kind, "the example"))
    assert json.dumps(again, sort_keys=True) == json.dumps(example, sort_keys=True)


@pytest.mark.parametrize(("name", "stage"), [("curate", "documents"), ("corpus", "corpus")])
def test_what_the_stages_write_has_the_keys_of_the_examples(
    name: str, stage: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(stage)
    written, (example, kind) = json.loads((folder / "report.json").read_text("utf-8")), KINDS[name]
    not_asked_for = {name for name in keys(example) if name.startswith(".estimate.")}
    not_in_the_sample = not_asked_for | {
        ".inputs.bad.path",
        ".inputs.bad.problem",
        ".tokenizer.name",
        ".tokenizer.sha256",
    }
    assert keys(written) == keys(example) - not_in_the_sample
    assert json.dumps(encode(decode(written, kind, "it")), sort_keys=True) == json.dumps(written, sort_keys=True)
