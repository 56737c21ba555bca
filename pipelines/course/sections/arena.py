"""A leaderboard: the course's models answer the same questions, and are rated by who beats whom."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.analysis.arena import rate_scores
from pipelines.course.page import Open, Part, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections import conversations, reinforcement, thinking
from pipelines.course.sections.crawl import NAME as CRAWL
from pipelines.course.sections.pretraining import NAME as PRETRAINING
from pipelines.course.words import Words
from pipelines.reports.model.arena import ArenaReport, render_page
from pipelines.reports.render import write_page
from schemas.manifest import MANIFEST
from schemas.storage import write_whole
from trainer.generate.generator import load_generator
from trainer.post.bench import BenchSettings, measure_bench
from trainer.post.tasks.arithmetic import MULTIPLY_3, SUM_LIST
from trainer.run.job import versions

NAME = "arena"
BASE = "base"
PAGE = "ratings"
TASKS = (MULTIPLY_3.name, SUM_LIST.name)


def measure(work: Work) -> ArenaReport:
    runs = {
        BASE: work.of(PRETRAINING, "model"),
        "sft": work.of(conversations.NAME, conversations.REPLAYED),
        "calculator": work.of(reinforcement.NAME, reinforcement.TUNED),
        "thinker": work.of(thinking.NAME, thinking.TUNED),
    }
    reinforced = work.of(reinforcement.NAME, reinforcement.REINFORCED)
    runs |= {"reinforced": reinforced} if (Path(reinforced) / MANIFEST).exists() else {}  # unless the gate was closed
    settings, files = BenchSettings(tasks=TASKS, questions=work.pace.questions), []
    for number, (name, run) in enumerate(runs.items()):
        work.tell(f"asking {name}", number / len(runs))
        generator = load_generator(run, work.backend)
        scores = measure_bench(generator, conversations.made_by(work), settings, work.of(CRAWL, "shards"))
        files.append(str(work.folder / f"{name}.jsonl"))
        with write_whole(files[-1]) as file:
            file.write("".join(json.dumps(score, ensure_ascii=False) + "\n" for score in scores).encode())
    report = rate_scores(files, BASE, work.pace.seed)
    write_page(work.file(PAGE), render_page(report, versions()))
    return report


def tell(numbers: ArenaReport, words: Words) -> list[Part]:
    heads = tuple(words(NAME, name) for name in ("model", "rating", "interval_title", "right", "battles"))
    rows = tuple(
        (
            words(NAME, one.model),
            words.shown(round(one.rating)),
            words(NAME, "interval", low=round(one.low), high=round(one.high)),
            words.share(one.accuracy),
            words.shown(one.battles),
        )
        for one in numbers.ratings
    )
    task_heads = (words(NAME, "task"), *(words(NAME, one.model) for one in numbers.ratings))
    by_task = tuple((one.task, *(words.share(each.right) for each in one.right)) for one in numbers.tasks)
    seen = [url for one in numbers.tasks for url in one.seen.values()]
    questions = sum(one.questions for one in numbers.tasks)
    found = {"questions": questions, "seen": len(seen), "seen_at": seen[0] if seen else None}
    return [
        Part(
            words(NAME, "table_title"),
            (
                Text(words(NAME, "ratings", questions=questions)),
                Table(words(NAME, "table_title"), heads, rows),
                Open(f"{NAME}/{PAGE}.html", words(NAME, "page"), words(NAME, "page_about")),
                Text(words(NAME, "reading")),
            ),
        ),
        Part(
            words(NAME, "tasks_title"),
            (Table(words(NAME, "tasks_title"), task_heads, by_task), Text(words(NAME, "contamination", **found))),
        ),
    ]


NEEDS = (CRAWL, PRETRAINING, conversations.NAME, thinking.NAME, reinforcement.NAME)
SECTION = Section(NAME, NEEDS, 2.0, ("questions", "seed"), ArenaReport, measure, tell, 0.05)
