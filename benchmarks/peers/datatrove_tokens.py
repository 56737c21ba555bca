"""datatrove's DocumentTokenizer over Parquet files, run by the interpreter that datatrove is installed in.

VENV/bin/python benchmarks/peers/datatrove_tokens.py --input DIR --tokenizer tokenizer.json --output DIR
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import argparse

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.tokens import DocumentTokenizer


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("input", "tokenizer", "output"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    tokens = DocumentTokenizer(
        args.output, tokenizer_name_or_path=args.tokenizer, eos_token="</s>", shuffle_documents=False
    )
    steps = [ParquetReader(args.input, glob_pattern="**/*.parquet"), tokens]
    LocalPipelineExecutor(pipeline=steps, tasks=1, workers=1, logging_dir=f"{args.output}/logs").run()


if __name__ == "__main__":
    main()
