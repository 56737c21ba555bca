"""The benchmarks' frame: ratios and medians, the machine's name, options, what is written where, and absent peers."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.harness import (
    RESULTS,
    Benchmark,
    Part,
    Ratio,
    cost_table,
    counted,
    machine,
    machine_label,
    positive,
    ratio,
    rounds_table,
    shown,
    significant,
    table,
    take_turns,
)
from benchmarks.peers.installed import Peer, PeerAbsent
from benchmarks.plot import Chart, draw
from benchmarks.process_cost import Cost

# Numbers


def test_ratio_of_the_best_rounds_and_of_each_round() -> None:
    assert ratio([10, 8, 20], [20, 24, 30]) == Ratio(best=20 / 8, median=2.0, low=1.5, high=3.0)
    assert ratio([1, 2], [3, 4]).median == 2.5  # between the two in the middle
    assert str(ratio([2], [3])) == "1.50" and ratio([2], [3]).by_round == "1.50 (1.50 to 1.50)"


def test_ratio_needs_both_sides_of_every_round() -> None:
    with pytest.raises(ValueError):
        ratio([1, 2], [3])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.01234, "0.0123"), (1.2345, "1.23"), (99.96, "100"), (123.4, "123"), (12345.6, "12,346"), (-4567, "-4,567")],
)
def test_three_significant_digits(value: float, expected: str) -> None:
    assert significant(value) == expected


def test_one_has_no_plural() -> None:
    assert [counted(number, "page") for number in (0, 1, 1994)] == ["0 pages", "1 page", "1,994 pages"]


def test_sides_take_turns_in_the_opposite_order() -> None:
    order: list[str] = []

    def side(name: str) -> int:
        order.append(name)
        return len(order)

    measured = take_turns({name: lambda name=name: side(name) for name in "abc"}, 3)
    assert "".join(order) == "abccbaabc"
    assert measured == {"a": [1, 6, 7], "b": [2, 5, 8], "c": [3, 4, 9]}


# Tables


def rows_of(markdown: str) -> list[list[str]]:
    return [line[2:-2].split(" | ") for line in markdown.splitlines()]


def test_costs_are_compared_with_the_first_command() -> None:
    costs = {
        "ours": [Cost(12, 14, {1: 100, 2: 300, 3: 2}, 350), Cost(10, 15, {}, 340)],
        "peer": [Cost(15, 18, {4: 200}, 190), Cost(20, 16, {}, 210)],
    }
    head, _, ours, peer = rows_of(cost_table(costs, 1000, "page", {"kept": [7, 8]}))
    assert dict(zip(head, ours, strict=True)) == {
        "": "ours",
        "CPU s": "10.0",
        "CPU ms a page": "10",
        "CPU ÷ ours": "",
        "round by round": "",
        "wall s": "14.0",
        "peak MiB": "350",
        "largest processes": "300, 100",
        "kept": "7",
    }
    assert peer == ["peer", "15.0", "15", "1.50", "1.62 (1.25 to 2.00)", "16.0", "210", "200", "8"]


def test_every_round_has_a_row() -> None:
    costs = {"ours": [Cost(1, 2), Cost(3, 4)], "peer": [Cost(5, 6), Cost(7, 8)]}
    head, _, first, second = rows_of(rounds_table(costs, {"timeouts": [0, 9]}))
    assert head == ["round", "ours, CPU s", "peer, CPU s", "ours, wall s", "peer, wall s", "timeouts"]
    assert first == ["1", "1.0", "5.0", "2.0", "6.0", "0"] and second == ["2", "3.0", "7.0", "4.0", "8.0", "9"]


def test_numbers_are_aligned_to_the_right() -> None:
    assert table(["a", "b", "c"], [["x", "y", 1]], texts=2).splitlines()[1] == "| --- | --- | --: |"


@pytest.mark.parametrize("hostile", ["a|b", "a\n| b", "<script>alert(1)</script>", "\r\n\r\n# heading"])
def test_a_cell_cannot_leave_its_place(hostile: str) -> None:
    markdown = table(["host"], [[hostile]])
    assert len(markdown.splitlines()) == 3 and "<" not in markdown
    assert re.search(r"[^\\]\|", markdown.splitlines()[2].strip("|")) is None


# The machine


def test_machine_line() -> None:
    line = machine()
    assert re.search(r", \d+ cores, \d+ GiB, ", line)
    assert line.endswith(f"Python {platform.python_version()}")


@pytest.mark.parametrize(
    ("name", "cores", "label"),
    [
        ("AMD EPYC", 2, "epyc-2core"),
        ("AMD EPYC 7763 64-Core Processor", 128, "epyc-7763-128core"),
        ("Intel(R) Xeon(R) Platinum 8488C CPU @ 2.40GHz", 4, "xeon-platinum-8488c-4core"),
        ("Apple M3 Pro", 12, "apple-m3-pro-12core"),
        ("../../etc", 1, "etc-1core"),
        ("AMD", 1, "machine-1core"),
    ],
)
def test_machine_in_a_file_name(name: str, cores: int, label: str) -> None:
    assert machine_label(name, cores) == label


# The frame


def never(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    raise AssertionError("it is not to run")
    yield ""


def pages(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pages", type=positive, default=1000)
    parser.add_argument("--corpus", type=Path)


def benchmark(measure=never, **settings) -> Benchmark:
    return Benchmark(__file__, "A title", "What it asks.", measure, pages, rounds=3, quick={"pages": 5}, **settings)


def test_quick_sets_what_is_not_given() -> None:
    parse = benchmark().parse
    assert [(args.pages, args.rounds) for args in (parse([]), parse(["--quick"]))] == [(1000, 3), (5, 1)]
    assert parse(["--quick", "--pages", "9", "--rounds", "2"]).pages == 9


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_numbers_begin_at_one(number: str) -> None:
    with pytest.raises(SystemExit):
        benchmark().parse(["--rounds", number])


def test_a_result_is_named_by_benchmark_machine_and_date(tmp_path: Path) -> None:
    name = f"test_harness_{machine_label()}_{date.today()}.md"
    assert benchmark().parse([]).out is None
    assert benchmark().parse(["--out"]).out == RESULTS / name
    assert benchmark().parse(["--out", str(tmp_path)]).out == tmp_path / name
    assert benchmark().parse(["--out", str(tmp_path / "x.md")]).out == tmp_path / "x.md"


def test_a_result_is_not_overwritten_by_the_next_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark(measured).main(["--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        benchmark(measured).main(["--out", str(tmp_path)])
    assert ended.value.code == 2 and "is there already" in capsys.readouterr().err


def test_a_run_that_fails_leaves_no_result(tmp_path: Path) -> None:
    def failing(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
        yield "The first part.\n"
        raise RuntimeError("the peer ended")

    with pytest.raises(RuntimeError, match="the peer ended"):
        benchmark(failing).main(["--out", str(tmp_path / "r.md")])
    [unfinished] = tmp_path.iterdir()
    assert unfinished.name == f"r.md.{os.getpid()}.part"
    assert unfinished.read_text().endswith("The first part.\n\n")


def test_a_quick_run_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        benchmark().parse(["--quick", "--out"])
    assert ended.value.code == 2 and "--quick run is no result" in capsys.readouterr().err


def measured(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    assert scratch.is_dir() and not list(scratch.iterdir())
    yield f"{args.pages} pages\n"
    yield Chart("A chart", "x", "y", {"line": [(0, 1), (1, 2)]})
    yield "The end.\n"


def test_result_and_chart_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark(measured, packages=("numpy",)).main(
        ["--quick", "--corpus", "/a/b/crawl", "--out", str(tmp_path / "r.md")]
    )
    result = (tmp_path / "r.md").read_text()
    assert capsys.readouterr().out.split() == result.split()
    assert result.startswith(f"# A title, {date.today()}\n\n{machine()}; load ")
    assert re.search(r"Ours: bateia \S+, numpy \S+\.\n", result)
    assert "Options: pages 5, corpus crawl, rounds 1.\n" in result and "numbers mean nothing" in result
    assert result.endswith("5 pages\n\n![A chart](r.svg)\n\nThe end.\n\n")
    assert ElementTree.fromstring((tmp_path / "r.svg").read_text()).tag.endswith("svg")


def test_without_a_file_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark(measured).main(["--scratch", str(tmp_path)])
    assert "1000 pages" in capsys.readouterr().out and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(Path("/home/somebody/corpus"), "corpus"), ("recipes/mine.py:NAME", "mine.py:NAME"), (1.5, "1.5")],
        *[(["en", "pt"], "en pt"), (None, ""), (False, ""), (True, "True")],
    ],
)
def test_options_in_a_result_name_no_folders(value: object, expected: str) -> None:
    assert shown(value) == expected


# Peers

PEER = Peer("Some Peer", "peer", "SOME_PEER_PYTHON", ("pip install some-peer",), ("pytest",))


def test_an_absent_peer_ends_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SOME_PEER_PYTHON", raising=False)
    with pytest.raises(SystemExit) as ended:
        benchmark(peers=(PEER,)).main([])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "Some Peer is needed: give --peer PYTHON or set SOME_PEER_PYTHON." in told
    assert "    pip install some-peer\n" in told and "Traceback" not in told


def test_an_optional_peer_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_PEER_PYTHON", raising=False)
    assert benchmark(optional_peers=(PEER,)).parse([]).peer is None


def test_a_peer_is_found_by_option_and_by_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_PEER_PYTHON", sys.executable)
    args = benchmark(peers=(PEER,)).parse([])
    assert args.peer == Path(sys.executable)  # the link in a virtual environment, not what it leads to
    assert f"Peers: pytest {pytest.__version__}." in benchmark(peers=(PEER,)).heading(args)
    with pytest.raises(PeerAbsent, match="is not at"):
        benchmark(peers=(PEER,)).parse(["--peer", str(tmp_path / "python")])


def test_a_peer_that_is_not_installed_there() -> None:
    with pytest.raises(PeerAbsent, match="has no Nothing"):
        Peer("Nothing", "nothing", "NOTHING", (), ("no-such-distribution",)).find(Path(sys.executable))
    with pytest.raises(PeerAbsent, match="has no Nothing"):
        Peer("Nothing", "nothing", "NOTHING", ()).find(Path(sys.executable))  # a checkout: no folder of git


# Charts


def test_points_lie_inside_the_axes_and_names_are_escaped() -> None:
    band = ([(0, 0), (1, 0)], [(0, 4), (1, 9)])
    chart = Chart("<b>&", 'x"', "y", {"a<b": [(0, -5), (1, 10)]}, {"seen": [(0.5, 3)]}, band)
    root = ElementTree.fromstring(draw(chart))
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    marks = [(float(mark.attrib["cx"]), float(mark.attrib["cy"])) for mark in root.iter() if "cx" in mark.attrib]
    shapes = [shape.attrib["points"] for shape in root.iter() if "points" in shape.attrib]
    marks += [(float(x), float(y)) for shape in shapes for x, y in (pair.split(",") for pair in shape.split())]
    assert len(marks) == 1 + 4 + 2
    assert all(0 <= x <= width and 0 <= y <= height for x, y in marks)
    assert {"a<b", "seen", 'x"'} <= {text.text for text in root.iter() if text.tag.endswith("text")}


def test_a_chart_of_one_value() -> None:
    drawn = draw(Chart("t", "x", "y", {"flat": [(3, 7), (3, 7)]}, from_zero=False))
    assert len(list(ElementTree.fromstring(drawn).iter())) > 5
    assert not re.search(r"\b(nan|inf)\b", drawn), "an empty range was divided by"
