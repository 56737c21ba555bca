"""Units over workers that dawdle, vanish and are refused by a store, second by second; no clock, no threads.

Workers take units in the order of the plan, as Beam's runners and tasks of an array do. A worker that is lost loses
what it did of its unit, which another begins anew; a request that is refused (503) is asked again after a pause that
doubles.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

MAX_PAUSE_S = 60.0  # between two tries of a request
BUCKETS = 3600.0


@dataclass(frozen=True)
class Weather:
    """What goes wrong.

    stragglers: share of units that take `slower` times as long: a busy neighbour, a page that costs seconds.
    losses_per_hour: of one worker; a new one begins after `begin_s`.
    refused: share of requests that are answered by 503; each is tried again after pause_s, doubled each time.
    """

    stragglers: float = 0.0
    slower: float = 5.0
    losses_per_hour: float = 0.0
    refused: float = 0.0
    pause_s: float = 1.0


CALM = Weather()


@dataclass
class Outcome:
    """What a run came to.

    wall_s: from the first worker's begin to the last unit's end.
    busy_s: of all workers together, beginning and lost work with it.
    lost_s: work that was done twice.
    waited_s: for requests that were refused.
    """

    wall_s: float = 0.0
    busy_s: float = 0.0
    lost_s: float = 0.0
    waited_s: float = 0.0
    losses: int = 0
    ends: list[float] = field(default_factory=list)


def simulate(
    costs_s: Sequence[float], workers: int, begin_s: float, requests: int = 0, weather: Weather = CALM, seed: int = 1
) -> Outcome:
    """A run of units that take so many seconds each. begin_s: until a worker does its first. requests: of a unit."""
    draw, outcome = Random(seed), Outcome()
    free = [(begin_s, number) for number in range(workers)]
    outcome.busy_s = begin_s * workers
    heapq.heapify(free)
    for cost in costs_s:
        work = cost * (weather.slower if draw.random() < weather.stragglers else 1.0)
        waits = waited_for(requests, weather, draw)
        while True:
            now, number = heapq.heappop(free)
            took = work + waits
            lost_after = draw.expovariate(weather.losses_per_hour / BUCKETS) if weather.losses_per_hour else took
            if lost_after >= took:
                break
            outcome.losses += 1
            outcome.lost_s += lost_after
            outcome.busy_s += lost_after + begin_s
            heapq.heappush(free, (now + lost_after + begin_s, number))
        outcome.busy_s += took
        outcome.waited_s += waits
        outcome.ends.append(now + took)
        heapq.heappush(free, (now + took, number))
    outcome.wall_s = max(outcome.ends, default=0.0)
    return outcome


def waited_for(requests: int, weather: Weather, draw: Random) -> float:
    """Seconds that a unit's requests wait, one after the other."""
    waited = 0.0
    for _ in range(requests if weather.refused else 0):
        pause = weather.pause_s
        while draw.random() < weather.refused:
            waited += pause
            pause = min(2 * pause, MAX_PAUSE_S)
    return waited
