"""What would fail of a graph on machines elsewhere: one graph a rule that breaks it, and one that breaks none."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from pipelines.engine.beam import graph
from pipelines.engine.beam.graph import Inspector, local_paths, look_at, strings_in
from pipelines.engine.progress import Progress
from pipelines.engine.run import Execution, Phases
from schemas.faults import BadInput

HERE = "/usr/share/common-licenses"
LINE = "The prospectors of the river knew every bend of it by heart, and what it carried."


class Holds(beam.DoFn):
    """Has a value, and passes on what it is given."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def process(self, element: Any) -> Iterator[Any]:
        yield element


class Sums(beam.CombineFn):
    """Adds up, and has a value."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def create_accumulator(self) -> int:
        return 0

    def add_input(self, mutable_accumulator: int, element: int) -> int:
        return mutable_accumulator + element

    def merge_accumulators(self, accumulators: Any) -> int:
        return sum(accumulators)

    def extract_output(self, accumulator: int) -> int:
        return accumulator


def of_closure(value: Any) -> Callable[[Any], Any]:
    return lambda element: (element, value)


def faults(*steps: Any, stands_for: tuple[str, ...] = ()) -> list[str]:
    pipeline = beam.Pipeline()
    collection: Any = pipeline | beam.Create([1])
    for number, step in enumerate(steps):
        collection = collection | f"S{number}" >> step
    return look_at("phase", pipeline, stands_for).faults


def test_a_graph_without_faults() -> None:
    assert (
        faults(beam.ParDo(Holds(["gs://bucket/x", threading.Lock()])), beam.Reshuffle(), beam.CombineGlobally(sum))
        == []
    )


@pytest.mark.parametrize(
    "step",
    [
        beam.ParDo(Holds(f"{HERE}/BSD")),
        beam.ParDo(Holds({"models": [(1, f"file://{HERE}/BSD")]})),
        beam.Map(of_closure(f"{HERE}/BSD")),
        beam.Map(lambda element: (element, "/usr/share/common-licenses/BSD")),
        beam.Map(lambda element, path: (element, path), f"{HERE}/BSD"),
        beam.CombineGlobally(lambda elements, path: sum(elements), path=f"{HERE}/BSD"),
    ],
    ids=["a field", "deep in a field", "a closure", "a constant", "an argument", "of a combiner"],
)
def test_a_path_of_this_machine(step: Any) -> None:
    [fault, *_] = faults(step)
    assert f"holds a path of this machine, {HERE}/BSD; name an asset" in fault and fault.startswith("S0")


def test_a_path_that_is_an_element() -> None:
    pipeline = beam.Pipeline()
    _ = pipeline | beam.Create([f"{HERE}/BSD"])
    assert f"{HERE}/BSD" in look_at("phase", pipeline).faults[0]
    assert look_at("phase", pipeline, (HERE,)).faults == []


def test_what_is_no_path_of_this_machine() -> None:
    texts = ["/wiki/Page/of/no/folder", "gs://usr/share/x", "https://usr.org/usr/share", "a /usr/share/doc b", "/usr"]
    assert local_paths(texts) == set()
    assert local_paths([b"\x12/usr/share/doc", "/usr/share/doc/", "file:///usr/share"]) == {
        "/usr/share/doc",
        "/usr/share",
    }
    assert local_paths(["/usr/share-2/x"], ("/usr/share",)) == {"/usr/share-2/x"}


class Unreadable:
    """Can be sent, and not be read."""

    def __reduce__(self) -> Any:
        return (int, ("no number",))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: beam.ParDo(Holds(number for number in range(3))), "cannot pickle 'generator' object"),
        (lambda: beam.CombineGlobally(Sums(number for number in range(3))), "cannot pickle 'generator' object"),
        (lambda: beam.ParDo(Holds(Unreadable())), "invalid literal for int"),
    ],
)
def test_what_can_not_be_sent(tmp_path: Path, make: Callable[[], Any], why: str) -> None:
    with pytest.raises(BadInput, match=rf"^phase: a step can't be sent \({why}.*load in setup"):
        inspected(lambda root: root | beam.Create([1]) | make(), tmp_path, [])


def test_a_graph_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "MAX_BYTES", 50_000)
    names = [sha256(str(number).encode()).hexdigest() for number in range(9_000)]  # pickles are compressed
    [fault] = faults(beam.ParDo(Holds(names)))
    assert fault.startswith("its graph has 0.") and fault.endswith("pass lists by file")


def inspected(build: Callable[[Any], Any], output: Path, texts: list[str]) -> list[str]:
    inspector = Inspector((str(output),))
    Phases(Execution(inspector=inspector), Progress(shown=False), str(output)).run("phase", 1, build)
    inspector.compare_with(texts)
    return [fault for each in inspector.graphs for fault in each.faults]


@pytest.mark.parametrize(
    "element",
    [LINE, (1, f"Title\n{LINE}\nmore"), {"row": [LINE]}, pickle.dumps(LINE)],
    ids=["a text", "a keyed text", "in a table", "in bytes"],
)
def test_text_that_is_shuffled(tmp_path: Path, element: Any) -> None:
    [fault] = inspected(lambda root: root | beam.Create([element]) | "Spread" >> beam.Reshuffle(), tmp_path, [LINE])
    assert fault.startswith("Spread/") and "shuffles text ('The prospectors of the river knew every …" in fault


def test_keys_that_are_shuffled(tmp_path: Path) -> None:
    def build(root: Any) -> Any:
        return root | beam.Create([(7, b"key"), (7, b"of " + bytes(100))]) | beam.GroupByKey() | beam.Map(str)

    assert inspected(build, tmp_path, [LINE]) == []


def test_what_travels_is_found_in_all_that_is_pickled() -> None:
    found = strings_in({"a": (b"bytes", ["text"]), 1: frozenset({"member"})})
    assert {"a", b"bytes", "text", "member"} <= set(found)
