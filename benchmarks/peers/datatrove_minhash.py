"""datatrove's four MinHash stages on Parquet files, run by the interpreter that datatrove is installed in.

    VENV/bin/python benchmarks/peers/datatrove_minhash.py --input DIR --output DIR

The stages are those of datatrove's examples/minhash_deduplication.py at 0.10.1 with FineWeb's settings: 14 buckets of 8
hashes of 64 bits over 5-grams. One task, one worker. Writes the documents kept to DIR/kept/ and {"id", "cluster"} of
each document of a cluster to DIR/clusters.jsonl.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import argparse
import json
import struct
from pathlib import Path

import pyarrow.parquet as pq
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.typeshelper import Languages


def stages(source: Path, output: Path) -> list[LocalPipelineExecutor]:
    """Signatures, buckets, clusters and filter with FineWeb's 14 buckets of 8 hashes over 5-grams."""
    config = MinhashConfig(hash_config=HashConfig(precision=64), n_grams=5, num_buckets=14, hashes_per_bucket=8)
    signatures, buckets, removed = (str(output / name) for name in ("signatures", "buckets", "removed"))

    def executor(name: str, tasks: int, *steps: object) -> LocalPipelineExecutor:
        return LocalPipelineExecutor(list(steps), tasks=tasks, workers=1, logging_dir=str(output / "logs" / name))

    def reader() -> ParquetReader:
        return ParquetReader(str(source), glob_pattern="**/*.parquet")

    return [
        executor("1", 1, reader(), MinhashDedupSignature(signatures, config=config, language=Languages.english)),
        executor("2", config.num_buckets, MinhashDedupBuckets(signatures, buckets, config=config)),
        executor("3", 1, MinhashDedupCluster(buckets, removed, config=config, save_cluster_id=True)),
        executor("4", 1, reader(), MinhashDedupFilter(removed), ParquetWriter(str(output / "kept"))),
    ]


def clusters(source: Path, output: Path) -> list[dict[str, object]]:
    """Documents by their number in the order in which the reader reads."""
    ids = [
        name for path in sorted(source.rglob("*.parquet")) for name in pq.ParquetFile(path).read(["id"])[0].to_pylist()
    ]
    data = (output / "removed" / "000000.clusters").read_bytes()
    return [{"id": ids[document], "cluster": cluster} for document, cluster in struct.iter_unpack("<2I", data)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path)
    args = parser.parse_args()
    args.output.mkdir(parents=True)
    for stage in stages(args.input, args.output):
        stage.run()
    rows = clusters(args.input, args.output)
    (args.output / "clusters.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
