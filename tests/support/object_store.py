"""An object store on this machine, that logs its requests."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from support.processes import free_port

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")
UNKNOWN = b"<Error><Code>NotImplemented</Code><Message>A header implies what is not implemented</Message></Error>"


class Store:
    """A bucket called `bucket`, and the requests that came: (method, path with its query).

    conditions: "heeded", as S3 does; "ignored" or "unknown", as older stores of its kind do.
    """

    def __init__(self, app: Any) -> None:
        self._app, self._writing = app, threading.Lock()
        self.requests: list[tuple[str, str]] = []
        self.conditions = "heeded"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        self.requests.append((environ["REQUEST_METHOD"], f"{environ['PATH_INFO']}{query}"))
        if environ["REQUEST_METHOD"] == "GET":
            return self._app(environ, start_response)
        given = [name for name in CONDITIONS if name in environ]
        if given and self.conditions == "unknown":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("501 Not Implemented", [("Content-Type", "application/xml")])
            return [UNKNOWN]
        for name in given if self.conditions == "ignored" else ():
            del environ[name]
        with self._writing:  # moto looks at a condition first and writes then
            return self._app(environ, start_response)


@contextmanager
def object_store() -> Iterator[Store]:
    """A store that `s3://bucket/…` names within the block, for child processes too."""
    import logging

    import boto3  # pyright: ignore[reportMissingImports]
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    store, port = Store(DomainDispatcherApplication(create_backend_app)), free_port()
    server = make_server("127.0.0.1", port, store, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{port}"
    try:
        with mock.patch.dict(os.environ, {**VARIABLES, "AWS_ENDPOINT_URL": address}):
            boto3.client("s3", endpoint_url=address).create_bucket(Bucket="bucket")
            store.requests.clear()
            yield store
    finally:
        server.shutdown()


def names_in_bucket() -> list[str]:
    import boto3  # pyright: ignore[reportMissingImports]

    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket="bucket")
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def uploads_in_bucket() -> list[Any]:
    """Uploads in parts that were never completed: they are billed for ever."""
    import boto3  # pyright: ignore[reportMissingImports]

    return boto3.client("s3").list_multipart_uploads(Bucket="bucket").get("Uploads", [])
