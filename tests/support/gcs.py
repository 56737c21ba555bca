"""Google's object storage on loopback, as far as reading goes: a folder as the bucket `bucket`, in JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from support.crawl_server import span_of

BUCKET = "/storage/v1/b/bucket"
MOMENT = "2024-06-15T12:00:00Z"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root: Path

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path, query = parts.path.removeprefix("/download"), parse_qs(parts.query)
        if path == BUCKET:
            self.answer(200, {"kind": "storage#bucket", "name": "bucket", "timeCreated": MOMENT, "updated": MOMENT})
        elif path == f"{BUCKET}/o":
            prefix = query.get("prefix", [""])[0]
            names = (file.relative_to(self.root).as_posix() for file in sorted(self.root.rglob("*")) if file.is_file())
            found = [self.described(name) for name in names if name.startswith(prefix)]
            self.answer(200, {"kind": "storage#objects", "items": found})
        else:
            name = unquote(path.removeprefix(f"{BUCKET}/o/").removeprefix("/bucket/"))
            file = self.root / name
            if not path.startswith((f"{BUCKET}/o/", "/bucket/")) or not file.is_file():
                self.answer(404, {"error": {"code": 404, "message": "No such object"}})
            elif query.get("alt") == ["media"] or path.startswith("/bucket/"):
                self.send_bytes(file.read_bytes())
            else:
                self.answer(200, self.described(name))

    def described(self, name: str) -> dict[str, str]:
        size = str((self.root / name).stat().st_size)
        of_object = {"kind": "storage#object", "id": name, "name": name, "bucket": "bucket", "size": size}
        return of_object | {"generation": "1", "metageneration": "1", "timeCreated": MOMENT, "updated": MOMENT}

    def send_bytes(self, data: bytes) -> None:
        start, stop = span_of(self.headers.get("Range", ""))
        body = data[start:stop]
        ranged = "Range" in self.headers
        span = {"Content-Range": f"bytes {start}-{start + len(body) - 1}/{len(data)}"} if ranged else {}
        self.send(206 if span else 200, body, "application/octet-stream", span)

    def answer(self, status: int, value: object) -> None:
        self.send(status, json.dumps(value).encode(), "application/json", {})

    def send(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        of_object = {"x-goog-generation": "1", "x-goog-metageneration": "1"}
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **of_object, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def google_storage(root: Path) -> Iterator[Callable[[str], str]]:
    """Gives the URI of a name in the bucket, whose objects are the files of the folder.

    It is a process of its own: pyarrow holds the interpreter's lock while it waits for bytes.
    """
    command = [sys.executable, "-P", "-m", "support.gcs", str(root)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        options = f"scheme=http&endpoint_override=127.0.0.1:{int(server.stdout.readline())}"
        yield lambda name: f"gs://anonymous@bucket/{name}?{options}"
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    serving = ThreadingHTTPServer(("127.0.0.1", 0), type("OneHandler", (Handler,), {"root": Path(sys.argv[1])}))
    print(serving.server_address[1], flush=True)
    serving.serve_forever()
