#!/usr/bin/env python3
"""A worker process as a cluster starts it for Beam's PROCESS environment: asks where the runner is, works for it.

Beam's own program for this is part of its container images alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

PROVISION_TIMEOUT_S = 60


def main() -> None:
    """Ask the runner's provision service where its endpoints are, and become Beam's worker.

    Raises grpc.RpcError if the service does not answer in time.
    """
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2 as provision
    from apache_beam.portability.api import beam_provision_api_pb2_grpc as services
    from apache_beam.runners.worker import sdk_worker_main
    from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor
    from google.protobuf import json_format, text_format

    parser = argparse.ArgumentParser()
    parser.add_argument("--id", required=True)
    parser.add_argument("--provision_endpoint", required=True)
    options, _ = parser.parse_known_args()
    os.environ["WORKER_ID"] = options.id
    channel = grpc.intercept_channel(grpc.insecure_channel(options.provision_endpoint), WorkerIdInterceptor(options.id))
    stub: Any = services.ProvisionServiceStub(channel)
    request: Any = provision.GetProvisionInfoRequest()  # pyright: ignore[reportAttributeAccessIssue]
    info = stub.GetProvisionInfo(request, timeout=PROVISION_TIMEOUT_S).info
    os.environ["CONTROL_API_SERVICE_DESCRIPTOR"] = text_format.MessageToString(info.control_endpoint)
    os.environ["LOGGING_API_SERVICE_DESCRIPTOR"] = text_format.MessageToString(info.logging_endpoint)
    os.environ["PIPELINE_OPTIONS"] = json_format.MessageToJson(info.pipeline_options)
    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
