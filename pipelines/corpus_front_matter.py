"""The YAML block of a corpus' README.md, by which Hugging Face's tools know what is data and what lies beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pipelines.corpus_report import languages_of
from pipelines.report_charts import visible
from schemas.corpus_tally import CorpusTally

COMMON_CRAWL_TERMS = "https://commoncrawl.org/terms-of-use"


def front_matter(name: str, tally: CorpusTally) -> str:
    """The YAML block of a corpus made with the recipe `name`.

    Every value is quoted: a bare `no`, Norwegian, would be false. Only what configs name is data; clusters/, pii/ and
    signatures/ are not.
    """
    languages = sorted(row["language"] for row in languages_of(tally) if row["kept"])
    codes = {found[0] for language in languages if (found := re.match(r"[a-z]{2,3}(?![a-z])", language))}
    lines = ["---", f"pretty_name: {quoted(name + ' corpus')}"]
    lines += yaml_list("language", sorted(codes - {"und"}))
    lines += ['license: "other"', 'license_name: "texts-belong-to-their-sites"']
    lines += [f"license_link: {quoted(COMMON_CRAWL_TERMS)}"] if is_common_crawl(tally) else []
    lines += yaml_list("task_categories", ["text-generation"])
    lines += yaml_list("size_categories", [size_category(tally.kept)])
    crawl = ["common-crawl"] if is_common_crawl(tally) else []
    lines += yaml_list("tags", ["bateia", *crawl, "text", "web"])
    lines.append("configs:")
    for config, folder in [("default", "*"), *((language, language) for language in languages)]:
        lines += [f"- config_name: {quoted(config)}", "  data_files:"]
        lines += ['  - split: "train"', f"    path: {quoted(f'data/{folder}/*.parquet')}"]
    return "\n".join([*lines, "---", ""])


def quoted(text: str) -> str:
    """A YAML string in double quotes; JSON's form is one of YAML's, once unseen characters are named."""
    return json.dumps("".join(visible(character) for character in text), ensure_ascii=False)


def yaml_list(name: str, values: Sequence[str]) -> list[str]:
    return [f"{name}:", *(f"- {quoted(value)}" for value in values)] if values else []


def is_common_crawl(tally: CorpusTally) -> bool:
    return any(dump.startswith("CC-MAIN-") for dump in tally.dumps)


def size_category(rows: int) -> str:
    """Hugging Face's name for a number of rows."""
    names = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    edges = [10 ** (3 + place) for place in range(len(names))]
    if rows < edges[0]:
        return "n<1K"
    place = sum(rows >= edge for edge in edges)
    return f"{names[place - 1]}<n<{names[place]}" if place < len(names) else "n>1T"
