"""Whether the trafilatura that is installed is the one that was studied, file by file.

Our sequence calls functions of trafilatura that it doesn't document, and takes the place of others. With any other
version, or a changed file, trafilatura runs as it is: slower, and with the texts of that version.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

FILES = {
    "trafilatura": (
        *("baseline.py", "core.py", "deduplication.py", "external.py", "htmlprocessing.py", "main_extractor.py"),
        *("readability_lxml.py", "settings.cfg", "settings.py", "utils.py", "xml.py", "xpaths.py"),
    ),
    "justext": ("core.py", "paragraph.py", "utils.py"),
}
# Of FILES of trafilatura 2.3.1 and justext 3.0.2.
SHA256 = "ec26f097ee1da9167de1754989386fd8764b4d5f340554e7a2e26be32c6f644c"


def fingerprint() -> str | None:
    """The sha256 of FILES as they are installed, one after the other; None if one can't be read."""
    digest = hashlib.sha256()
    for package, names in FILES.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            return None
        for name in names:
            try:
                digest.update(Path(spec.origin).with_name(name).read_bytes())
            except OSError:
                return None
    return digest.hexdigest()


def is_studied() -> bool:
    return fingerprint() == SHA256
