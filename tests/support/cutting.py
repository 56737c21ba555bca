"""Power cuts, faults and signals of a stage's run, and what its command makes of what they leave."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from support.command import Ended
from support.failing import CODES, Faults, failing
from support.forked import Signalled, run_forked
from support.outputs import strays
from support.power import cuts, disk_of, kind_of, put, watched
from support.processes import MARK, family, is_gone, mark_of
from support.stages import Small, is_whole, result_of, told

FINISHED = "is finished; "  # what a command says where nothing is left to do
EVENTS = {"curate": 40, "dedup": 90, "shard": 100, "tokenizer": 25, "train": 50}  # about: flushes and renamings
ENDS = {  # a training has its own way
    signal.SIGINT: {130},
    signal.SIGTERM: {130, 0, -signal.SIGTERM},
    signal.SIGKILL: {-signal.SIGKILL},
}


@dataclass
class Cuts:
    """What became of a stage's power cuts.

    operations: of the log; disks: that cuts have left; kinds: of these that differ in what a run reads.
    same: kinds from which the command came to the undisturbed bytes; refused: by what it said instead.
    failed: what went wrong, in a line each.
    """

    operations: int = 0
    disks: int = 0
    kinds: int = 0
    same: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def shown(self, stage: str) -> str:
        tried = self.same + self.refused.total() + len(self.failed)
        return (
            f"{stage}: {self.operations} operations, {self.disks} cuts, {self.kinds} kinds of folders left, {tried} "
            f"gone on from: {self.same} to the same bytes, {self.refused.total()} refused, {len(self.failed)} wrong"
        )


def cut_everywhere(small: Small, stage: str, folder: Path, reorderings: int, most: int | None, seed: int) -> Cuts:
    """Log a run of a stage, cut its power, and repeat the command on each kind of folder that is left.

    most: kinds to try, drawn by the seed; None for all.
    """
    output = folder / stage
    shutil.rmtree(output, ignore_errors=True)
    with watched(output) as log:
        ended = small.run(stage, output)
    assert ended.returncode == 0, ended.stderr
    calm, left = result_of(stage, output), disk_of(output)
    found = Cuts(len(log.ops))
    disks = {}
    for disk in cuts(log, reorderings, seed):
        found.disks += 1
        disks.setdefault(kind_of(disk), disk)
    assert kind_of(left) in disks, "the log misses something that was done"
    found.kinds = len(disks)
    chosen = list(disks.values())
    if most is not None and most < len(chosen):
        chosen = random.Random(seed).sample(chosen, most)
    for disk in chosen:
        put(disk, output)
        ended = small.run(stage, output)
        if (ended.returncode == 0 or FINISHED in ended.stderr) and is_whole(stage, output, calm):
            found.same += 1
        elif is_refusal(ended):
            found.refused[told(ended)[0].replace(str(output), "OUTPUT")] += 1
        else:
            now = result_of(stage, output) if (output / "manifest.json").exists() else {}
            differing = sorted(path for path in {*calm, *now} if calm.get(path) != now.get(path))
            beside = [str(path.relative_to(output)) for path in strays(output)]
            found.failed.append(f"{stage}: {ended.returncode}, {ended.stderr[-1500:]!r}, {differing[:5]}, {beside[:5]}")
    return found


def is_refusal(ended: Ended) -> bool:
    """Whether a command ended with one message; one that calls another output finished than the calm one is wrong."""
    lines = told(ended)
    return (
        ended.returncode in (1, 2) and len(lines) == 1 and lines[0].startswith("bateia: ") and FINISHED not in lines[0]
    )


@dataclass
class Failures:
    """What became of a stage's faults.

    asked: how many things the run asks of the file system, by kind.
    tried: how many of them failed; passed: of these, those without which the run came to its end.
    said: what the command said of the others; wrong: what went wrong, in a line each.
    """

    asked: Counter[str] = field(default_factory=Counter)
    tried: int = 0
    passed: int = 0
    said: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def shown(self, stage: str) -> str:
        asked = ", ".join(f"{number} {kind}" for kind, number in sorted(self.asked.items()))
        said = "".join(f"\n  {number:3} x {text}" for text, number in self.said.most_common())
        return (
            f"{stage}: {self.asked.total()} asked for ({asked}); {self.tried} failed, {self.passed} of them without "
            f"harm, {self.said.total()} told, {len(self.wrong)} wrong{said}"
        )


def fail_everywhere(small: Small, stage: str, folder: Path, most: int | None, seed: int) -> Failures:
    """Run a stage with one thing failing, each in turn, and then once more without.

    most: things to try, drawn by the seed; None for all.
    """
    output, found, known = folder / stage, Failures(), set[str]()
    roots = (output, small.folder)

    def run(faults: Faults) -> Ended:
        shutil.rmtree(output, ignore_errors=True)
        with failing(faults):
            return small.run(stage, output)

    ended = run(calm_faults := Faults(roots, -1, 0))
    assert ended.returncode == 0, ended.stderr
    calm, found.asked = result_of(stage, output), calm_faults.seen
    numbers, dice = list(range(found.asked.total())), random.Random(seed)
    for number in sorted(numbers if most is None else dice.sample(numbers, min(most, len(numbers)))):
        code = dice.choice(CODES)
        ended = run(faults := Faults(roots, number, code, lasting=code == errno.ENOSPC))
        if faults.failed is None:  # a heartbeat less
            continue
        found.tried += 1
        what = f"{stage}, {number}: {faults.failed.replace(str(folder), '')}, {errno.errorcode[code]}"
        if ended.returncode == 0:
            found.passed += 1
            if not is_whole(stage, output, calm):
                found.wrong.append(f"{what}: exit code 0, and another output; {ended.stderr[-500:]!r}")
            continue
        lines = told(ended)
        found.said[shape_of(lines, ended.returncode, output, small.folder)] += 1
        if ended.returncode not in (1, 2) or not 1 <= len(lines) <= 2 or "Traceback" in ended.stderr:
            found.wrong.append(f"{what}: exit code {ended.returncode}, {ended.stderr[-1500:]!r}")
        if not all(line.startswith("bateia: ") for line in lines):
            found.wrong.append(f"{what}: {lines}")
        if (kind := kind_of(disk_of(output))) not in known:
            known.add(kind)
            ended = small.run(stage, output)
            if not ((ended.returncode == 0 or FINISHED in ended.stderr) and is_whole(stage, output, calm)):
                found.wrong.append(f"{what}: and then exit code {ended.returncode}, {ended.stderr[-1500:]!r}")
    return found


def shape_of(lines: list[str], code: int, *folders: Path) -> str:
    """What a command said, without names of files."""
    text = " | ".join(lines)
    for folder in folders:
        text = re.sub(re.escape(str(folder)) + r"[^\s,:;')]*", "PATH", text)
    return f"{code}: {re.sub(r'[0-9]+', 'N', text)}"


@dataclass
class Stops:
    """What became of a stage's signals.

    ends: runs by their exit code; whole: of them, those after which the output was finished.
    wrong: what went wrong, in a line each.
    """

    ends: Counter[int] = field(default_factory=Counter)
    whole: int = 0
    wrong: list[str] = field(default_factory=list)

    def shown(self, stage: str, number: signal.Signals) -> str:
        ends = ", ".join(f"{code}: {times}" for code, times in sorted(self.ends.items()))
        return (
            f"{stage}: {number.name} {self.ends.total()} times, {self.whole} had finished, exit codes {{{ends}}}; "
            f"{len(self.wrong)} wrong"
        )


def stop_anywhere(small: Small, stage: str, number: signal.Signals, folder: Path, times: int) -> Stops:
    """Send a signal to a stage's run at moments that the seeds from 0 on draw, and repeat the command after each."""
    output, found, mark = folder / "o", Stops(), mark_of(f"stopped-{stage}-{number}")
    shutil.rmtree(output, ignore_errors=True)
    ended = small.run(stage, output)
    assert ended.returncode == 0, ended.stderr
    calm = result_of(stage, output)
    for seed in range(times):
        dice = random.Random(seed)
        shutil.rmtree(output)
        sent = Signalled(number, dice.randrange(EVENTS[stage]), dice.uniform(0, 0.05))
        with mock.patch.dict(os.environ, {MARK: mark}):
            ended = run_forked(*small.command(stage, output), log=folder / "log", killing=sent)
        found.ends[ended.returncode] += 1
        found.whole += (output / "manifest.json").exists()
        faults = [] if is_gone(mark) else [f"left behind: {family(mark)}"]
        faults += faults_of(ended, number, (output / "manifest.json").exists())
        again = small.run(stage, output)
        if again.returncode != 0 and FINISHED not in again.stderr:
            faults.append(f"then exit code {again.returncode}: {again.stderr[-1500:]!r}")
        elif not is_whole(stage, output, calm):
            faults.append("then other bytes")
        found.wrong += [f"{stage}, {number.name}, seed {seed}: {fault}" for fault in faults]
    return found


def faults_of(ended: Ended, number: signal.Signals, finished: bool) -> list[str]:
    """What is wrong with the end of a run that a signal was sent to."""
    told_all = f"exit code {ended.returncode}, {ended.stderr[-1500:]!r}"
    if "Traceback" in ended.stderr or ended.returncode not in ({0, *ENDS[number]} if finished else ENDS[number]):
        return [told_all]
    lines = [line for line in told(ended) if "stopping when the step under way" not in line]
    good = len(lines) == (ended.returncode >= 0) and all("stopped" in line for line in lines)
    return [] if finished or good else [told_all]
