"""The house as a picture: which room may import which, how large a folder may grow, what must stay fast to import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import pytest

from support.paths import ROOT

# An arrow reads "may import", what lies further along it too. Whoever stands in a room's picture is all that may be in
# it; what stands in one pair of braces does not know each other.
ROOMS = """
    pipelines → {transforms, trainer, deploy}
    transforms → transforms.steps → schemas
    trainer → schemas
"""
WITHIN = {
    "pipelines": """
        __main__ → cli → course → upkeep → analysis
        analysis → lineage → stages → reports → {assets, engine, sample} → {recipes, crawls}
    """,
    "transforms.steps": """
        curator → recipe → {filters, dedup, pii, extract} → {text, warc} → step
        templates → {text, urls}
        sources → {fetch, warc}
        {tokens, urls} → step
        tokens → dedup
    """,
    "trainer": """
        post → probes → {generate, export, forecast} → run → backend → optim → settings → {model, data}
        micro → model
    """,
}
BEAM_FREE = {"schemas", "transforms.steps", "trainer", "deploy"}
FOREIGN_TO_SCHEMAS = {"numpy", "pyarrow"}
MOST_ENTRIES = 14  # modules and packages in a folder
# Engines are options that follow `--`. Who runs a pipeline is known in one room, and in what is deployed.
ENGINES = {"flink", "dataflow", "prism", "spark", "dask", "ray"}
KNOW_ENGINES = ("pipelines.engine", "deploy")

# What does not hold yet. It may only shrink: an entry that is no longer needed fails too.
KNOWN: set[str] = set()

Modules = Mapping[str, str]  # name of a module -> its source
Rule = Callable[[Modules], Iterator[str]]


def arrows(picture: str) -> dict[str, set[str]]:
    """Whom everyone in a picture may import: all that lies along its arrows."""
    following: dict[str, set[str]] = {}
    for line in picture.strip().splitlines():
        stations = [set(re.findall(r"[\w.]+", station)) for station in line.split("→")]
        for name in set.union(*stations):
            following.setdefault(name, set())
        for these, those in pairwise(stations):
            for name in these:
                following[name] |= those
    reached: dict[str, set[str]] = {}
    for name in TopologicalSorter(following).static_order():  # what is imported comes first
        reached[name] = following[name].union(*(reached[other] for other in following[name]))
    return reached


def modules() -> dict[str, str]:
    tops = sorted({name.partition(".")[0] for name in arrows(ROOMS)})
    files = [path for top in tops for path in sorted((ROOT / top).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]
    return {name: path.read_text() for name, path in zip(names, files, strict=True)}


def member_of(module: str, house: Iterable[str]) -> str | None:
    """The innermost of these packages that a module is or lies in."""
    return max((name for name in house if f"{module}.".startswith(f"{name}.")), key=len, default=None)


@cache
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


# --- What is a fault --------------------------------------------------------------------------------------------------


def against_the_arrows(house: Modules) -> Iterator[str]:
    allowed = arrows(ROOMS)
    for module, source in house.items():
        mine = member_of(module, allowed)
        assert mine is not None
        for imported in imports_of(source):
            theirs = member_of(imported, allowed)
            if theirs not in (None, mine, *allowed[mine]) and imported != "transforms":  # its full name is judged too
                yield f"{module} imports {imported}"
            if imported.partition(".")[0] == "apache_beam" and mine in BEAM_FREE:
                yield f"{module} imports Beam"
            top = imported.partition(".")[0]
            if mine == "schemas" and theirs is None and top not in sys.stdlib_module_names | FOREIGN_TO_SCHEMAS:
                yield f"{module} imports {imported}"


def against_a_rooms_arrows(house: Modules) -> Iterator[str]:
    for room, picture in WITHIN.items():
        allowed = arrows(picture)
        for module, source in house.items():
            mine = entry_of(room, module)
            if mine is None:
                continue
            if mine not in allowed:
                yield f"{room}.{mine} is not in the picture of {room}"
                continue
            for theirs in {entry_of(room, imported) for imported in imports_of(source)} - {None, mine, *allowed[mine]}:
                yield f"{module} imports {room}.{theirs}"


def entry_of(room: str, module: str) -> str | None:
    """What of a room a module is or lies in: a file or a folder; None if it is elsewhere, or the room itself."""
    return module.removeprefix(f"{room}.").partition(".")[0] if module.startswith(f"{room}.") else None


def circles(house: Modules) -> Iterator[str]:
    """A circle of files, if there is one."""
    graph = {module: {name for name in imports_of(source) if name in house} for module, source in house.items()}
    try:
        TopologicalSorter({module: names - {module} for module, names in graph.items()}).prepare()
    except CycleError as fault:
        yield " → ".join(reversed(fault.args[1]))


def crowded(house: Modules) -> Iterator[str]:
    """Folders with too many modules and packages. Files of data don't count, nor does what makes a package run."""
    entries: dict[str, set[str]] = {}
    for module in house:
        names = module.removesuffix(".__main__").split(".")
        for depth in range(1, len(names)):
            entries.setdefault(".".join(names[:depth]), set()).add(names[depth])
    for folder, names in entries.items():
        if len(names) > MOST_ENTRIES:
            yield f"{folder} has more than {MOST_ENTRIES} modules and packages"


def engines_named(house: Modules) -> Iterator[str]:
    """Names and strings; not comments and docstrings, which may say what an engine is like."""
    for module, source in house.items():
        if not module.startswith(KNOW_ENGINES):
            for name in sorted({word for text in texts_of(ast.parse(source)) for word in words(text)} & ENGINES):
                yield f"{module} names {name}"


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Identifiers, names of modules and literal strings of a file."""
    docs = {id(doc) for node in ast.walk(tree) if (doc := docstring_of(node)) is not None}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value
        for _, value in ast.iter_fields(node):
            if isinstance(value, str) and not isinstance(node, ast.Constant):
                yield value


def docstring_of(node: ast.AST) -> ast.Constant | None:
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return first.value
    return None


def words(text: str) -> set[str]:
    """Words of a text or an identifier, in lower case: FlinkRunner and flink_runner are two each."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)}


def misnamed(house: Modules) -> Iterator[str]:
    """Files named like a standard module would be taken for it by whoever runs them."""
    for module in house:
        if (name := module.rpartition(".")[2]) in sys.stdlib_module_names and name != "__main__":
            yield f"{module} is named like the standard module {name}"


RULES: tuple[Rule, ...] = (against_the_arrows, against_a_rooms_arrows, circles, crowded, engines_named, misnamed)


# --- The house as it is -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house() -> dict[str, str]:
    found = modules()
    assert len(found) > 100
    return found


@pytest.fixture(scope="module")
def faults_of(house: Modules) -> Callable[[Rule], set[str]]:
    """What a rule finds in the house, looked for once."""
    return cache(lambda rule: set(rule(house)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_is_as_in_the_picture(faults_of: Callable[[Rule], set[str]], rule: Rule) -> None:
    assert faults_of(rule) - KNOWN == set()


@pytest.mark.slow
def test_known_faults_are_still_there(faults_of: Callable[[Rule], set[str]]) -> None:
    assert KNOWN - set().union(*map(faults_of, RULES)) == set(), "mended: take them out of KNOWN"


# --- Planted faults ---------------------------------------------------------------------------------------------------


def test_arrows_lead_to_what_lies_along_them() -> None:
    assert arrows("a → {b, c} → d.e\nx → c\nf") == {
        "a": {"b", "c", "d.e"},
        "b": {"d.e"},
        "c": {"d.e"},
        "d.e": set(),
        "x": {"c", "d.e"},
        "f": set(),
    }
    with pytest.raises(CycleError):
        arrows("a → b → a")


PLANTED: list[tuple[Rule, dict[str, str], str]] = [
    (against_the_arrows, {"schemas.document": "import transforms.steps.step"}, "imports transforms.steps.step"),
    (against_the_arrows, {"schemas.document": "import requests"}, "imports requests"),
    (against_the_arrows, {"schemas.document": "def f():\n    import apache_beam"}, "imports Beam"),
    (against_the_arrows, {"transforms.steps.filters.c4": "import apache_beam as beam"}, "imports Beam"),
    (
        against_the_arrows,
        {"transforms.steps.filters.c4": "from transforms.curate import x"},
        "imports transforms.curate",
    ),
    (against_the_arrows, {"transforms.steps.filters.c4": "from transforms import curate"}, "imports transforms.curate"),
    (against_the_arrows, {"transforms.steps.step": "from pipelines.stages import x"}, "imports pipelines.stages"),
    (against_the_arrows, {"transforms.curate": "from pipelines.stages.curate import x"}, "imports pipelines.stages"),
    (against_the_arrows, {"trainer.loader": "from transforms.steps.text.words import x"}, "imports transforms.steps"),
    (against_the_arrows, {"trainer.loader": "import apache_beam"}, "imports Beam"),
    (against_a_rooms_arrows, {"pipelines.reports.card": "import pipelines.stages.dedup"}, "imports pipelines.stages"),
    (
        against_a_rooms_arrows,
        {"pipelines.lineage.batch": "from pipelines import analysis"},
        "imports pipelines.analysis",
    ),
    (against_a_rooms_arrows, {"pipelines.wizard.x": ""}, "is not in the picture"),
    (against_a_rooms_arrows, {"trainer.model.config": "def f():\n    import trainer.settings"}, "trainer.settings"),
    (against_a_rooms_arrows, {"transforms.steps.step": "import transforms.steps.recipe"}, "transforms.steps.recipe"),
    (circles, {"a": "import b", "b": "def f():\n    from c import x", "c": "import a"}, " → "),
    (circles, {"p": "", "p.a": "from p import b", "p.b": "from p.a import x"}, "p.a → p.b"),
    (crowded, {f"trainer.room.m{number}": "" for number in range(15)}, "trainer.room has more"),
    (crowded, {f"trainer.r{number}.m": "" for number in range(15)}, "trainer has more"),
    (engines_named, {"transforms.curate": "x = 'on Flink'"}, "names flink"),
    (engines_named, {"pipelines.cli.run": "from apache_beam.runners.dask.dask_runner import DaskRunner"}, "names dask"),
    (engines_named, {"schemas.tally": "def on_ray(data): ..."}, "names ray"),
    (engines_named, {"schemas.tally": "flags = {'--dataflow_x': 1}"}, "names dataflow"),
    (misnamed, {"transforms.steps.tokenize": ""}, "tokenize"),
]


@pytest.mark.parametrize(("rule", "planted", "fault"), PLANTED)
def test_a_planted_fault_is_found(rule: Rule, planted: Modules, fault: str) -> None:
    assert any(fault in found for found in rule(planted))


HARMLESS: list[tuple[Rule, dict[str, str]]] = [
    (against_the_arrows, {"transforms.steps.step": "from transforms import steps\nimport numpy, schemas.document"}),
    (against_a_rooms_arrows, {"pipelines.cli.run": "import pipelines.engine.run, pipelines.recipes"}),
    (circles, {"a": "import b, os", "b": "import c", "c": ""}),
    (crowded, {"trainer.room": "", **{f"trainer.room.m{number}": "" for number in range(14)}}),
    (engines_named, {"trainer.x": '"""As Spark does."""\narray = "sparkline, x-rays"  # Ray too'}),
    (engines_named, {"pipelines.engine.runner": "NAME = 'FlinkRunner'"}),
    (misnamed, {"pipelines.__main__": "", "trainer.tokens": ""}),
]


@pytest.mark.parametrize(("rule", "planted"), HARMLESS)
def test_what_is_no_fault_is_not_found(rule: Rule, planted: Modules) -> None:
    assert list(rule(planted)) == []


# --- What must stay fast to import ------------------------------------------------------------------------------------

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
