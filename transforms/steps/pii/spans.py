"""Ranges of a text and finds in it: windows around candidates, finds over each other, finds of several rounds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

from transforms.steps.pii.entities import Span

ENDLESS = 4_000  # characters of a window that is worth looking at in parts
AROUND = 120  # characters beside a candidate that recognisers and context see

Range = tuple[int, int]  # start and end, characters of a text


def windows(ranges: Iterable[Range], length: int, first: int = 0, around: int = AROUND) -> Iterator[Range]:
    """Ranges with some text around, from `first` to `length`, those that touch as one, so no stretch is read twice."""
    held: Range | None = None
    for start, end in ranges:
        start, end = max(start - around, first), min(end + around, length)
        if held is not None and start <= held[1]:
            held = (held[0], end)
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def touched(seen: Iterable[Range], changed: list[Range]) -> Iterator[Range]:
    """The windows in which something changed; of an endless one the parts around what did."""
    for start, end in seen:
        inside = touching(changed, start, end)
        if end - start > ENDLESS:
            yield from windows(inside, end, start, ENDLESS // 2)
        elif inside:
            yield start, end


def touching(ranges: list[Range], start: int, end: int) -> list[Range]:
    """Those of ranges, which are in order and apart, that touch text[start:end]."""
    first = bisect_left(ranges, start, key=lambda item: item[1])
    return ranges[first : bisect_right(ranges, end, lo=first, key=lambda item: item[0])]


def apart(spans: set[Span]) -> list[Span]:
    """Of spans over each other the surest stays, then the longest, then the first by start and type."""
    ordered = sorted(spans)
    if all(item.end <= following.start for item, following in pairwise(ordered)):
        return ordered
    chosen: list[Span] = []
    taken = bytearray(max((item.end for item in spans), default=0))  # a byte a character: time is linear in the spans
    for item in sorted(spans, key=lambda item: (-item.score, item.start - item.end, item.start, item.type)):
        if taken.find(1, item.start, item.end) < 0:
            chosen.append(item)
            taken[item.start : item.end] = b"\1" * (item.end - item.start)
    return sorted(chosen, key=lambda item: item.start)


def joined(spans: list[Span], replacements: list[Range], more: list[Span]) -> list[Span]:
    """Spans of a text with further ones of the same text in which the first were replaced, all of the text before.

    A further span that reaches into a replacement takes all that the replacement stands for.

    spans, more: in order and apart
    replacements: where each of `spans` was replaced, in the text in which `more` were found
    """
    starts, ends = [start for start, _ in replacements], [end for _, end in replacements]
    shifts = [0, *(item.end - end for item, end in zip(spans, ends, strict=True))]
    moved, taken = [], set()
    for item in more:
        first, last = bisect_right(ends, item.start), bisect_left(starts, item.end)  # replacements that it reaches
        start, end = item.start + shifts[first], item.end + shifts[last]
        if first < last:
            taken.update(range(first, last))
            start = spans[first].start if starts[first] <= item.start else start
            end = spans[last - 1].end if item.end <= ends[last - 1] else end
        moved.append(item._replace(start=start, end=end))
    kept = [item for index, item in enumerate(spans) if index not in taken]
    return apart({*kept, *moved})  # two may have reached into the same replacement
