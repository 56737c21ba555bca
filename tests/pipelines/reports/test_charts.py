"""Charts: their proportions, their scales, and that labels stay labels."""

from __future__ import annotations

import math

import pytest

from pipelines.reports.charts import Bin, SplitBin, bar, grid_step, histogram, line_chart, log_histogram, spread, strip
from support.pages import Strict

HOSTILE = "</title><script>alert(1)</script>\"'>\u202e{}"
READS = HOSTILE.replace("\u202e", "⟨U+202E⟩")


def test_bar_parts_are_in_proportion() -> None:
    drawn = bar([("kept", 25), ("dropped", 50)], 100, 'a "quoted" label')
    assert '<rect class="kept" x="0.00" width="25.00"' in drawn
    assert '<rect class="dropped" x="25.00" width="50.00"' in drawn
    assert "a &#34;quoted&#34; label" in drawn


def test_histogram_uses_one_scale_for_both_sides() -> None:
    drawn = histogram([SplitBin(0, 128, 30, 100)], height=260)
    assert 'style="height:60px"' in drawn and 'style="height:200px"' in drawn
    assert "0 to 127 characters: 30 kept" in drawn and "0 to 127 characters: 100 dropped" in drawn


@pytest.mark.parametrize(("whole", "step"), [(1, 1), (3, 1), (40, 5), (400, 50), (10**10, 2 * 10**9)])
def test_grid_steps_are_round(whole: int, step: int) -> None:
    assert grid_step(whole) == step


def test_one_cluster_has_a_column_and_a_million_fits() -> None:
    drawn = log_histogram([Bin(1 << n, 2 << n, kept) for n, kept in enumerate((1_000_000, 0, 1, 10), 1)])
    assert [f'height="{tall:.2f}"' in drawn for tall in (100, 0, 100 / 7, 200 / 7)] == [True] * 4
    assert "2 to 3 documents: 1,000,000 clusters" in drawn
    assert ">1M<" in drawn and ">10M<" not in drawn


def test_lines_share_their_axes_and_have_a_legend() -> None:
    drawn = line_chart("Loss", [("one", [(0, 4.0), (10, 2.0)]), ("other", [(10, 3.0)])])
    assert drawn.count("<polyline") == 2 and drawn.count('class="key"') == 2
    assert "step 10" in drawn and 'aria-label="Loss"' in drawn
    assert 'class="key"' not in line_chart("Loss", [("one", [(0, 4.0), (10, 2.0)])])


@pytest.mark.parametrize("points", [[], [(0, math.nan), (1, math.inf)]])
def test_what_was_not_measured_has_no_line(points: list[tuple[float, float]]) -> None:
    assert "Nothing was measured." in line_chart("Loss", [("one", points)])


def test_what_was_not_measured_has_no_spread() -> None:
    assert spread(None, 1, 2) == spread(0, math.nan, 2) == spread(0, 0, 0) == ""


def test_labels_are_no_markup() -> None:
    lines = [(HOSTILE, [(0.0, 1.0), (3.0, 2.0)]), ("b", [(1.0, 1.0)])]
    drawn = [
        bar([("kept", 1)], 2, HOSTILE),
        strip([("kept", 1, HOSTILE)], 2),
        line_chart(HOSTILE, lines, end=lambda last: HOSTILE),
        histogram([SplitBin(1, 2, 3, 4)], kept=HOSTILE, lost=HOSTILE, unit=HOSTILE),
    ]
    for chart in drawn:
        assert READS in Strict(str(chart)).seen and "\u202e" not in chart
