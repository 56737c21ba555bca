"""What follows `--`, checked before anything is written: options that Beam knows, of the runner that is named, and
endpoints that answer."""

from __future__ import annotations

import argparse
import difflib
import re
import socket
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import create_runner

from schemas.faults import BadInput, reason

PORTABLE, JOB_SERVERS = "PortableRunner", ("FlinkRunner", "SparkRunner", "KafkaStreamsRunner", "PrismRunner")
# Runners that heed the options of a class of Beam's; without one of them the options would do nothing. Options of other
# classes concern pipelines and file systems, whatever the runner.
HEEDED_BY = {
    "DaskOptions": ("DaskRunner",),
    "FlinkRunnerOptions": ("FlinkRunner", PORTABLE),
    "JobServerOptions": (*JOB_SERVERS, PORTABLE),
    "KafkaStreamsRunnerOptions": ("KafkaStreamsRunner", PORTABLE),
    "PortableOptions": (PORTABLE, *JOB_SERVERS, "DataflowRunner"),
    "PrismRunnerOptions": ("PrismRunner", "DirectRunner", "SwitchingDirectRunner"),
    "SparkRunnerOptions": ("SparkRunner", PORTABLE),
    "WorkerOptions": ("DataflowRunner",),
}
# Options that name a service which has to be there when the run begins.
ENDPOINTS = ("job_endpoint", "artifact_endpoint", "flink_master", "spark_rest_url", "dask_client_address")
EMBEDDED = re.compile(r"\[?(auto|local|embed)\b.*")  # values that start a service instead of naming one
ADDRESS = re.compile(r"(?:[a-z]+:/{2,3})?\[?(?P<host>[^/\]]+?)\]?:(?P<port>\d{1,5})/?")
CONNECT_S = 20.0  # a job server that is just being started listens after some seconds
RETRY_S = 1.0


def check_beam_args(words: Sequence[str], connect_s: float = CONNECT_S) -> None:
    """Raise BadInput for options that Beam or the runner doesn't know, and a service that can't be reached.

    connect_s: seconds to wait for a service.
    """
    runner = named_runner(words)
    parser, owners = beam_parser()
    values, unknown = parser.parse_known_args(list(words))
    described: set[str] = set()
    if runner == PORTABLE and not values.job_endpoint:
        raise BadInput(f"--runner={PORTABLE} needs the address of a job server: give --job_endpoint=HOST:PORT")
    for name in ENDPOINTS:
        if (address := getattr(values, name, None)) and not EMBEDDED.fullmatch(str(address)):
            if (owner := owners[f"--{name}"]) in HEEDED_BY:
                refuse_unheeded(f"--{name}", owner, runner)
            connect(f"--{name}", str(address), connect_s)
            if name == "job_endpoint" and unknown:
                described = job_server_options(str(address), connect_s)
    for flag in given_flags(words, owners):
        refuse_unheeded(flag, owners[flag], runner)
    for word in unknown:
        if word.partition("=")[0].lstrip("-") not in described:
            refuse_unknown(word, list(owners))


def named_runner(words: Sequence[str]) -> str | None:
    """Short name of the runner that the options name. Raises BadInput if there is no such runner."""
    parser = StrictParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--runner")
    name = parser.parse_known_args(list(words))[0].runner
    if name is None:
        return None
    known = StandardOptions.KNOWN_RUNNER_NAMES
    short = {known_name.lower().removesuffix("runner"): known_name for known_name in known}
    if "." not in name and name.lower().removesuffix("runner") not in short:
        raise BadInput(f"Beam has no runner '{name}'; {meant(name, known, 'known: ' + ', '.join(known))}")
    try:
        create_runner(name)
    except Exception as error:  # whatever its import raises
        raise BadInput(f"runner '{name}' can't be loaded ({reason(error)}); install what it needs") from error
    return short.get(name.lower().removesuffix("runner"), name.rpartition(".")[2])


class StrictParser(pipeline_options._BeamArgumentParser):
    """Beam's own parser, of which a fault is bad input."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"options after `--`: {message}")


def beam_parser() -> tuple[StrictParser, dict[str, str]]:
    """A parser of all options that Beam knows, and the name of the class that each flag is of."""
    parser, owners = StrictParser(add_help=False, allow_abbrev=False), {}
    for owner in {str(each): each for each in PipelineOptions.__subclasses__()}.values():
        before = len(parser._actions)
        try:
            owner._add_argparse_args(parser)
        except argparse.ArgumentError:  # an option of a test's class that another one has too
            continue
        for action in parser._actions[before:]:
            owners |= dict.fromkeys(action.option_strings, owner.__name__)
    return parser, owners


def given_flags(words: Sequence[str], owners: dict[str, str]) -> list[str]:
    return [flag for word in words if (flag := word.partition("=")[0]) in owners]


def refuse_unheeded(flag: str, owner: str, runner: str | None) -> None:
    """Raise BadInput for an option of a runner that is not named."""
    if owner not in HEEDED_BY or runner in HEEDED_BY[owner]:
        return
    wanted = " or ".join(f"--runner={name}" for name in HEEDED_BY[owner][:2])
    what = "without a runner the pipeline runs in this process" if runner is None else f"{runner} does not heed it"
    raise BadInput(f"{flag} is for another runner: {what}; give {wanted}, or leave it out")


def refuse_unknown(word: str, known: list[str]) -> NoReturn:
    flag = word.partition("=")[0]
    if not flag.startswith("-"):
        raise BadInput(f"'{word}' after `--` is no option; options for Beam begin with --")
    raise BadInput(f"Beam has no option {flag}; {meant(flag, known, 'leave it out')}")


def meant(given: str, known: Sequence[str], otherwise: str) -> str:
    nearest = difflib.get_close_matches(given, known, n=1, cutoff=0.6)
    return f"did you mean {nearest[0]}?" if nearest else otherwise


def connect(flag: str, address: str, within_s: float) -> None:
    """Raise BadInput if nothing accepts connections at an address within some seconds."""
    match = ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65535:
        raise BadInput(f"{flag}={address} is no address; give HOST:PORT")
    until, fault = time.monotonic() + within_s, ""
    while (left := until - time.monotonic()) > 0:
        try:
            socket.create_connection((match["host"], int(match["port"])), timeout=left).close()
            return
        except socket.gaierror as error:
            raise BadInput(f"{flag}={address}: there is no host {match['host']} ({error.strerror})") from error
        except OSError as error:
            fault = error.strerror or str(error)
            time.sleep(min(RETRY_S, max(until - time.monotonic(), 0)))
    raise BadInput(f"{flag}={address} can't be reached ({fault}); start the service there, or give another address")


def job_server_options(address: str, within_s: float) -> set[str]:
    """Names of the options that a job server knows besides Beam's own, which Python's part of Beam hands over."""
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    request: Any = beam_job_api_pb2.DescribePipelineOptionsRequest()
    with grpc.insecure_channel(address) as channel:
        try:
            stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
            return {option.name for option in stub.DescribePipelineOptions(request, timeout=within_s).options}
        except grpc.RpcError:  # one that doesn't say knows no others
            return set()
