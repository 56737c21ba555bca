"""What a store of S3's kind can do that pyarrow doesn't ask it for: write an object only if nobody else has meanwhile,
and abort the uploads that killed processes have left.

It needs boto3. Google's storage has such conditions too (generations), but neither pyarrow nor its own S3 interface
takes them: there, as without boto3, a lease goes by listings (schemas/lease.py).
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from http import HTTPStatus
from typing import Any

from schemas import lease
from schemas.faults import reason
from schemas.storage import join, locate

REFUSED = (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
ATTEMPTS, REST_S = 6, 0.05
NO_VERSION = f'"{"0" * 32}"'  # of no object: the MD5 of nothing that is ever written
PATIENCE = {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 3, "mode": "standard"}}


def take_lease(folder: str, part: str = lease.WHOLE, still_runs: lease.StillRuns | None = None) -> None:
    """As `schemas.lease.take`, in a store of S3's kind by conditional writes where it knows them.

    Raises BadInput if another run writes there, and OSError.
    """
    if lease.holding(folder) is not None:
        return
    lease.take(folder, part, still_runs, conditional_objects(folder))


def conditional_objects(folder: str) -> Objects | None:
    """The store that a folder is in, None for one without conditional writes; a note on stderr says so of S3's kind."""
    if not folder.startswith("s3://"):
        return None
    try:
        objects, trial = Objects(), join(folder, f"{lease.PREFIX}trial-{secrets.token_hex(6)}")
    except ImportError:
        why = "boto3 is not installed"
    else:
        if (why := objects.shortcoming(trial)) is None:
            return objects
    note = "of runs that begin in the same moment all may be refused"
    sys.stderr.write(f"bateia: note: {folder} is leased without conditional writes ({why}); {note}\n")
    return None


class Objects:
    """Objects of a store of S3's kind, written under conditions. A version is what the store calls an etag.

    Raises ImportError without boto3, and OSError where the store can't be asked.
    """

    def __init__(self) -> None:
        from botocore.config import Config  # pyright: ignore[reportMissingImports]

        self._client = client(config=Config(**PATIENCE))

    def create(self, path: str, data: bytes) -> str | None:
        """Write an object that is not there yet. Returns its version, None if there is one."""
        return self._write(path, data)

    def replace(self, path: str, data: bytes, version: str) -> str | None:
        """Write an object anew. Returns its new version, None if it is no longer the one of `version`, or gone."""
        return self._write(path, data, version)

    def read(self, path: str) -> tuple[bytes, str] | None:
        """An object's bytes and its version; None if there is none."""
        answer = self._ask("get_object", path)
        return None if answer is None else (answer["Body"].read(), answer["ETag"])

    def remove(self, path: str, version: str) -> None:
        """Remove an object, unless it is no longer the one of `version`."""
        self._ask("delete_object", path, IfMatch=version)

    def shortcoming(self, path: str) -> str | None:
        """Why conditions can't be relied on, None if they can: some stores know none, others ignore them.

        path: of an object that is written and removed again.
        """
        from botocore.exceptions import ParamValidationError  # pyright: ignore[reportMissingImports]

        try:
            version = self.create(path, b"{}")
            if version is None:
                return "the store refused an object that was not there"
            ignored = self._ask("put_object", path, Body=b"{}", IfNoneMatch="*") is not None
            ignored = ignored or self._ask("put_object", path, Body=b"{}", IfMatch=NO_VERSION) is not None
            self._ask("delete_object", path)
        except NotImplementedError:
            return "the store knows none"
        except ParamValidationError:
            return "boto3 is too old"
        return "the store ignores them" if ignored else None

    def _write(self, path: str, data: bytes, version: str | None = None) -> str | None:
        """Write an object if it is the one of `version`, or if there is none. Returns its version."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        for _ in range(ATTEMPTS):
            if (answer := self._ask("put_object", path, Body=data, **condition)) is not None:
                return answer["ETag"]
            there = self.read(path)
            # A request whose answer was lost is sent again, and refused for what it has done itself.
            if there is not None and there[0] == data:
                return there[1]
            if there is None or there[1] != version:
                return None
            time.sleep(REST_S)  # the store writes one request after the other, and refuses those that meet
        raise OSError(f"{path}: the store refuses to write it, though nobody else has")

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any] | None:
        """The store's answer; None if a condition does not hold. Raises OSError, and NotImplementedError where the
        store says that it does not know something."""
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError  # pyright: ignore

        bucket, _, key = locate(path)[1].partition("/")
        try:
            return getattr(self._client, method)(Bucket=bucket, Key=key, **given)
        except ParamValidationError:
            raise
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = error.response.get("Error", {}).get("Code")
            if status == HTTPStatus.NOT_IMPLEMENTED or code == "NotImplemented":
                raise NotImplementedError(reason(error)) from error
            if status in REFUSED and code != "NoSuchBucket":
                return None
            raise OSError(f"{path}: {reason(error)}") from error
        except BotoCoreError as error:
            raise OSError(f"{path}: {reason(error)}") from error


def client(**options: Any) -> Any:
    """A client of S3, of the region that pyarrow takes too. Raises ImportError."""
    import boto3  # pyright: ignore[reportMissingImports]

    return boto3.client("s3", region_name=os.environ.get("AWS_REGION") or None, **options)


def abort_uploads(output: str) -> None:
    """Abort the uploads in parts that killed processes have left below an output on S3, where they are billed for ever.

    Whoever calls this has the output's lease. Arrow can't list them, so it is done where boto3 is installed.
    """
    if not output.startswith("s3://"):
        return
    try:
        store = client()
        from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingImports]
    except ImportError:
        return
    bucket, _, prefix = locate(output)[1].rstrip("/").partition("/")
    try:
        for page in store.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            for upload in page.get("Uploads", []):
                store.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except (BotoCoreError, ClientError) as error:  # such as no permission to list them
        sys.stderr.write(f"bateia: note: uploads that a killed run left in {output} stay there ({reason(error)})\n")
