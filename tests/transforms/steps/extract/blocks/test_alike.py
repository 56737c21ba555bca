"""What is alike on a page: blocks of the same part of a template, and containers in a list."""

from __future__ import annotations

import numpy as np

from transforms.steps.extract.blocks.alike import Alike, alike_chances, alike_columns
from transforms.steps.extract.blocks.main_text import page_of
from transforms.steps.extract.blocks.shape import Shape

POST = '<div class="post"><div class="name">{}</div><div class="text"><p>{}</p><ul><li>a<li>b<li>c</ul></div></div>'
PAGE = page_of("<h1>Gold</h1>" + "".join(POST.format(name, name * 4) for name in ("Ann", "Ben", "Ann")))
SHAPE = Shape.of(PAGE)
ALIKE = Alike.of(SHAPE)
NAMES, TEXTS, ITEMS = [1, 6, 11], [2, 7, 12], [3, 4, 5, 8, 9, 10, 13, 14, 15]


def test_blocks_of_one_part_have_one_number_that_no_other_part_has() -> None:
    assert [PAGE.texts[number] for number in (*NAMES, *ITEMS[:3])] == ["Ann", "Ben", "Ann", "a", "b", "c"]
    for row in ALIKE.parts:
        groups = [set(row[group].tolist()) for group in ([0], NAMES, TEXTS, ITEMS)]
        assert all(len(group) == 1 for group in groups) and len(set.union(*groups)) == 4
    assert len(set(ALIKE.parts[:, 0].tolist())) == 3


def test_the_order_of_containers_is_told_apart() -> None:
    ways = ("a b c d", "a c b d", "b a c d", "a b d c")
    page = page_of("".join("".join(f"<div class={name}>" for name in way.split()) + "x" + "</div>" * 4 for way in ways))
    parts = Alike.of(Shape.of(page)).parts
    assert [len(set(row.tolist())) for row in parts] == [3, 4, 4]


def test_records_are_the_outermost_and_innermost_of_three_side_by_side() -> None:
    outer, inner = ALIKE.record
    assert outer[0] == inner[0] == 0
    for record, group in zip(sorted(set(outer[1:].tolist())), np.arange(1, 16).reshape(3, 5), strict=True):
        assert PAGE.infos[record].sign == "div post" and (outer[group] == record).all()
    assert {PAGE.infos[node].sign for node in inner[ITEMS]} == {"li "} and (inner[NAMES] == outer[NAMES]).all()


def test_their_amounts_are_added_up() -> None:
    text = np.array([PAGE.texts.index(each) for each in PAGE.texts])
    columns = alike_columns(SHAPE, ALIKE, text, SHAPE.size, int(SHAPE.size.sum()))
    assert [columns["part_count_4"][number] for number in (0, 1, 2, 3)] == [1, 3, 3, 9]
    assert [columns["part_distinct_8"][number] for number in (0, 1, 2, 3)] == [1000, 666, 666, 333]
    assert [columns["outer_records"][number] for number in (0, 1, 3)] == [1, 3, 3]
    assert [columns["inner_mean"][number] for number in (1, 3)] == [3 + 12 + 3, 1]
    assert [columns["outer_largest"][number] for number in (1, 3)] == [333, 333]


def test_chances_are_means_by_size() -> None:
    chance = np.zeros(16, np.int64)
    chance[[1, 2, 4, 7]] = 300, 900, 600, 900
    columns = alike_chances(SHAPE, ALIKE, np.stack([SHAPE.size, SHAPE.size * chance]))
    assert [columns["chance_part_2"][number] for number in (0, 1, 2, 3)] == [0, 100, 600, 66]
    assert [columns["chance_outer"][number] for number in (1, 6, 11)] == [(900 + 10800 + 600) // 18, 10800 // 18, 0]
    assert columns["chance_list_outer"][1] == (900 + 10800 + 600 + 10800) // 54
