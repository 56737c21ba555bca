"""The frame of every benchmark: options, the machine, rounds in turns, ratios, and a result as Markdown.

A benchmark is a module with a `BENCHMARK` and a function that yields Markdown, part by part as it is measured. Parts go
to standard output at once and, with --out, into benchmarks/results/<name>_<machine>_<date>.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any, TypeVar

from benchmarks.peers.installed import Peer, PeerAbsent
from benchmarks.plot import Chart, draw
from benchmarks.process_cost import Cost

RESULTS = Path(__file__).parent / "results"
QUICK = "A quick run, to see that it goes to its end: its numbers mean nothing."
NO_RESULT_OPTIONS = ("out", "quick", "scratch", "generated")  # they change nothing that is measured
# What says nothing in a processor's name: "AMD EPYC 7763 64-Core Processor" is an epyc-7763.
NOISE = re.compile(r"\(.*?\)|@.*|\b(amd|intel|core|cpu|processor|with|\d+-core)\b", re.IGNORECASE)

T = TypeVar("T")
Part = str | Chart


@dataclass(frozen=True)
class Benchmark:
    """One question that numbers answer.

    file: `__file__` of its module, whose stem names the result.
    title: the result's heading.
    about: the module's docstring, shown by --help.
    measure: from the options and an empty scratch folder to Markdown and charts.
    add_options: adds the options that are its own.
    rounds: default of --rounds, how often each side is measured; 0 where nothing is repeated.
    quick: values of options under --quick, which ends within a minute or two.
    packages: distributions of this environment that the numbers depend on.
    peers: what Bateia is compared with. There is no result without them.
    optional_peers: the same, but only their rows are left out where they are absent.
    """

    file: str
    title: str
    about: str | None
    measure: Callable[[argparse.Namespace, Path], Iterator[Part]]
    add_options: Callable[[argparse.ArgumentParser], object] = lambda parser: None
    rounds: int = 0
    quick: Mapping[str, Any] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    peers: tuple[Peer, ...] = ()
    optional_peers: tuple[Peer, ...] = ()

    @property
    def name(self) -> str:
        return Path(self.file).stem

    def parser(self) -> argparse.ArgumentParser:
        """Options that every benchmark has, and its own."""
        parser = argparse.ArgumentParser(
            prog=f"python -m benchmarks.{Path(self.file).parent.name}.{self.name}",
            description=self.about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_options(parser)
        if self.rounds:
            parser.add_argument("--rounds", type=positive, default=self.rounds, help="default: %(default)s")
        for peer in (*self.peers, *self.optional_peers):
            peer.add_option(parser)
        parser.add_argument("--quick", action="store_true", help="the smallest run that goes to its end")
        parser.add_argument("--scratch", type=Path, metavar="DIR", help="where temporary files lie")
        out = "also write the result: into FILE or folder FILE, without a name into benchmarks/results"
        parser.add_argument("--out", type=Path, nargs="?", const=RESULTS, metavar="FILE", help=out)
        return parser

    def parse(self, arguments: Sequence[str] | None = None) -> argparse.Namespace:
        """The options, with --quick's values where none are given and each peer's path, None if it is absent.

        Raises PeerAbsent for a peer that is needed.
        """
        parser = self.parser()
        if parser.parse_args(arguments).quick:
            parser.set_defaults(**({"rounds": 1} if self.rounds else {}) | dict(self.quick))
        args = parser.parse_args(arguments)
        if args.quick and args.out == RESULTS:
            parser.error("a --quick run is no result; name a file after --out")
        if args.out is not None and args.out.is_dir():
            args.out /= f"{self.name}_{machine_label()}_{date.today()}.md"
            if args.out.exists():
                parser.error(f"{args.out} is there already; name another file after --out")
        for peer in (*self.peers, *self.optional_peers):
            setattr(args, peer.option, peer.find(getattr(args, peer.option), required=peer in self.peers))
        return args

    def heading(self, args: argparse.Namespace) -> str:
        """Title, machine, versions of both sides, and the options that were in force, without any folder's name."""
        peers = [(peer, getattr(args, peer.option)) for peer in (*self.peers, *self.optional_peers)]
        versions = ", ".join(f"{name} {version(name)}" for name in ("bateia", *self.packages))
        theirs = "; ".join(peer.versions(path) for peer, path in peers if path is not None)
        names = {*NO_RESULT_OPTIONS, *(peer.option for peer, _ in peers)}
        options = {name: shown(value) for name, value in vars(args).items() if name not in names}
        given = ", ".join(f"{name} {value}" for name, value in options.items() if value)
        lines = [f"# {self.title}, {date.today()}\n", f"{machine()}; load {os.getloadavg()[0]:.1f} when it began."]
        lines.append(f"Ours: {versions}.{f' Peers: {theirs}.' if theirs else ''}")
        lines += [f"Options: {given}."] if given else []
        return "\n".join([*lines, *(["", QUICK] if args.quick else [])]) + "\n"

    def main(self, arguments: Sequence[str] | None = None) -> None:
        """Measure and write, under machine and options; ends with exit code 2 where a peer is absent."""
        try:
            args = self.parse(arguments)
        except PeerAbsent as absent:
            sys.stderr.write(f"{absent}\n")
            raise SystemExit(2) from None
        if args.scratch is not None:
            args.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
            parts = chain([self.heading(args)], self.measure(args, Path(folder)))
            if args.out is None:
                for part in parts:
                    if not isinstance(part, Chart):
                        print(part, flush=True)
            else:
                write(parts, args.out)


def add_seeds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=positive, default=3, help="how many; default: %(default)s")
    parser.add_argument("--first-seed", type=int, default=1, help="default: %(default)s")


def seeds_of(args: argparse.Namespace) -> range:
    return range(args.first_seed, args.first_seed + args.seeds)


def write(parts: Iterable[Part], path: Path) -> None:
    """Parts as they come, to standard output and to a file that gets its name with the last one.

    Its name until then is this process's own: two benchmarks of one name may run at once, and the later one's stays.
    """
    unfinished, picture = path.with_name(f"{path.name}.{os.getpid()}.part"), path.with_suffix(".svg")
    with unfinished.open("w", encoding="utf-8") as file:
        for part in parts:
            if isinstance(part, Chart):
                picture.write_text(draw(part), "utf-8")
                part = f"![{part.title}]({picture.name})\n"
            print(part, flush=True)
            print(part, file=file, flush=True)
    unfinished.replace(path)


def note(line: str) -> None:
    """A line on how far a run is."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def positive(text: str) -> int:
    """An option's number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def shown(value: Any) -> str:
    """An option's value for a result; of a path only its last part, as folders are nobody else's."""
    if isinstance(value, (list, tuple)):
        return " ".join(map(shown, value))
    if value is None or value is False:
        return ""
    return Path(str(value)).name if isinstance(value, Path) or "/" in str(value) else str(value)


# The machine


def machine() -> str:
    """Processor, cores, memory, system and Python, as a result names them."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{processor()}, {cores()} cores, {memory:.0f} GiB, {system}"


def machine_label(name: str | None = None, count: int | None = None) -> str:
    """The machine in a file's name: epyc-7763-64core. By default this machine's processor and cores."""
    words = re.sub(r"[^a-z0-9]+", "-", NOISE.sub(" ", name or processor()).lower()).strip("-")
    return f"{words or 'machine'}-{count or cores()}core"


def processor() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        info = []
    names = (line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Rounds and ratios


def take_turns(sides: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """What each side measured in every round.

    Sides take turns within a round, and every other round goes in the opposite order: so a slow spell of the machine
    hits all alike, and none always comes first.
    """
    measured: dict[str, list[T]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            figure = sides[name]()
            measured[name].append(figure)
            note(f"round {turn + 1}, {name}: {significant(figure) if isinstance(figure, float) else figure}")
    return measured


@dataclass(frozen=True)
class Ratio:
    """How many times our figure another side's is, by figures of which smaller ones are better.

    best: of each side's smallest figure over all rounds, as other work on the machine only adds.
    median, low, high: of the ratios of the single rounds.
    """

    best: float
    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.best:.2f}"

    @property
    def by_round(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Both sides' figures, round by round."""
    rounds = [their / our for our, their in zip(ours, theirs, strict=True)]
    return Ratio(min(theirs) / min(ours), median(rounds), min(rounds), max(rounds))


# Tables


T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # Student's t of 95 %, by the number of seeds


def interval(values: Sequence[float]) -> str:
    """Mean ± half of the interval of 95 % over seeds, and the values."""
    if not values:
        return "none"
    listed = ", ".join(f"{value:.3f}" for value in values)
    if len(values) not in T_95:
        return listed
    half = T_95[len(values)] * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.3f} ± {half:.3f} ({listed})"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], texts: int = 1) -> str:
    """A Markdown table; the first `texts` columns are aligned to the left, the others are numbers."""
    rules = ["---"] * texts + ["--:"] * (len(head) - texts)
    return "\n".join("| " + " | ".join(map(cell, row)) + " |" for row in (head, rules, *rows)) + "\n"


def cell(value: object) -> str:
    """A value that stays in its cell, whatever characters a page or a host has in its name."""
    return " ".join(str(value).replace("|", "\\|").replace("<", "&lt;").split())


def significant(value: float) -> str:
    """Three digits that say something: 0.0123, 1.23, 123, 12,345."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def counted(number: int, noun: str) -> str:
    """1 page, 1,994 pages."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def cost_table(
    costs: Mapping[str, Sequence[Cost]], count: int, unit: str, more: Mapping[str, Sequence[object]] | None = None
) -> str:
    """Commands beside each other; the first is ours, with which the others are compared.

    costs: of each command, round by round.
    count: units of work of one run.
    unit: what is counted, in the singular.
    more: further columns by their heading, a cell for each command.
    """
    head = ["", "CPU s", f"CPU ms a {unit}", "CPU ÷ ours", "round by round", "wall s", "peak MiB", "largest processes"]
    ours = [cost.cpu_s for cost in next(iter(costs.values()))]
    rows = []
    for number, (name, rounds) in enumerate(costs.items()):
        theirs, compared = [cost.cpu_s for cost in rounds], ("", "")
        if number:
            relation = ratio(ours, theirs)
            compared = (str(relation), relation.by_round)
        largest = ", ".join(f"{peak:.0f}" for peak in rounds[0].largest()[:3])
        cells = [name, f"{min(theirs):.1f}", significant(min(theirs) / count * 1e3), *compared]
        cells += [
            f"{min(cost.wall_s for cost in rounds):.1f}",
            f"{max(cost.tree_mib for cost in rounds):,.0f}",
            largest,
        ]
        rows.append([*cells, *(column[number] for column in (more or {}).values())])
    return table([*head, *(more or {})], rows)


def rounds_table(costs: Mapping[str, Sequence[Cost]], more: Mapping[str, Sequence[object]] | None = None) -> str:
    """CPU and wall seconds of every round. more: further columns by their heading, a cell for each round."""
    head = ["round", *(f"{name}, {what} s" for what in ("CPU", "wall") for name in costs)]
    rows = []
    for number in range(len(next(iter(costs.values())))):
        cells = [f"{rounds[number].cpu_s:.1f}" for rounds in costs.values()]
        cells += [f"{rounds[number].wall_s:.1f}" for rounds in costs.values()]
        rows.append([str(number + 1), *cells, *(column[number] for column in (more or {}).values())])
    return table([*head, *(more or {})], rows)
