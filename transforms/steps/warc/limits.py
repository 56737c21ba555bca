"""Limits on what is read of a WARC file: settings of a recipe, and thresholds in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from schemas.setting import setting
from transforms.steps.step import Step


@dataclass(frozen=True)
class ReadLimits(Step):
    """Reads WARC records and HTTP responses up to these sizes.

    Bytes are after inflating unless said otherwise. What exceeds a limit is a row of the ledger with the limit as its
    threshold.
    """

    stage: ClassVar[str] = "read"

    max_record_bytes: int = setting(
        32 << 20, "largest WARC record, held in memory as a whole", "Bateia; Common Crawl cuts bodies at 1 or 5 MiB"
    )
    max_body_bytes: int = setting(16 << 20, "largest HTTP body, decoded", "Bateia; HTML beyond this is data, not prose")
    max_header_bytes: int = setting(
        2 << 20, "largest WARC header and largest HTTP header", "Bateia; some of 1 MB exist"
    )
    max_skip_bytes: int = setting(
        1 << 30,
        "how far a gzip member is inflated to pass over a record too large; the rest of it is given up",
        "Bateia; 1 s",
    )
    max_encodings: int = setting(
        4, "most content encodings on one body", "Bateia; two happen by mistake, more only by malice"
    )
    max_gzip_members: int = setting(1000, "most gzip members in one body", "Bateia; servers that flush write a handful")
    lookback_bytes: int = setting(
        4 << 20,
        "bytes of the file read before a unit's range, to see a record that holds another WARC file whole",
        "Bateia",
    )
