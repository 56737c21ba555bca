"""An object store on this machine that counts requests: S3's listings, objects and uploads in parts, held in memory.

Objects may be made up when they are asked for, so that a crawl's output of 360,000 of them takes no room. It checks no
signature and knows one bucket, the first part of every path. Writes and removals under conditions are S3's: 412 where
an object is there (If-None-Match: *) or is another (If-Match).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase, BytesIO
from threading import Lock, Thread
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 1000  # names in an answer to a listing, as S3's
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
Made = tuple[int, Callable[[], bytes]]  # size, and how its bytes are made


class Objects:
    """Objects by name, and how often what was asked.

    requests: by kind, which is LIST or the method with the first folder of the name's last but one.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.lock = Lock()
        self._objects: dict[str, bytes | Made] = {}
        self._names: list[str] = []
        self._parts: dict[str, dict[int, bytes]] = {}
        self._begun = 0

    def put(self, name: str, content: bytes | Made) -> None:
        if name not in self._objects:
            insort(self._names, name)
        self._objects[name] = content

    def make_up(self, objects: dict[str, Made]) -> None:
        """Many objects at once."""
        self._objects |= objects
        self._names = sorted(self._objects)

    def delete(self, name: str) -> None:
        if self._objects.pop(name, None) is not None:
            del self._names[bisect_left(self._names, name)]

    def size(self, name: str) -> int | None:
        content = self._objects.get(name)
        return None if content is None else len(content) if isinstance(content, bytes) else content[0]

    def etag(self, name: str) -> str | None:
        """The version of an object, which of one that is made up never changes; None if there is none."""
        content = self._objects.get(name)
        return None if content is None else f'"{md5(content).hexdigest() if isinstance(content, bytes) else "x"}"'

    def read(self, name: str) -> bytes:
        content = self._objects[name]
        return content if isinstance(content, bytes) else content[1]()

    def page(self, prefix: str, delimiter: str, after: str, most: int) -> tuple[list[tuple[str, int]], list[str], str]:
        """Objects and folders of a listing, and where the next page begins ("" if there is none)."""
        place = max(bisect_left(self._names, prefix), bisect_right(self._names, after) if after else 0)
        found: list[tuple[str, int]] = []
        folders: list[str] = []
        last = ""
        while place < len(self._names) and (name := self._names[place]).startswith(prefix):
            if len(found) + len(folders) == most:
                return found, folders, last
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                folders.append(name[: cut + 1])
                last = folders[-1] + "\U0010ffff"
                place = bisect_left(self._names, last)
            else:
                found.append((name, self.size(name) or 0))
                last, place = name, place + 1
        return found, folders, ""

    def begin_upload(self, name: str) -> str:
        self._begun += 1
        upload = f"upload-{self._begun}-{name}"
        self._parts[upload] = {}
        return upload

    def put_part(self, upload: str, number: int, content: bytes) -> None:
        self._parts[upload][number] = content

    def end_upload(self, name: str, upload: str) -> None:
        parts = self._parts.pop(upload)
        self.put(name, b"".join(parts[number] for number in sorted(parts)))

    def abort_upload(self, upload: str) -> None:
        self._parts.pop(upload, None)

    @property
    def unfinished(self) -> list[str]:
        """Uploads in parts that were begun and neither completed nor aborted."""
        return list(self._parts)


class Handler(BaseHTTPRequestHandler):
    """S3's answers, as far as Arrow's file system asks."""

    protocol_version = "HTTP/1.1"
    objects: Objects

    def log_message(self, format: str, *args: object) -> None:
        return

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionResetError, BrokenPipeError):
            self.close_connection = True

    def asked(self) -> tuple[str, dict[str, str]]:
        """The object's name, without the bucket's, and the query; the request is counted."""
        parts = urlsplit(self.path)
        name = unquote(parts.path).lstrip("/").partition("/")[2]
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        folder = name.split("/")[1] if name.count("/") > 1 else "the rest"
        kind = "LIST" if "list-type" in query else f"{self.command} {folder}"
        with self.objects.lock:
            self.objects.requests[kind] += 1
        return name, query

    def answer(
        self, code: int, body: bytes = b"", headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(code)
        for key, value in ({"Content-Type": "application/xml"} | (headers or {})).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        length = self.headers.get("Content-Length")
        data = b"".join(chunks_of(self.rfile)) if length is None else self.rfile.read(int(length))
        is_chunked = "aws-chunked" in (self.headers.get("Content-Encoding") or "")
        return b"".join(chunks_of(BytesIO(data))) if is_chunked else data

    def do_HEAD(self) -> None:
        name, _ = self.asked()
        if not name:
            return self.answer(200)
        with self.objects.lock:
            size, etag = self.objects.size(name), self.objects.etag(name)
        if size is None or etag is None:
            return self.answer(404)
        self.answer(200, headers=dated({"ETag": etag}), length=size)

    def do_GET(self) -> None:
        name, query = self.asked()
        if "list-type" in query:
            return self.answer(200, self.listing(query))
        if "uploads" in query:
            return self.answer(200, self.uploads(query.get("prefix", "")))
        with self.objects.lock:
            etag = self.objects.etag(name)
            data = self.objects.read(name) if etag is not None else b""
        if etag is None:
            return self.answer(404, error("NoSuchKey"))
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
            about = dated({"Content-Range": f"bytes {first}-{last}/{len(data)}", "ETag": etag})
            return self.answer(206, data[first : last + 1], about)
        self.answer(200, data, dated({"ETag": etag}))

    def holds(self, name: str) -> bool:
        """Whether the conditions of a request hold."""
        there, wanted = self.objects.etag(name), self.headers.get("If-Match")
        return (wanted is None or wanted == there) and (there is None or self.headers.get("If-None-Match") != "*")

    def listing(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = unquote(query.get("continuation-token", "")) or query.get("start-after", "")
        with self.objects.lock:
            found, folders, last = self.objects.page(
                prefix, delimiter, after, min(int(query.get("max-keys", PAGE)), PAGE)
            )
        rows = [
            f"<Contents><Key>{escape(name)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>x</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for name, size in found
        ]
        rows += [f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders]
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{quote(last)}</NextContinuationToken>"
        ends = more if last else "<IsTruncated>false</IsTruncated>"
        head = f"<Name>bucket</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(rows)}</KeyCount>"
        return f'<?xml version="1.0"?><ListBucketResult>{head}{ends}{"".join(rows)}</ListBucketResult>'.encode()

    def uploads(self, prefix: str) -> bytes:
        with self.objects.lock:
            begun = [[*upload.split("-", 2), upload] for upload in self.objects.unfinished]
        rows = [
            f"<Upload><Key>{escape(name)}</Key><UploadId>{escape(upload)}</UploadId></Upload>"
            for _, _, name, upload in begun
            if name.startswith(prefix)
        ]
        about = "<Bucket>bucket</Bucket><IsTruncated>false</IsTruncated>"
        return f"<ListMultipartUploadsResult>{about}{''.join(rows)}</ListMultipartUploadsResult>".encode()

    def do_PUT(self) -> None:
        (name, query), data = self.asked(), self.body()
        with self.objects.lock:
            if not (held := self.holds(name)):
                pass
            elif "partNumber" in query:
                self.objects.put_part(query["uploadId"], int(query["partNumber"]), data)
            elif name:
                self.objects.put(name, data)
            etag = self.objects.etag(name) or '"x"'
        if held:
            return self.answer(200, headers={"ETag": etag})
        self.answer(412, error("PreconditionFailed"))

    def do_POST(self) -> None:
        (name, query), data = self.asked(), self.body()
        with self.objects.lock:
            if "uploads" in query:
                upload = self.objects.begin_upload(name)
                text = f"<UploadId>{escape(upload)}</UploadId>"
                text = f"<InitiateMultipartUploadResult>{text}</InitiateMultipartUploadResult>"
            elif "uploadId" in query:
                self.objects.end_upload(name, query["uploadId"])
                text = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
            else:
                for key in re.findall(r"<Key>(.*?)</Key>", data.decode()):
                    self.objects.delete(key)
                text = "<DeleteResult></DeleteResult>"
        self.answer(200, text.encode())

    def do_DELETE(self) -> None:
        name, query = self.asked()
        with self.objects.lock:
            if not (held := self.holds(name)):
                pass
            elif "uploadId" in query:
                self.objects.abort_upload(query["uploadId"])
            else:
                self.objects.delete(name)
        if held:
            return self.answer(204)
        self.answer(412, error("PreconditionFailed"))


def chunks_of(stream: BufferedIOBase) -> Iterator[bytes]:
    """What HTTP's chunks hold, and S3's own, which have a signature behind their lengths; up to the trailer's end."""
    while size := int(stream.readline().partition(b";")[0] or b"0", 16):
        yield stream.read(size)
        stream.readline()
    while stream.readline().strip():
        continue


def dated(headers: dict[str, str]) -> dict[str, str]:
    return {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "Accept-Ranges": "bytes", **headers}


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


@contextmanager
def counting_store() -> Iterator[tuple[Objects, dict[str, str]]]:
    """A store within the block, and the variables by which `s3://bucket/…` names it."""
    objects = Objects()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (Handler,), {"objects": objects}))
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield objects, ENVIRONMENT | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
    finally:
        server.shutdown()
