"""The arrows of the house: which room may import which, and what must stay fast to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "transforms", "pipelines", "trainer", "deploy")
# room -> rooms of ours that it may import
MAY_IMPORT = {
    "schemas": {"schemas"},
    "transforms.steps": {"schemas", "transforms.steps"},
    "transforms": {"schemas", "transforms.steps", "transforms"},
    "pipelines": {"schemas", "transforms.steps", "transforms", "pipelines", "trainer", "deploy"},
    "trainer": {"schemas", "trainer"},
    "deploy": {"deploy"},
}
BEAM_FREE = {"schemas", "transforms.steps", "trainer", "deploy"}
FOREIGN_TO_SCHEMAS = {"numpy", "pyarrow"}


def room_of(module: str) -> str | None:
    if module == "transforms.steps" or module.startswith("transforms.steps."):
        return "transforms.steps"
    top = module.partition(".")[0]
    return top if top in ROOMS else None


def imports_of(source: str) -> list[str]:
    """Modules imported anywhere in a file, inside functions too; `from a import b` counts as a and a.b."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def faults_of(module: str, source: str) -> list[str]:
    room = room_of(module)
    assert room is not None
    faults = []
    for imported in imports_of(source):
        target = room_of(imported)
        if imported == "transforms" and room == "transforms.steps":
            continue  # `from transforms import …` is judged by its full name
        if target is not None and target not in MAY_IMPORT[room]:
            faults.append(f"{module} imports {imported}")
        if imported.partition(".")[0] == "apache_beam" and room in BEAM_FREE:
            faults.append(f"{module} imports Beam")
        top = imported.partition(".")[0]
        stdlib_or_ours = top in sys.stdlib_module_names or top in ROOMS
        if room == "schemas" and not stdlib_or_ours and top not in FOREIGN_TO_SCHEMAS:
            faults.append(f"{module} imports {imported}")
    return faults


def modules() -> list[tuple[str, Path]]:
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path) for path in files]


def test_no_module_imports_against_the_arrows() -> None:
    found = modules()
    assert len(found) > 20
    assert [fault for module, path in found for fault in faults_of(module, path.read_text())] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("schemas.page", "from transforms.steps.warc import Unit"),
        ("schemas.page", "import requests"),
        ("schemas.page", "def f():\n    import apache_beam"),
        ("transforms.steps.c4", "import apache_beam as beam"),
        ("transforms.steps.c4", "from transforms.units import CurateJob"),
        ("transforms.steps.c4", "from pipelines.curate import Run"),
        ("transforms.units", "from pipelines.curate import Run"),
        ("trainer.loader", "from transforms.steps.words import words"),
        ("trainer.loader", "import apache_beam"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str) -> None:
    assert faults_of(module, source)


def test_no_file_is_named_like_a_standard_module() -> None:
    names = {path.stem for _, path in modules()} - {"__init__", "__main__"}
    assert names & set(sys.stdlib_module_names) == set()


HEAVY = {"apache_beam", "spacy", "trafilatura", "lxml", "fasttext", "resiliparse", "pyarrow.dataset", "google"}


@pytest.mark.parametrize(
    "code",
    [
        "import schemas, schemas.document, schemas.manifest, schemas.tally",
        "from pipelines.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from pipelines.__main__ import main\nassert main(['show', 'fineweb']) == 0",
    ],
)
def test_looking_things_up_loads_nothing_heavy(code: str) -> None:
    """What takes long to import is imported where it is used, so that help and `show` answer at once."""
    code += f"\nimport sys; print('LOADED', sorted({HEAVY!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.rstrip().endswith("LOADED []")
