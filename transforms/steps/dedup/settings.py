"""How documents are compared: their exact hash and MinHash bands, within a scope."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple

import numpy as np

from schemas.setting import setting
from transforms.steps.dedup.long_lines import long_lines
from transforms.steps.dedup.minhash import MinHash
from transforms.steps.dedup.shingles import WordHashes, shingles
from transforms.steps.step import Step
from transforms.steps.text.hashes import mix
from transforms.steps.text.languages import fineweb2_values

SCOPES = ("dump", "language", "all")
KEEPS = ("first", "longest")
VERIFIES = ("none", "contained")
MAX_REMEMBERED = 100_000  # signatures, about 50 MB
_EXACT_SALT = np.uint64(0xD6E8FEB86659FD93)  # keeps keys of exact hashes apart from keys of bands
_LINE_SALT = np.uint64(0xA0761D6478BD642F)  # and those of lines
# Pieces whose NFC forms, joined, are the NFC form of the whole. They are needed because NFC of a run of combining marks
# takes time quadratic in its length; only a run of more than 100 marks is cut, and may differ from the whole.
_PIECES = re.compile(r"[\w\s]*[^\w\s]{0,100}")
_FINEWEB = "FineWeb, arXiv 2406.17557, section 3.4"

# FineWeb2 (arXiv 2506.20920), section 5: how often a document is repeated for the size of its cluster, from that size.
REHYDRATION = ((1000, 1), (100, 8), (5, 5), (3, 3), (2, 2), (1, 1))


class Signature(NamedTuple):
    """What documents are compared by.

    exact: hash of the normalised text, 16 bytes
    bands: 8 bytes for each band, or None for a text of fewer words than a shingle has
    lines: 8 bytes for each long line, where lines lead to other documents
    """

    exact: bytes
    bands: bytes | None
    lines: bytes = b""


@dataclass(frozen=True)
class Deduplicate(Step):
    """Keeps one document of each cluster of equal or nearly equal ones.

    Two documents are linked if they share the hash of their normalised text or of a band of MinHash; clusters are the
    connected components of these links. With verify "none" one document of a cluster stays; with "contained" a document
    goes only if one that stays contains it, and the others of its cluster stay too. Raises ValueError for a scope, a
    keep or a verify that does not exist, and for a share that is none.
    """

    stage: ClassVar[str] = "dedup"

    scope: str = setting("dump", "only documents of one dump, of one language, or all are compared", _FINEWEB)
    keep: str = setting("longest", "survivor: first by (dump, id), or the longest text of these", "our choice")
    bands: int = setting(14, "bands; one shared links two documents", _FINEWEB)
    rows: int = setting(8, "hashes in a band", _FINEWEB)
    shingle: int = setting(5, "words of an n-gram; shorter texts are compared by exact hash only", _FINEWEB)
    seed: int = setting(1, "draws the hash functions", "datatrove's default")
    rehydrate: bool = setting(False, "add FineWeb2's rehydration_weight", "FineWeb2, arXiv 2506.20920, section 5")
    rehydrate_by_language: bool = setting(
        False,
        "by FineWeb2's weights of each language, up to 10",
        "FineWeb2, misc/rehydration/weights/up_to_10_reps.json",
    )
    verify: str = setting(
        "none", "none: a whole cluster goes; contained: what a document that stays contains", _FINEWEB
    )
    min_contained: float = setting(0.9, "least share of its words, in runs of three, for which a document goes", "ours")
    min_line: int | None = setting(
        60,
        "where documents are verified, least length of a line by which one is led to another that may contain it",
        "ours",
        none="lines lead nowhere",
    )

    def __post_init__(self) -> None:
        chosen = (("scope", self.scope, SCOPES), ("keep", self.keep, KEEPS), ("verify", self.verify, VERIFIES))
        for name, value, known in chosen:
            if value not in known:
                raise ValueError(f"Deduplicate has no {name} '{value}'; known: {', '.join(known)}")
        if not 0 < self.min_contained <= 1:
            raise ValueError(f"Deduplicate's min_contained {self.min_contained:g} is no share of words; give 0.9, say")

    @property
    def verified(self) -> bool:
        return self.verify != "none"

    @property
    def with_lines(self) -> bool:
        """Whether lines lead to other documents, beside bands."""
        return self.verified and self.min_line is not None

    @property
    def hashes(self) -> int:
        """Hash functions in all bands."""
        return self.bands * self.rows

    def share_linked(self, similarity: float) -> float:
        """Share of the pairs of documents of this Jaccard similarity that a band links."""
        return 1 - (1 - similarity**self.rows) ** self.bands

    @property
    def signature(self) -> dict[str, Any]:
        """The settings that signatures depend on: only corpora that agree in them can be compared."""
        return {"bands": self.bands, "rows": self.rows, "shingle": self.shingle, "seed": self.seed, "version": 1}


class Signer:
    """Signatures of texts. It remembers them, as many pages repeat. Not thread-safe: one for each thread."""

    def __init__(self, settings: Deduplicate) -> None:
        self._shingle = settings.shingle
        self._minhash = MinHash(settings.bands, settings.rows, settings.seed)
        self._words = WordHashes()
        self._min_line = settings.min_line if settings.verified else None
        self._signed: dict[tuple[bytes, str | None], Signature] = {}

    def __call__(self, text: str, language: str | None) -> Signature:
        key = digest(text), language
        if (known := self._signed.get(key)) is not None:
            return known
        if len(self._signed) >= MAX_REMEMBERED:
            self._signed.clear()
        signature = self._signed[key] = self._sign(text, language)
        return signature

    def _sign(self, text: str, language: str | None) -> Signature:
        ngrams = shingles(self._words(text, language), self._shingle)
        bands = self._minhash.band_hashes(ngrams).astype("<u8").tobytes() if len(ngrams) else None
        lower = text.lower()  # of a page it takes as long as to hash it
        lines = long_lines(lower, self._min_line) if self._min_line is not None else b""
        return Signature(digest(normalised(text, lower)), bands, lines)


def digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def normalised(text: str, lower: str | None = None) -> str:
    """The form of a text that exact duplicates share: NFC, lower case, each run of white space as one space.

    lower: the text in lower case, if it is known
    """
    if not unicodedata.is_normalized("NFC", text):
        text, lower = "".join(unicodedata.normalize("NFC", piece) for piece in _PIECES.findall(text)), None
    return " ".join((text.lower() if lower is None else lower).split())


def scope_salt(settings: Deduplicate, dump: str, language: str) -> np.uint64:
    """A number that is mixed into every key, so that documents of different scopes share no key."""
    name = {"dump": dump, "language": language, "all": ""}[settings.scope]
    return np.frombuffer(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), np.dtype("<u8"))[0]


def keys(exact: np.ndarray, bands: np.ndarray, salts: np.ndarray) -> np.ndarray:
    """Keys of documents, uint64 of shape (n, 1 + bands): documents that share one are linked.

    exact: half of the exact hash, uint64 of shape (n,)
    bands: uint64 of shape (n, bands)
    salts: of `scope_salt`, uint64 of shape (n,)
    """
    return mix(np.column_stack([exact ^ _EXACT_SALT, bands]) ^ salts[:, None])


def line_keys(lines: np.ndarray, salts: np.ndarray) -> np.ndarray:
    """Keys of lines, uint64 of shape (n,). lines: their hashes; salts: of their documents' `scope_salt`."""
    return mix(lines ^ _LINE_SALT ^ salts)


def rehydration_weight(cluster_size: int, language: str | None = None) -> int:
    """How often FineWeb2 would repeat a document. language: by whose weights; None for those of all languages."""
    return next(weight for least, weight in rehydration_steps(language) if cluster_size >= least)


@cache
def rehydration_steps(language: str | None) -> tuple[tuple[int, int], ...]:
    """(cluster size from which, weight), the largest first; REHYDRATION for a language that FineWeb2's table lacks."""
    values = fineweb2_values(language) if language is not None else None
    if values is None:
        return REHYDRATION
    return tuple((least, weight) for least, weight in reversed(values["rehydration"]))
