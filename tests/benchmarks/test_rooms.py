"""Every benchmark can be asked for help and run quickly, stands in the README, and uses nothing private of ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.harness import Benchmark
from support.paths import ROOT

FOLDER = ROOT / "benchmarks"
FILES = sorted(FOLDER.rglob("*.py"))
RUNNABLE = [path for path in FILES if "\nBENCHMARK = " in path.read_text()]
OURS = ("schemas", "transforms", "pipelines", "trainer", "benchmarks")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def benchmark_of(path: Path) -> Benchmark:
    return import_module(module_of(path)).BENCHMARK


def test_benchmarks_are_found() -> None:
    assert len(RUNNABLE) >= 18
    assert len({path.stem for path in RUNNABLE}) == len(RUNNABLE)


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.stem)
def test_help_says_what_is_measured_and_how_to_run_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        benchmark_of(path).main(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"python -m {module_of(path)}" in shown and "--quick" in shown and "--out" in shown
    assert f"    python -m {module_of(path)}" in (benchmark_of(path).about or "")  # the command to repeat it
    assert "easured" in (benchmark_of(path).about or "")


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.stem)
def test_quick_sets_options_that_exist(path: Path) -> None:
    benchmark = benchmark_of(path)
    defaults = vars(benchmark.parser().parse_args([]))
    assert set(benchmark.quick) <= set(defaults)
    assert all(value != defaults[name] for name, value in benchmark.quick.items()) and benchmark.quick


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.stem)
def test_readme_has_every_benchmark(path: Path) -> None:
    assert f"`{path.stem}`" in (FOLDER / "README.md").read_text()


def private_names(source: str) -> Iterator[str]:
    """What a file takes from our modules by a name that begins with an underscore."""
    tree = ast.parse(source)
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
            modules |= {alias.asname or alias.name for alias in node.names}
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name.startswith("_"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield from [f"{node.value.id}.{node.attr}"] if node.attr.startswith("_") else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_public_names_are_used(path: Path) -> None:
    assert list(private_names(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "from transforms.steps.text.words import _splitter",
        "def f():\n    from transforms.steps.text import words\n    words._forget()",
    ],
)
def test_a_private_name_is_found(source: str) -> None:
    assert list(private_names(source))


@pytest.mark.parametrize("path", sorted((FOLDER / "peers").glob("datatrove_*.py")), ids=lambda path: path.stem)
def test_what_a_peers_interpreter_runs_imports_nothing_of_ours(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert not {name.partition(".")[0] for name in imported} & set(OURS)


def test_processes_are_known_by_modules_that_exist() -> None:
    from benchmarks.curate.memory_over_pages import ROLES

    assert all(find_spec(module) for module in ROLES)
