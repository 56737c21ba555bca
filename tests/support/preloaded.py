"""What forked.py's server imports before its first fork, as lightly as the command does.

multiprocessing passes over a module that can't be imported: test_support.py sees to it that this one can.
"""

import os
from importlib import import_module

from tests.support.disk import flushed
from transforms.lean_beam import load_beam
from transforms.steps.text.lean_import import without_frameworks

NAMES = (
    *("apache_beam.runners.portability.fn_api_runner.fn_runner", "apache_beam.runners.worker.sdk_worker_main"),
    *("spacy", "presidio_analyzer.predefined_recognizers", "sentencepiece", "tokenizers", "tiktoken"),
    *("pipelines.cli.app", "pipelines.engine.runner", "pipelines.engine.worker", "pipelines.stages.shard"),
    *("pipelines.stages.dedup.run", "pipelines.reports.curate", "pipelines.reports.corpus"),
    *("transforms.curate", "transforms.dedup.corpus", "transforms.encode", "transforms.steps.pii.recognisers"),
)

os.fsync = flushed  # as in the process that forks
load_beam()
with without_frameworks():
    for name in NAMES:
        import_module(name)
import_module("transforms.steps.text.words").require("en", "pt", "es", "fr", "de")
