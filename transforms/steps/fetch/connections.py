"""Connections whose answer must begin in time: a socket's limit is for each read, and headers may drip for days."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse


def session() -> requests.Session:
    """A session of such connections. Whoever uses it retries and gives a time-out."""
    made = requests.Session()
    adapter = HTTPAdapter(max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = {"http": TimedHTTPPool, "https": TimedHTTPSPool}
    for scheme in ("http://", "https://"):
        made.mount(scheme, adapter)
    return made


def in_time(connection: HTTPConnection, answer: Callable[[], HTTPResponse]) -> HTTPResponse:
    """The answer, if status and headers come within the connection's time-out; else what a closed socket raises."""
    if not isinstance(connection.timeout, (int, float)) or connection.sock is None:
        return answer()
    timer = threading.Timer(connection.timeout, cut, (connection.sock,))
    timer.daemon = True
    timer.start()
    try:
        return answer()
    finally:
        timer.cancel()


def cut(open_socket: Any) -> None:
    """End a socket that another thread reads: it sees the end of the stream. That of TLS would only be unwrapped."""
    with suppress(OSError):
        socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


class TimedHTTPConnection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] - as urllib3 has it
        return in_time(self, super().getresponse)


class TimedHTTPSConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] - as urllib3 has it
        return in_time(self, super().getresponse)


class TimedHTTPPool(HTTPConnectionPool):
    ConnectionCls = TimedHTTPConnection  # pyright: ignore[reportAssignmentType] - as urllib3 does


class TimedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = TimedHTTPSConnection  # pyright: ignore[reportAssignmentType]
