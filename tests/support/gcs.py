"""Google's storage on loopback: a bucket called `bucket`, by the JSON API as far as pyarrow and leases ask for it.

Writing heeds conditions on generations as Google's does: each object's is another one, 0 stands for none.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import parse_qsl, unquote, urlsplit

from support.crawl_server import span_of

BUCKET = "/storage/v1/b/bucket"
UPLOAD = f"/upload{BUCKET}/o"
MOMENT = "2024-06-15T12:00:00Z"
EMULATOR = "CLOUD_STORAGE_EMULATOR_ENDPOINT"


class Object(NamedTuple):
    """An object of a bucket. written: when, in words. told: what the writer says of it, such as that it is a folder."""

    data: bytes
    generation: int
    written: str
    told: dict[str, str]


class Bucket:
    """Objects by name, and what is being sent.

    parts: of uploads that are not complete, by their number: the object's name, its condition, what is told, and bytes.
    busy: how many writings of claims are refused for the moment before each that is let through.
    """

    def __init__(self, root: Path, busy: int = 0) -> None:
        files = (file for file in sorted(root.rglob("*")) if file.is_file())
        self.objects = {file.relative_to(root).as_posix(): Object(file.read_bytes(), 1, MOMENT, {}) for file in files}
        self.generations, self.uploads = count(2), count()
        self.parts: dict[str, tuple[str, str | None, dict[str, str], bytearray]] = {}
        self.busy, self.left, self.lock = busy, busy, threading.Lock()

    def holds(self, name: str, condition: str | None) -> bool:
        return condition is None or int(condition) == (self.objects[name].generation if name in self.objects else 0)

    def is_busy(self, name: str) -> bool:
        self.left = self.left - 1 if self.left and "/.lease-" in name else self.busy
        return self.left < self.busy

    def put(self, name: str, data: bytes, condition: str | None, told: dict[str, str]) -> bool:
        if not self.holds(name, condition):
            return False
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.objects[name] = Object(data, next(self.generations), now, told)
        return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def parse_request(self) -> bool:
        parsed = super().parse_request()
        parts = urlsplit(self.path)
        self.where, self.query = parts.path.removeprefix("/download"), dict(parse_qsl(parts.query))
        return parsed

    def do_GET(self) -> None:
        if self.where == BUCKET:
            times = {"timeCreated": MOMENT, "updated": MOMENT}
            return self.answer(200, {"kind": "storage#bucket", "name": "bucket", **times})
        with self.bucket.lock:
            if self.where == f"{BUCKET}/o":
                names = [name for name in sorted(self.bucket.objects) if name.startswith(self.query.get("prefix", ""))]
                return self.answer(200, {"kind": "storage#objects", "items": [self.described(name) for name in names]})
            name = self.name()
            if name not in self.bucket.objects:
                return self.fail(404, "No such object")
            if self.query.get("alt") != "media" and not self.where.startswith("/bucket/"):
                return self.answer(200, self.described(name))
            found = self.bucket.objects[name]
        self.send_bytes(found.data, found.generation)

    def do_POST(self) -> None:
        body = self.body()
        if self.where != UPLOAD:
            return self.fail(404, "The specified bucket does not exist.")
        name, kind = self.query.get("name", ""), self.query.get("uploadType")
        condition = self.query.get("ifGenerationMatch")
        with self.bucket.lock:
            told: dict[str, Any] = {}
            if kind == "resumable":
                told, number = json.loads(body or b"{}"), str(next(self.bucket.uploads))
                named = name or told["name"]
                self.bucket.parts[number] = named, condition, told.get("metadata", {}), bytearray()
                where = f"http://{self.headers['Host']}{UPLOAD}?uploadType=resumable&upload_id={number}"
                return self.send(200, b"", "application/json", {"Location": where})
            if kind == "multipart":
                told, body = parts_of(body, self.headers["Content-Type"])
                name = name or told["name"]
            if self.bucket.is_busy(name):
                return self.fail(429, "The object exceeded the rate limit for object mutation operations.")
            self.put(name, body, condition, told.get("metadata", {}))

    def do_PUT(self) -> None:
        """A chunk of an upload: `bytes 0-9/*`, and the last one with the size of all."""
        body = self.body()
        with self.bucket.lock:
            name, condition, told, data = self.bucket.parts[self.query["upload_id"]]
            data += body
            if self.headers.get("Content-Range", "/0").endswith("/*"):
                return self.send(308, b"", "application/json", {"Range": f"bytes=0-{len(data) - 1}"} if data else {})
            del self.bucket.parts[self.query["upload_id"]]
            self.put(name, bytes(data), condition, told)

    def do_DELETE(self) -> None:
        name = self.name()
        with self.bucket.lock:
            if name not in self.bucket.objects:
                return self.fail(404, "No such object")
            if not self.bucket.holds(name, self.query.get("ifGenerationMatch")):
                return self.fail(412, "At least one of the pre-conditions you specified did not hold.")
            del self.bucket.objects[name]
        self.send(204, b"", "application/json", {})

    def name(self) -> str:
        return unquote(self.where.removeprefix(f"{BUCKET}/o/").removeprefix("/bucket/"))

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def put(self, name: str, data: bytes, condition: str | None, told: dict[str, str]) -> None:
        if self.bucket.put(name, data, condition, told):
            self.answer(200, self.described(name))
        else:
            self.fail(412, "At least one of the pre-conditions you specified did not hold.")

    def described(self, name: str) -> dict[str, Any]:
        data, generation, written, told = self.bucket.objects[name]
        of_object = {"kind": "storage#object", "id": name, "name": name, "bucket": "bucket", "size": str(len(data))}
        times = {"timeCreated": written, "updated": written}
        return of_object | {"generation": str(generation), "metageneration": "1", "metadata": told, **times}

    def send_bytes(self, data: bytes, generation: int) -> None:
        start, stop = span_of(self.headers.get("Range", ""))
        body = data[start:stop]
        span = (
            {"Content-Range": f"bytes {start}-{start + len(body) - 1}/{len(data)}"} if "Range" in self.headers else {}
        )
        versions = {"x-goog-generation": str(generation), "x-goog-metageneration": "1"}
        self.send(206 if span else 200, body, "application/octet-stream", span | versions)

    def fail(self, status: int, message: str) -> None:
        self.answer(status, {"error": {"code": status, "message": message}})

    def answer(self, status: int, value: object) -> None:
        self.send(status, json.dumps(value).encode(), "application/json", {})

    def send(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def parts_of(body: bytes, kind: str) -> tuple[dict[str, Any], bytes]:
    """An object's description and its bytes, of an upload in two parts."""
    mark = re.search(r'boundary="?([^";]+)', kind)
    assert mark is not None
    _, told, data, _ = re.split(rb"(?:^|\r\n)--" + re.escape(mark[1].encode()), body)
    return json.loads(told.partition(b"\r\n\r\n")[2]), data.partition(b"\r\n\r\n")[2]


@contextmanager
def google_storage(root: Path, busy: int = 0) -> Iterator[Callable[[str], str]]:
    """Gives the URI of a name in the bucket, which holds the files of the folder at first.

    Within the block `gs://anonymous@bucket/…` names the same, for child processes too.

    It is a process of its own: pyarrow holds the interpreter's lock while it waits for bytes.
    """
    command = [sys.executable, "-P", "-m", "support.gcs", str(root), str(busy)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        host = f"127.0.0.1:{int(server.stdout.readline())}"
        options = f"scheme=http&endpoint_override={host}"
        with mock.patch.dict(os.environ, {EMULATOR: f"http://{host}"}):
            yield lambda name: f"gs://anonymous@bucket/{name}?{options}"
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    held = Bucket(Path(sys.argv[1]), int(sys.argv[2]))
    serving = ThreadingHTTPServer(("127.0.0.1", 0), type("OneHandler", (Handler,), {"bucket": held}))
    print(serving.server_address[1], flush=True)
    serving.serve_forever()
