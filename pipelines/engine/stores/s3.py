"""What a store of S3's kind can do that pyarrow doesn't ask it for, by boto3: write an object only if nobody else has
meanwhile, and abort the uploads that killed processes have left."""

from __future__ import annotations

import os
import sys
from http import HTTPStatus
from typing import Any

from pipelines.engine.stores.objects import Objects
from schemas.faults import reason
from schemas.storage import locate

REFUSED = (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
NO_VERSION = f'"{"0" * 32}"'  # of no object: the MD5 of nothing that is ever written
PATIENCE = {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 3, "mode": "standard"}}


class S3Objects(Objects):
    """Objects of a store of S3's kind. A version is what the store calls an etag.

    Raises ImportError without boto3, and OSError where the store can't be asked.
    """

    def __init__(self) -> None:
        from botocore.config import Config  # pyright: ignore[reportMissingImports]

        self._client = client(config=Config(**PATIENCE))

    def put(self, path: str, data: bytes, version: str | None) -> str | None:
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        answer = self._ask("put_object", path, Body=data, **condition)
        return None if answer is None else answer["ETag"]

    def read(self, path: str) -> tuple[bytes, str] | None:
        answer = self._ask("get_object", path)
        return None if answer is None else (answer["Body"].read(), answer["ETag"])

    def remove(self, path: str, version: str) -> None:
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
