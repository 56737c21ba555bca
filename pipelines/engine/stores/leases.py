"""Leases by conditional writes, where the store of an output knows them: of runs that begin in one moment exactly one
goes on. Elsewhere a lease goes by listings (schemas/lease.py), and at most one does."""

from __future__ import annotations

import secrets
import sys

from pipelines.engine.stores.google import GoogleObjects, NoCredentials
from pipelines.engine.stores.objects import Objects
from pipelines.engine.stores.s3 import S3Objects
from schemas import lease
from schemas.storage import join


def take_lease(folder: str, part: str = lease.WHOLE, still_runs: lease.StillRuns | None = None) -> None:
    """As `schemas.lease.take`, in an object store by conditional writes.

    Raises BadInput if another run writes there, and OSError.
    """
    if lease.holding(folder) is not None:
        return
    lease.take(folder, part, still_runs, conditional_objects(folder))


def conditional_objects(folder: str) -> Objects | None:
    """The store that a folder is in, None for one without conditional writes; a note on stderr says so of a store."""
    scheme, separator, _ = folder.partition("://")
    if not separator or scheme.lower() not in ("s3", "gs", "gcs"):
        return None
    try:
        if scheme.lower() != "s3":
            return GoogleObjects(folder)
        objects, trial = S3Objects(), join(folder, f"{lease.PREFIX}trial-{secrets.token_hex(6)}")
        if (why := objects.shortcoming(trial)) is None:
            return objects
    except ImportError as missing:
        why = f"{'boto3' if scheme.lower() == 's3' else 'google-auth'} is not installed"
        if missing.name and missing.name.partition(".")[0] not in ("boto3", "botocore", "google"):
            raise
    except NoCredentials as error:
        why = str(error)
    note = "of runs that begin in the same moment all may be refused"
    sys.stderr.write(f"bateia: note: {folder} is leased without conditional writes ({why}); {note}\n")
    return None
