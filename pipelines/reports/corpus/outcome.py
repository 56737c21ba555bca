"""What a deduplication came to: its lines for a terminal, and its times and rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.engine.run import RunStats
from schemas.wording import plural

if TYPE_CHECKING:
    from pipelines.reports.corpus.report import CorpusReport, Throughput


@dataclass(frozen=True)
class DedupSummary:
    """The result of a run: its report, and what is said of hosts that lost nearly all."""

    output: str
    report: CorpusReport
    emptied_hosts: tuple[str, ...]

    def lines(self) -> list[str]:
        output, counts, pace = self.output, self.report.counts, self.report.throughput
        earlier = counts.removed_earlier
        of_earlier = f", {earlier:,} of these for an earlier corpus" if earlier else ""
        share = counts.kept / counts.read if counts.read else 0.0
        unlike = "" if counts.unlike is None else f"; {counts.unlike:,} like another, but not in it, stay"
        rate = f"{pace.documents_per_s:,.0f} documents/s, {pace.wall_s:.0f} s"
        return [
            f"{plural(counts.read, 'document')} read = {counts.kept:,} kept ({share:.1%}) "
            f"+ {counts.removed_exact:,} exact + {counts.removed_near:,} near duplicates "
            f"in {plural(counts.clusters, 'cluster')}{of_earlier}{unlike}; {rate}",
            *self.emptied_hosts,
            f"dataset {self.report.dataset_hash[:16]}…  data: {output}/data  duplicates: {output}/clusters",
            f"look at {output}/report.html and at the dataset card {output}/README.md",
        ]


def throughput_of(timings: list[dict[str, float]], stats: RunStats, documents: int) -> Throughput:
    """What signing and rewriting the parts took, by their own clocks; the packed shuffles between count in wall_s."""
    from pipelines.reports.corpus.report import Throughput
    from pipelines.reports.records import Phase

    cpu_s = sum(timing["cpu_s"] for timing in timings)
    return Throughput(
        runner=stats.runner,
        workers=stats.workers,
        wall_s=stats.wall_s,
        cpu_s=cpu_s,
        documents_per_s=documents / stats.wall_s if stats.wall_s else 0.0,
        cpu_ms_per_document=1000 * cpu_s / documents if documents else 0.0,
        max_rss_mb=max((timing["max_rss_mb"] for timing in timings), default=0),
        phases=tuple(Phase(*timing) for timing in stats.phases),
    )
