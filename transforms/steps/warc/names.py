"""Names in Common Crawl's layout."""

import re

# crawl-data/CC-MAIN-2024-26/segments/1718198860413.17/warc/CC-MAIN-20240612140424-20240612170424-00000.warc.gz
DUMP = re.compile(r"(?:^|/)(CC-MAIN-\d{4}-\d{2,3})(?=/)")
LONGEST_STEM = 120  # file systems allow 255 bytes for a name, and a file of ours has more than the stem in it


def dump_of_path(path: str) -> str | None:
    """The crawl's name if a folder of the path is named after one, e.g. `CC-MAIN-2024-26`."""
    match = DUMP.search(path)
    return match.group(1) if match else None


def stem(path: str) -> str:
    """File name without folders and without .warc, .gz, .zst and their like, as the start of a name of ours."""
    name = path.rstrip("/").rpartition("/")[2]
    for ending in (".gz", ".zst", ".warc"):
        name = name.removesuffix(ending)
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[:LONGEST_STEM] or "warc"
