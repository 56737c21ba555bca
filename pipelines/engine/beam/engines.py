"""`--engine`: an engine by its short name, as the options for Beam that it needs. What is given after `--` wins."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from pipelines.engine.children import module_path
from schemas.faults import BadInput

PASSED_ON = ("BATEIA_ASSETS", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_PROFILE")  # no secrets: options are shown
LOCAL, PORTABLE = "local", "PortableRunner"
FLINK_JAR = "BATEIA_FLINK_JAR"  # path of the runner's jar, as `make -C deploy/flink` builds it or Beam publishes it
BOOT = Path(__file__).with_name("boot.py")  # what TaskManagers start as a worker
RUN_PRISM = Path(__file__).with_name("run_prism.py")


def local() -> list[str]:
    return []


def portable() -> list[str]:
    return [f"--runner={PORTABLE}"]


def prism() -> list[str]:
    """Beam's small portable runner in Go. Raises BadInput if it is not installed: Beam would download it unasked."""
    if shutil.which("prism") is None:
        how = f"go install github.com/apache/beam/sdks/v2/go/cmd/prism@v{version('apache-beam')}"
        raise BadInput(f"--engine prism: no program `prism` is on the path; `{how}` builds it")
    own = ("--runner=PrismRunner", f"--prism_location={RUN_PRISM}", "--prism_log_level=error")
    return [*own, "--environment_type=LOOPBACK"]


def flink() -> list[str]:
    """A cluster without a job server: Beam packs the pipeline into a copy of the runner's jar and submits that.

    TaskManagers start worker processes themselves: a pool that two of them share would end one's for the other. They
    take one program without arguments, whose first line asks the path for `python3`: this process's own goes first.
    """
    jar = os.environ.get(FLINK_JAR, "")
    if not Path(jar).is_file():
        raise BadInput(f"--engine flink: ${FLINK_JAR} names no file ('{jar}'); deploy/README.md says how it is built")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    own = {name: value for name in PASSED_ON if (value := os.environ.get(name))}
    command = {"command": str(BOOT), "env": {**own, "PATH": path, "PYTHONPATH": module_path()}}
    return [
        *("--runner=FlinkRunner", "--flink_master=localhost:8081", "--flink_submit_uber_jar"),
        f"--flink_job_server_jar={jar}",
        *("--environment_type=PROCESS", f"--environment_config={json.dumps(command)}", "--parallelism=2"),
    ]


def dataflow() -> list[str]:
    """Google's managed service. One unit of work at a time on each core: a worker has a child process that extracts."""
    return ["--runner=DataflowRunner", "--number_of_worker_harness_threads=1", "--sdk_location=container"]


ELSEWHERE = "dataflow"  # its workers share no disk and no installation with the machine that submits
ENGINES: dict[str, Callable[[], list[str]]] = {
    LOCAL: local,
    "flink": flink,
    "prism": prism,
    ELSEWHERE: dataflow,
    PORTABLE: portable,
}
# What has to be given after `--`, with an example.
NEEDED = {
    PORTABLE: {"--job_endpoint": "HOST:PORT"},
    ELSEWHERE: {
        "--project": "NAME",
        "--region": "europe-west1",
        "--temp_location": "gs://BUCKET/tmp",
        "--sdk_container_image": "IMAGE",
    },
}


def engine_args(name: str | None, beam_args: Sequence[str]) -> list[str]:
    """The options for Beam: an engine's, but for those that are given.

    name: of an engine; None where what is given says all.
    Raises BadInput for an engine that is not there, or that lacks what only the user knows.
    """
    if name is None:
        return list(beam_args)
    given = {word.partition("=")[0] for word in beam_args}
    if missing := [f"{flag}={example}" for flag, example in NEEDED.get(name, {}).items() if flag not in given]:
        raise BadInput(f"--engine {name} needs to be told where: add -- {' '.join(missing)}")
    if name == LOCAL and "--runner" in given:
        raise BadInput(f"--engine {LOCAL} runs in this process, and --runner after `--` names another; leave one out")
    return [word for word in ENGINES[name]() if word.partition("=")[0] not in given] + list(beam_args)
