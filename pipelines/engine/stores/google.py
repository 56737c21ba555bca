"""Google's storage by its JSON API: objects written under conditions on their generation.

`ifGenerationMatch=0` is of an object that is not there, any other number of the one that was written so. pyarrow's
client and Beam's have no word for it in what they write, so these few requests are our own; every service of that API
has always known them. Who asks is known by google-auth, which the extra `gcs` brings, as pyarrow knows it by Google's
usual rules; of `gs://anonymous@BUCKET` nobody has to.
"""

from __future__ import annotations

import os
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pipelines.engine.stores.objects import Objects
from schemas.faults import reason
from schemas.storage import URI_CHARS

EMULATOR = "CLOUD_STORAGE_EMULATOR_ENDPOINT"  # where pyarrow's client goes instead
ADDRESS = "https://storage.googleapis.com"
ABSENT = "0"  # the generation of an object that is not there
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
TIMEOUT_S = (10, 30)  # to connect, and until an answer comes
# An object may be written once a second; what comes sooner is refused for the moment (429), now and then.
RESTS_S = (1.0, 2.0, 4.0)
PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class NoCredentials(Exception):
    """google-auth finds none. Its text says so in a few words."""


class GoogleObjects(Objects):
    """Objects of Google's storage. A version is an object's generation.

    Raises ImportError without google-auth, and NoCredentials.
    """

    def __init__(self, folder: str) -> None:
        """folder: in the bucket, as it is named; that may say that nobody in particular asks."""
        self._address = os.environ.get(EMULATOR, ADDRESS).rstrip("/")
        self._session, self._faults = session(urlsplit(folder).netloc.startswith("anonymous@"))

    def put(self, path: str, data: bytes, version: str | None) -> str | None:
        bucket, name = named(path)
        where, condition = f"/upload/storage/v1/b/{bucket}/o", {"ifGenerationMatch": version or ABSENT}
        answer = self._ask("POST", path, where, {"uploadType": "media", "name": name, **condition}, data)
        return None if answer is None else answer.json()["generation"]

    def read(self, path: str) -> tuple[bytes, str] | None:
        answer = self._ask("GET", path, where(path), {"alt": "media"})
        return None if answer is None else (answer.content, answer.headers["x-goog-generation"])

    def remove(self, path: str, version: str) -> None:
        self._ask("DELETE", path, where(path), {"ifGenerationMatch": version})

    def _ask(self, method: str, path: str, where: str, query: dict[str, str], data: bytes | None = None) -> Any:
        """The store's answer; None if a condition does not hold, or there is no such object. Raises OSError."""
        told = ""
        for rest_s in (*RESTS_S, None):
            try:
                answer = self._session.request(
                    method, self._address + where, params=query, data=data, timeout=TIMEOUT_S
                )
            except self._faults as error:
                told, passing = reason(error), True
            else:
                if answer.ok:
                    return answer
                status = answer.status_code
                if status == HTTPStatus.PRECONDITION_FAILED or (status == HTTPStatus.NOT_FOUND and data is None):
                    return None
                told, passing = message(answer), status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            if not passing or rest_s is None:
                break
            time.sleep(rest_s)
        raise OSError(f"{path}: {told}")


def session(is_anonymous: bool) -> tuple[Any, tuple[type[Exception], ...]]:
    """What requests are sent by, and what it raises. Raises ImportError and NoCredentials."""
    import requests

    if is_anonymous:
        return requests.Session(), (requests.RequestException,)
    import google.auth  # pyright: ignore[reportMissingImports]
    from google.auth.exceptions import (  # pyright: ignore[reportMissingImports]
        DefaultCredentialsError,
        GoogleAuthError,
    )
    from google.auth.transport.requests import AuthorizedSession  # pyright: ignore[reportMissingImports]

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except DefaultCredentialsError as error:
        raise NoCredentials("no credentials are found") from error
    return AuthorizedSession(credentials), (requests.RequestException, GoogleAuthError)


def named(path: str) -> tuple[str, str]:
    """A bucket's name and that of an object in it."""
    parts = urlsplit(quote(path, safe=URI_CHARS))
    return parts.netloc.rpartition("@")[2], unquote(parts.path[1:])


def where(path: str) -> str:
    bucket, name = named(path)
    return f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"


def message(answer: Any) -> str:
    """What the store says of a fault."""
    try:
        return reason(ValueError(answer.json()["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason}"
