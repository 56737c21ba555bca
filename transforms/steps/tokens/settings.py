"""From documents to training rows: how a tokenizer is trained, what validates, and what a plan is made by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, ClassVar

from schemas.faults import BadInput
from schemas.setting import setting
from schemas.shards.layout import CONCAT, PACKINGS, TRAIN, VAL

ALGORITHMS = ("sentencepiece", "bpe-gpt4")
MIXED_BY = ("language", "dump")
Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class TrainTokenizer:
    """Trains a tokenizer on a sample of the documents.

    Raises BadInput for an algorithm that there is not, and numbers that can't be.
    """

    stage: ClassVar[str] = "tokenizer"

    algorithm: str = setting(
        "sentencepiece",
        "sentencepiece (BPE with byte fallback) or bpe-gpt4 (byte-level BPE with GPT-4's split)",
        "ours",
        metavar="NAME",
        choices=ALGORITHMS,
    )
    vocab_size: int | None = setting(
        None,
        "tokens of the vocabulary, special ones included",
        none="32,768, fewer for a small sample",
        metavar="N",
    )
    sample_mb: int = setting(100, "millions of characters to learn from", "ours", metavar="MB")
    seed: int = setting(1, "draws the sample", metavar="N")
    weights: Weights | None = setting(
        None, "parts of the sample by language, such as en=3 pt=1", none="languages as they are", metavar="LANG=W"
    )
    max_vocab_size: int | None = setting(
        None, "bound of the vocabulary where vocab_size is not given", none="32,768", metavar="N"
    )

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise BadInput(f"no algorithm is called '{self.algorithm}'; known: {', '.join(ALGORITHMS)}")
        check_above_zero("vocab_size", self.vocab_size)
        check_above_zero("sample_mb", self.sample_mb)
        check_above_zero("max_vocab_size", self.max_vocab_size)

    @property
    def settings(self) -> dict[str, Any]:
        """As a manifest records it."""
        names = ("algorithm", "vocab_size", "seed", "sample_mb")
        bound = {} if self.vocab_size or self.max_vocab_size is None else {"max_vocab_size": self.max_vocab_size}
        weights = dict(self.weights) if self.weights is not None else None
        return {name: getattr(self, name) for name in names} | {"weights": weights} | bound


@dataclass(frozen=True)
class Split:
    """Which documents validate: a share of all, by a hash of the text, so that exact copies are never on both sides.

    Near copies of one cluster have one survivor in a corpus, whose copies all say the same text. Raises BadInput for a
    share that is none.
    """

    stage: ClassVar[str] = "split"

    fraction: float = setting(0.01, "share of the documents that validate, from 0 to below 1", "ours", metavar="F")
    seed: int = setting(1, "draws them", metavar="N")

    def __post_init__(self) -> None:
        if not 0 <= self.fraction < 1:
            raise BadInput(f"{self.fraction} of the documents can't validate; give a share from 0 to below 1")

    @property
    def settings(self) -> dict[str, Any]:
        """As a manifest records it."""
        return {"val_fraction": self.fraction, "seed": self.seed}

    def of(self, text: bytes) -> str:
        """TRAIN or VAL. text: of a document, in UTF-8."""
        hashed = blake2b(text, digest_size=8, key=self.seed.to_bytes(8, "little", signed=True)).digest()
        return VAL if int.from_bytes(hashed, "little") < self.fraction * (1 << 64) else TRAIN


@dataclass(frozen=True)
class PlanSettings:
    """Which documents make which training rows, and how often.

    Raises BadInput for values that can't be.
    """

    stage: ClassVar[str] = "plan"

    name: str = setting("main", "name of the plan, a folder's among the shards", metavar="NAME")
    context: int = setting(1024, "tokens that the model sees at once; a row has one more, for targets", metavar="N")
    seed: int = setting(1, "draws the order of the documents", metavar="N")
    packing: str = setting(
        CONCAT,
        "concat: documents one after the other, nothing is lost; bos_bestfit: every row begins with a document",
        "bos_bestfit: as nanochat packs",
        choices=PACKINGS,
    )
    epochs: float | None = setting(None, "how often documents are seen", none="1, unless tokens is given", metavar="E")
    tokens: int | None = setting(
        None, "tokens in all, documents repeated or left out as needed", none="by epochs", metavar="N"
    )
    mixture: Weights | None = setting(
        None,
        "shares of the tokens, such as en=3 pt=1; what is not named is left out",
        none="as the documents are",
        metavar="NAME=W",
    )
    by: str = setting("language", "what the names of the mixture are", choices=MIXED_BY)

    def __post_init__(self) -> None:
        if self.mixture is not None:  # in one order, so that equal mixtures are equal plans
            object.__setattr__(self, "mixture", tuple(sorted(dict(self.mixture).items())))
        check_above_zero("context", self.context)
        check_above_zero("epochs", self.epochs)
        check_above_zero("tokens", self.tokens)
        for name, value, known in (("packing", self.packing, PACKINGS), ("by", self.by, MIXED_BY)):
            if value not in known:
                raise BadInput(f"a plan has no {name} '{value}'; known: {', '.join(known)}")
        if self.epochs is not None and self.tokens is not None:
            raise BadInput("a plan takes epochs or tokens, not both; leave one out")
        for name, weight in self.mixture or ():
            check_above_zero(f"mixture of {name}", weight)

    @property
    def settings(self) -> dict[str, Any]:
        """As a manifest records it."""
        return asdict(self)

    def copies(self, train: Mapping[str, Any]) -> dict[str, float] | float:
        """How often documents are seen, by language or dump.

        train: counts of the documents that train: their tokens, and the same by language and dump.
        Raises BadInput for a mixture of what is not there.
        """
        wanted = self.tokens if self.tokens is not None else (self.epochs or 1.0) * train["tokens"]
        if self.mixture is None:
            return wanted / train["tokens"]
        have, shares = train[f"{self.by}s"], dict(self.mixture)
        if strange := sorted(set(shares) - set(have)):
            raise BadInput(f"--mixture: no {self.by} {', '.join(strange)} to train on; there are {', '.join(have)}")
        whole = sum(shares.values())
        return {name: wanted * share / whole / have[name]["tokens"] for name, share in shares.items()}


def check_above_zero(name: str, value: float | None) -> None:
    if value is not None and not 0 < value < math.inf:
        raise BadInput(f"{name} is a number above 0, not {value}")
