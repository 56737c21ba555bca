"""Whether the trafilatura that is installed is the one that was studied, file by file.

Our sequence calls functions of trafilatura that it doesn't document, and takes the place of others. With any other
version, or a changed file, trafilatura runs as it is: slower, and with the texts of that version.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

FILES = (
    *("baseline.py", "core.py", "deduplication.py", "external.py", "htmlprocessing.py", "main_extractor.py"),
    *("readability_lxml.py", "settings.cfg", "settings.py", "utils.py", "xml.py", "xpaths.py"),
)
SHA256 = "5feedcd477fe9e0a8dc704a7056a1eca5ccf9360e3423bfe69dfa8a7e5cfe0ff"  # of FILES of trafilatura 2.3.1


def fingerprint(package: str = "trafilatura") -> str | None:
    """The sha256 of FILES as they are installed, one after the other; None if one can't be read."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    digest = hashlib.sha256()
    try:
        for name in FILES:
            digest.update(Path(spec.origin).with_name(name).read_bytes())
    except OSError:
        return None
    return digest.hexdigest()


def is_studied() -> bool:
    return fingerprint() == SHA256
