"""Whether the trafilatura that is installed is the one that was studied, file by file; and that one loaded barely.

Our sequence calls functions of trafilatura that it doesn't document, and takes the place of others. With any other
version, or a changed file, trafilatura runs as it is: slower, and with the texts of that version.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from transforms.steps.text.lean_import import stand_in

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


class NoResponse:
    """In the place of urllib3's: nothing that is extracted here is one."""


# What trafilatura takes from other libraries to fetch pages, and to tell their dates and addresses.
UNUSED = {
    "courlan": ("extract_domain", "fix_relative_urls", "get_base_url", "is_valid_url", "normalize_url", "validate_url"),
    "htmldate": ("find_date",),
    "trafilatura.downloads": ("fetch_response", "fetch_url"),
}


def load_barely() -> None:
    """Import the trafilatura that was studied without what it takes to fetch pages and to tell their dates: a third of
    what an extraction child needs to start. For a process that extracts text from pages and does nothing else."""
    if not is_studied():
        return
    with ExitStack() as stack:
        for module, names in UNUSED.items():
            stack.enter_context(stand_in(module, **dict.fromkeys(names)))
        stack.enter_context(stand_in("urllib3", __path__=[]))
        stack.enter_context(stand_in("urllib3.response", HTTPResponse=NoResponse))
        import_module("trafilatura")
