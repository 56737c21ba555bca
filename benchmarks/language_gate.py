"""What the language gate saves and loses: recipe `fineweb` with and without it, on the same pages in the same run.

    python -m benchmarks.language_gate --corpus DIR [--languages en pt de]

DIR holds *.warc.gz files. For each language the recipe keeps that language alone. CPU is user + system time of all
processes of a run of one worker; lost are pages that the plain recipe keeps and the gated one does not.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.dataset as ds

RECIPE = """
from dataclasses import replace
from pipelines.recipes.fineweb import FINEWEB
from transforms.steps.extraction import LanguageGate

LANGUAGE = {language!r}
PLAIN = replace(FINEWEB, name="plain", documents=tuple(
    replace(step, languages=(LANGUAGE,)) if hasattr(step, "languages") else step for step in FINEWEB.documents))
GATED = replace(PLAIN, name="gated", extract=replace(PLAIN.extract, gate=LanguageGate((LANGUAGE,))))
"""


def curate(recipe: str, inputs: list[str], output: Path) -> tuple[float, set[str]]:
    """Run a recipe; return CPU seconds of all its processes and the ids it kept."""
    command = [sys.executable, "-m", "pipelines", "curate", "--recipe", recipe, "--input", *inputs]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "--output", str(output), "--no-blocklist", "--no-guard", "--quiet"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    files = [str(path) for path in (output / "data").rglob("*.parquet")]
    kept = set(ds.dataset(files).to_table(columns=["id"])["id"].to_pylist()) if files else set()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, kept


def compare(language: str, inputs: list[str], folder: Path) -> str:
    recipe = folder / f"{language}.py"
    recipe.write_text(RECIPE.format(language=language))
    plain_s, plain = curate(f"{recipe}:PLAIN", inputs, folder / f"{language}-plain")
    gated_s, gated = curate(f"{recipe}:GATED", inputs, folder / f"{language}-gated")
    lost, gained = len(plain - gated), len(gated - plain)
    return (
        f"| {language} | {len(plain)} | {lost} | {gained} | {plain_s:.1f} | {gated_s:.1f} | {plain_s / gated_s:.2f} × |"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--corpus", type=Path, required=True)
    options.add_argument("--languages", nargs="+", default=["en", "pt", "de"])
    args = options.parse_args()
    inputs = [str(path) for path in sorted(args.corpus.glob("*.warc.gz"))]
    print(
        "| language | kept | lost by the gate | gained | CPU s | CPU s gated | ratio |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for language in args.languages:
            print(compare(language, inputs, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
