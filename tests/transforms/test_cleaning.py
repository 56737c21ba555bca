"""What signing finds clean is not cleaned again, and is as if it were."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.dedup.corpus import SIGNED, Cleaning, SignDocuments
from transforms.dedup.signatures import DedupWorkdir
from transforms.documents import Part, read_documents
from transforms.steps.dedup.repeated_lines import DropRepeatedLines
from transforms.steps.recipe import CorpusRecipe
from transforms.units import UnitFiles

LINE = "a line that is long enough to be one of those that are not said twice"
TEXTS = ("nothing is to be done here", "write to somebody@company.org, please", f"{LINE}\n{LINE}\n", "nor here")
CLEAN = (0, 3)
RECIPE = CorpusRecipe(lines=DropRepeatedLines())


def signed(folder: Path) -> Part:
    part = Part(5, "en/part-00000", (str(folder / "documents.parquet"),), len(TEXTS))
    rows = {name: [f"{name}-{number}" for number in range(len(TEXTS))] for name in SIGNED}
    pq.write_table(pa.table(rows | {"text": TEXTS, "language": ["en"] * len(TEXTS)}), part.files[0])
    work, files = SignDocuments(RECIPE, str(folder)), UnitFiles(str(folder))
    work.setup()
    work.run(part, files, lambda done: None)  # pyright: ignore[reportArgumentType]
    files.commit()
    return part


def test_clean_documents_are_taken_as_they_are(tmp_path: Path) -> None:
    clean = Cleaning(RECIPE, DedupWorkdir(str(tmp_path)), part := signed(tmp_path))
    for number, row in enumerate(read_documents(part.files, SIGNED)):
        expected = RECIPE.clean(row["text"], row["id"], "en")
        assert clean(row, number) == expected
        with mock.patch.object(CorpusRecipe, "clean", side_effect=LookupError):
            if number in CLEAN:
                assert clean(row, number) == expected
            else:
                with pytest.raises(LookupError):
                    clean(row, number)


def test_where_nothing_was_signed_all_are_cleaned(tmp_path: Path) -> None:
    clean = Cleaning(RECIPE, DedupWorkdir(str(tmp_path)), Part(0, "en/part-00000", (), 1))
    row = {"text": "write to somebody@company.org, please", "id": "1", "language": "en"}
    assert clean(row, 0) == RECIPE.clean(row["text"], "1", "en") != (row["text"], (), 0)
