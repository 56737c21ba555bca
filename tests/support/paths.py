"""Where tests find the checkout, the embedded articles, and a corpus of real pages, if there is one."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
ARTICLES = ROOT / "pipelines" / "sample" / "articles"
CORPUS = Path(os.environ.get("BATEIA_CORPUS") or ROOT / "corpus")  # tests that need it skip where it is absent
