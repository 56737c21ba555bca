"""A byte-level BPE tokenizer (Sennrich et al. 2016, arXiv 1508.07909) with GPT-4's split, that of cl100k_base."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.special_tokens import BEGIN, SPECIAL

# Words with the space or mark before them, numbers by three digits, runs of marks, white space; tiktoken, cl100k_base.
GPT4_SPLIT = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
SMALLEST = 256 + len(SPECIAL)


def train_bpe(texts: Iterable[str], vocab_size: int) -> str:
    """The text of a tokenizer.json. Special tokens come first, then the 256 bytes, then merges as they were learnt.

    Raises ValueError if the vocabulary can't hold the bytes, or the texts give too few merges for it.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    if vocab_size <= SMALLEST:
        raise ValueError(
            f"a vocabulary of {vocab_size} can't hold {SMALLEST} bytes and special tokens; take a larger one"
        )
    tokenizer: Any = Tokenizer(models.BPE())
    split: Any = pre_tokenizers.Split(Regex(GPT4_SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    options: Any = {"special_tokens": list(SPECIAL), "initial_alphabet": alphabet, "show_progress": False}
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=vocab_size, **options))
    if (size := tokenizer.get_vocab_size()) < vocab_size:
        raise ValueError(
            f"the sample is too small for a vocabulary of {vocab_size}: take at most {size}, or a larger sample"
        )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, SPECIAL.index(BEGIN))]
    )
    return tokenizer.to_str()
