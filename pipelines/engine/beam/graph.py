"""A phase's graph as an engine on other machines would get it, looked at before one is: what would fail there.

No service is asked. A graph is made, turned into the message that is submitted, and searched; then it is run in this
process on something small, with a look at what its shuffles carry.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import apache_beam as beam
from apache_beam.internal import pickler
from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.internal.cloudpickle_pickler import LOCK_TYPE, RLOCK_TYPE
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.portability import python_urns

from schemas.faults import BadInput, reason

MAX_BYTES = 10_000_000  # of a job's request: https://cloud.google.com/dataflow/quotas, "10 MB"
PARDO = "beam:transform:pardo:v1"
COMBINES = ("beam:transform:combine_per_key:v1", "beam:transform:combine_globally:v1")
PATH = re.compile(r"(?:file://)?((?:/[^/\0\n]+){2,})/?")  # with a folder: /x alone may be a web page's or a rule's
PATH_WITHIN = re.compile(r"(?<![\w:/.\\-])((?:/[\w.+@-]+){2,})")  # in bytes, where coders put lengths before texts
WINDOW = 40  # bytes of a line of text that are looked for in what is shuffled; an address is rarely in a text
UNSENDABLE = "Unable to pickle fn"  # Beam's words
MODULE_GLOBALS = {"__package__", "__name__", "__path__", "__file__"}  # what cloudpickle says of a function's module

PICKLED = (python_urns.PICKLED_DOFN_INFO, python_urns.PICKLED_COMBINE_FN)

Build = Callable[[Any], Any]
_shuffled: dict[str, set[bytes]] = {}  # by graph and shuffle, in the process that both builds and runs


@dataclass
class Graph:
    """What a phase sends.

    steps: names of its transforms, in their order.
    size: bytes of the message.
    faults: what would fail, each a line.
    shuffles: names of its shuffles.
    """

    name: str
    steps: list[str] = field(default_factory=list)
    size: int = 0
    faults: list[str] = field(default_factory=list)
    shuffles: list[str] = field(default_factory=list)

    def line(self) -> str:
        return f"{self.name}: {self.size / 1e3:.0f} KB; {' → '.join(self.steps)}"


class Inspector:
    """Looks at every graph of a run.

    stands_for: folders of this machine that the run has in place of the inputs and outputs meant.
    """

    def __init__(self, stands_for: tuple[str, ...]) -> None:
        self._stands_for = stands_for
        self.graphs: list[Graph] = []
        _shuffled.clear()

    def looked_at(self, name: str, build: Build) -> Build:
        """`build` that also looks. Raises BadInput in it for a graph that can't be sent at all."""

        def built(root: Any) -> Any:
            try:
                result = build(root)
            except RuntimeError as error:  # Beam tries each function when its step is made
                if UNSENDABLE not in str(error):
                    raise
                why = reason(error.__context__ or error)
                raise BadInput(
                    f"{name}: a step can't be sent ({why}); load in setup() what is no plain value"
                ) from error
            graph = look_at(name, root, self._stands_for)
            self.graphs.append(graph)
            watch_shuffles(graph, root)
            return result

        return built

    def compare_with(self, texts: Iterable[str]) -> None:
        """Note as a fault every shuffle that carried lines of these texts."""
        lines = {line.encode()[:WINDOW] for text in texts for line in text.splitlines() if len(line) >= WINDOW}
        for graph in self.graphs:
            for step in graph.shuffles:
                carried = b"\0".join(_shuffled.get(f"{graph.name} {step}", ()))
                if line := next((line for line in lines if line in carried), None):
                    found = line.decode(errors="replace")
                    graph.faults.append(f"{step} shuffles text ('{found}…'); let it pass by file, and shuffle its key")


def look_at(name: str, pipeline: beam.Pipeline, stands_for: tuple[str, ...] = ()) -> Graph:
    """What would fail of a graph on other machines, but for what shows only in its run."""
    message: Any = pipeline.to_runner_api()
    graph = Graph(name, size=message.ByteSize())
    if graph.size > MAX_BYTES:
        graph.faults.append(f"its graph has {graph.size / 1e6:.1f} MB, and 10 are taken; pass lists by file")
    transforms = message.components.transforms
    [root] = message.root_transform_ids
    graph.steps = [step for child in transforms[root].subtransforms for step in steps_of(child, transforms)]
    for transform in transforms.values():
        payload = code_of(transform.spec)
        if payload is None:
            continue
        for path in sorted(local_paths(strings_in(pickler.loads(payload)), stands_for)):
            graph.faults.append(
                f"{transform.unique_name} holds a path of this machine, {path}; name an asset or a file that all reach"
            )
    return graph


def steps_of(key: str, transforms: Any) -> list[str]:
    """Names of a transform, or of what it is made of: two levels, as the parts of Beam's own say little."""
    parts = transforms[key].subtransforms
    names = [transforms[part].unique_name for part in parts if transforms[part].subtransforms or code(transforms[part])]
    return names if len(names) > 1 else [transforms[key].unique_name]


def code(transform: Any) -> bool:
    return code_of(transform.spec) is not None


def code_of(spec: Any) -> bytes | None:
    """The pickled function of a transform; None for one without."""
    from apache_beam.portability.api import beam_runner_api_pb2 as messages

    parts: Any = messages
    if spec.urn == PARDO:
        function = parts.ParDoPayload.FromString(spec.payload).do_fn
    elif spec.urn in COMBINES:
        function = parts.CombinePayload.FromString(spec.payload).combine_fn
    else:
        return None
    return function.payload if function.urn in PICKLED else None  # others are Beam's own, by name


class Strings(cloudpickle.Pickler):
    """Collects every text and byte string that an object takes along."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())
        self.found: list[str | bytes] = []

    def persistent_id(self, obj: Any) -> str | None:
        if isinstance(obj, (str, bytes)):
            self.found.append(obj)
        if isinstance(obj, CodeType):  # says in which file it was written, which nobody opens
            self.found += constants_of(obj)
            return "code"
        if isinstance(obj, dict) and "__file__" in obj and obj.keys() <= MODULE_GLOBALS:
            return "module"
        return "lock" if isinstance(obj, (LOCK_TYPE, RLOCK_TYPE)) else None  # Beam sends these as new ones


def constants_of(code: CodeType) -> Iterator[str | bytes]:
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from constants_of(value)
        elif isinstance(value, (str, bytes)):
            yield value


def strings_in(value: Any) -> list[str | bytes]:
    strings = Strings()
    strings.dump(value)
    return strings.found


def local_paths(strings: Iterable[str | bytes], stands_for: tuple[str, ...] = ()) -> set[str]:
    """Paths among some strings that begin with a folder of this machine."""
    found: set[str] = set()
    for value in strings:
        if isinstance(value, str):
            match = PATH.fullmatch(value)
            found |= {match[1]} if match else set()
        else:
            found |= set(PATH_WITHIN.findall(value.decode("latin-1")))
    allowed = tuple(folder.rstrip("/") for folder in stands_for)
    return {
        path
        for path in found
        if Path(f"/{path.split('/')[1]}").is_dir()
        and not any(path == folder or path.startswith(f"{folder}/") for folder in allowed)
    }


class Shuffles(PipelineVisitor):
    """Finds what goes into the shuffles of a pipeline."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}

    def visit_transform(self, transform_node: AppliedPTransform) -> None:
        if isinstance(transform_node.transform, beam.GroupByKey):
            [self.inputs[transform_node.full_label]] = transform_node.main_inputs.values()

    def enter_composite_transform(self, transform_node: AppliedPTransform) -> None:
        self.visit_transform(transform_node)


def watch_shuffles(graph: Graph, pipeline: beam.Pipeline) -> None:
    """Have the run note what goes into each shuffle."""
    shuffles = Shuffles()
    pipeline.visit(shuffles)
    for number, (label, collection) in enumerate(shuffles.inputs.items()):
        graph.shuffles.append(label)
        _shuffled[f"{graph.name} {label}"] = set()
        _ = collection | f"Watch{number}" >> beam.Map(note_strings, f"{graph.name} {label}")


def note_strings(element: Any, shuffle: str) -> None:
    for value in strings_in(element):
        data = value.encode(errors="surrogatepass") if isinstance(value, str) else value
        if len(data) >= WINDOW:
            _shuffled[shuffle].add(data)
