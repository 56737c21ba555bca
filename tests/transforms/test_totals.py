"""Records added up: in bounded memory, and where that leaves something out it is known how much."""

from __future__ import annotations

from transforms.totals import GROUP_UNITS, MOST_GROUPS, groups_of


def test_groups_are_few_and_hold_every_unit_once() -> None:
    for count in (1, GROUP_UNITS, GROUP_UNITS + 1, 90_000):
        units = {f"u{number}": number for number in range(count)}
        groups = groups_of(units)
        assert [unit for group in groups for unit in group.units.items()] == list(units.items())
        assert len(groups) <= MOST_GROUPS and len({group.name for group in groups}) == len(groups)
