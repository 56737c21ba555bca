"""What is read of a WARC file at most: a recipe's own values, and the threshold of every row that one of them costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class ReadLimits:
    """Reads WARC records and HTTP responses up to these sizes.

    Bytes are after inflating unless said otherwise. What exceeds a limit is a row of the ledger with the limit as its
    threshold.
    """

    stage: ClassVar[str] = "read"

    max_record_bytes: int = field(
        default=32 << 20,
        metadata={
            "about": "largest WARC record, held in memory as a whole",
            "source": "Bateia; Common Crawl cuts bodies at 1 or 5 MiB",
        },
    )
    max_body_bytes: int = field(
        default=16 << 20,
        metadata={"about": "largest HTTP body, decoded", "source": "Bateia; HTML beyond this is data, not prose"},
    )
    max_header_bytes: int = field(
        default=2 << 20,
        metadata={"about": "largest WARC header and largest HTTP header", "source": "Bateia; some of 1 MB exist"},
    )
    max_skip_bytes: int = field(
        default=1 << 30,
        metadata={
            "about": "how far a gzip member is inflated to pass over a record too large; the rest of it is given up",
            "source": "Bateia; 1 s",
        },
    )
    max_encodings: int = field(
        default=4,
        metadata={
            "about": "most content encodings on one body",
            "source": "Bateia; two happen by mistake, more only by malice",
        },
    )
    max_gzip_members: int = field(
        default=1000,
        metadata={
            "about": "most gzip members in one body",
            "source": "Bateia; servers that flush write a handful",
        },
    )
    lookback_bytes: int = field(
        default=4 << 20,
        metadata={
            "about": "bytes of the file read before a unit's range, to see a record that holds another WARC file whole",
            "source": "Bateia",
        },
    )
