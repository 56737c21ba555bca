"""Processes load what they use: names that must not be in sys.modules, in each kind of process."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import get_ident

import pytest

from support.command import Call
from support.paths import ARTICLES, ROOT
from support.warc import http, record
from transforms.lean_beam import PandasLater

BEAMS = {"pandas", "pymongo", "bson", "boto3", "botocore", "cryptography", "beartype"}  # what Beam would load
HTTP = {"requests", "urllib3", "httplib2"}  # for what comes from servers alone
ARROWS = {"pyarrow.compute"}  # for selections alone
SPACYS = {"spacy.cli", "typer", "weasel", "httpx", "presidio_analyzer", "torch", "transformers"}
FOREIGN_TO_THE_CHILD = {"apache_beam", "fasttext", "numpy", "pyarrow", "resiliparse", "schemas", "spacy"}

RECIPE = """
import os, sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from pipelines.recipes.tiny import TINY
from transforms.steps.step import DocumentStep

@dataclass(frozen=True)
class Note(DocumentStep):
    stage: ClassVar[str] = "note"
    measures: ClassVar[tuple[str, ...]] = ()
    folder: str = {folder!r}

    def checks(self, document):
        return ()

    def __call__(self, document):
        import os, sys
        from pathlib import Path

        Path(self.folder, str(os.getpid())).write_text("\\n".join(sys.modules))
        return document

MINE = TINY.vary(replace(TINY.curate, documents=(*TINY.curate.documents[:2], Note())), name="mine")
"""


def names_after(code: str) -> set[str]:
    """Names of the modules that a fresh process has after running the code."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return set(json.loads(told.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_beam_is_loaded_without_what_is_not_used() -> None:
    loaded = names_after("from transforms.lean_beam import load_beam; load_beam(); load_beam()\nimport pyarrow as pa")
    assert "apache_beam" in loaded and not (BEAMS | HTTP) & loaded


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["tiny", "no-such"])
def test_a_run_that_is_refused_does_without_beam(recipe: str, tmp_path: Path) -> None:
    call = ["run", recipe, "--input", str(tmp_path / "none"), "--output", str(tmp_path / "o")]
    assert "apache_beam" not in names_after(f"from pipelines.__main__ import main\nassert main({call}) == 2")


@pytest.mark.slow
def test_pandas_is_there_for_a_step_of_ones_own() -> None:
    pytest.importorskip("pandas")
    code = """
from transforms.lean_beam import load_beam
load_beam()
import pyarrow as pa
assert pa.array([1, None]).null_count == 1
import pandas as pd
assert pa.array(pd.Series([1.5, None])).null_count == 1, "pyarrow knows a column of pandas, and its missing values"
assert pa.table({"a": [1, 2]}).to_pandas().shape == (2, 1)
"""
    assert "pandas" in names_after(code)


@pytest.mark.slow
def test_pandas_is_left_out_of_arrays_until_somebody_asks() -> None:
    pytest.importorskip("pandas")
    left_out = "from transforms.lean_beam import leave_pandas_out; leave_pandas_out()\n"
    made = "import pyarrow as pa; assert pa.chunked_array([[1, 2]]).to_numpy().tolist() == [1, 2]\n"
    assert "pandas" not in names_after(left_out + made)
    asked = "import pandas as pd; assert pa.array(pd.Series([1.5, None])).null_count == 1"
    assert "pandas" in names_after(left_out + left_out + made + asked)


def test_pandas_is_hidden_from_one_thread_alone() -> None:
    pytest.importorskip("pandas")
    hidden = PandasLater(get_ident())
    with pytest.raises(ModuleNotFoundError):
        hidden.find_spec("pandas", None)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(hidden.find_spec, "pandas", None).result() is None
    assert hidden.find_spec("numpy", None) is None


@pytest.mark.slow
def test_who_encrypts_groups_has_the_library_for_it() -> None:
    pytest.importorskip("cryptography")
    code = """
from transforms.lean_beam import load_beam
load_beam()
from apache_beam.transforms.util import Fernet
cipher = Fernet(b"0" * 43 + b"=")
assert cipher.decrypt(cipher.encrypt(b"key")) == b"key"
"""
    assert "cryptography.fernet" in names_after(code)


@pytest.mark.slow
def test_what_waits_for_its_first_use_is_whole_then() -> None:
    code = """
from transforms.lean_beam import load_beam
load_beam()
from apache_beam.internal.http_client import get_new_http
from apache_beam.io.gcp.gce_metadata_util import requests
from apache_beam.typehints.typehints import is_consistent_with
assert type(get_new_http()).__module__ == "httplib2"
assert issubclass(requests.exceptions.ConnectionError, OSError)
assert is_consistent_with(bool, int) and not is_consistent_with(int, bool)
assert is_consistent_with(3, int) is False, "what beartype can't compare"
"""
    assert {"httplib2", "requests", "beartype.door"} <= names_after(code)


@pytest.mark.slow
def test_pandas_that_is_loaded_before_beam_stays() -> None:
    pytest.importorskip("pandas")
    code = "import pandas, sys\nfrom transforms.lean_beam import load_beam; load_beam()\nassert sys.modules['pandas']"
    assert {"pandas", "apache_beam"} <= names_after(code)


@pytest.mark.slow
def test_words_are_split_without_spacy() -> None:
    loaded = names_after("from transforms.steps.text.words import words; assert len(words('It isn\\'t.', 'en')) == 4")
    assert not {"spacy", "thinc", "pydantic", *SPACYS} & loaded


@pytest.mark.slow
def test_spacys_rules_are_read_without_its_command_line_and_plug_ins() -> None:
    loaded = names_after("from transforms.steps.text.spacy_rules import read_rules; assert read_rules('en').special")
    assert "spacy" in loaded and not SPACYS & loaded


@pytest.mark.slow
def test_spacy_is_whole_for_those_who_ask_later() -> None:
    code = (
        "from transforms.steps.text.spacy_rules import read_rules; read_rules('en')\nimport spacy.cli as c; c.download"
    )
    assert "typer" in names_after(code)


def test_the_extraction_child_knows_little() -> None:
    page = (
        "<html><body><article>"
        + "<p>The pan turns slowly, and the light sand leaves it.</p>" * 9
        + "</article></body></html>"
    )
    code = f"""
from transforms.steps.extract.child import EXTRACTORS
text = EXTRACTORS["trafilatura"]({{"fast": False, "favor": "precision", "deduplicate": True}})({page!r})
assert "slowly" in text
"""
    loaded = {name.partition(".")[0] for name in names_after(code)}
    assert "trafilatura" in loaded and not FOREIGN_TO_THE_CHILD & loaded


def test_a_tokenizers_child_knows_little() -> None:
    loaded = names_after("from pipelines.stages.tokenizers import child; assert child.main")
    assert not {"numpy", "pyarrow", "schemas.storage"} & loaded


@pytest.mark.engine
@pytest.mark.slow
def test_worker_processes_of_a_run_are_lean(bateia: Call, tmp_path: Path) -> None:
    noted, recipe, warcs = tmp_path / "noted", tmp_path / "mine.py", [tmp_path / "a.warc", tmp_path / "b.warc"]
    noted.mkdir()
    recipe.write_text(RECIPE.format(folder=str(noted)))
    article = (ARTICLES / "en-1.md").read_text("utf-8").split("\n# ")[1].replace("\n\n", "</p><p>")
    for warc in warcs:  # a worker process each
        warc.write_bytes(record(block=http(f"<html><body><article><p>{article}</p></article></body></html>")))
    call = ("curate", "--recipe", f"{recipe}:MINE", "--workers", 2, "--no-blocklist", "--quiet")
    ended = bateia(*call, "--input", *warcs, "--output", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    files = list(noted.iterdir())
    assert files
    for file in files:
        assert not (BEAMS | HTTP | SPACYS | ARROWS) & set(file.read_text().split("\n"))
