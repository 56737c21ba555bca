"""The whole run of FineWeb for English: web pages to documents, to a corpus, to rows of tokens, to a small model.

Every number is in this file, but for the bounds on hostile pages (sizes, CPU seconds, memory): these are the steps'
own. `bateia show fineweb` prints all of them with what they mean. A number in a comment is a section of FineWeb's
paper (arXiv 2406.17557); where paper and code differ, the number is that of its code, datatrove 0.10.
"""

from pipelines.recipes.recipe import Recipe
from schemas.shards.layout import CONCAT
from trainer.settings import TrainRecipe
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.pii.scrub import ScrubPii
from transforms.steps.recipe import CorpusRecipe, CurateRecipe
from transforms.steps.tokens.settings import PlanSettings, Split, TrainTokenizer
from transforms.steps.urls.drop_blocked import DropBlockedUrls

FINEWEB = Recipe(
    name="fineweb",
    about="English web text as FineWeb filters and deduplicates it, by crawl",
    curate=CurateRecipe(
        pages=(DropBlockedUrls(blocklist="ut1", soft_words=2),),  # 3.3; two words: datatrove
        extract=ExtractText(extractor="trafilatura", favor="precision", deduplicate=True),  # 3.2
        documents=(
            KeepLanguages(("en",), min_score=0.65),  # 3.3
            KeepGopherRepetition(  # 3.3, by Gopher's table A1 (arXiv 2112.11446): the largest shares
                dup_para_frac=0.30,
                dup_para_char_frac=0.20,
                dup_line_frac=0.30,
                dup_line_char_frac=0.20,
                top_2_gram=0.20,
                top_3_gram=0.18,
                top_4_gram=0.16,
                dup_5_gram=0.15,
                dup_6_gram=0.14,
                dup_7_gram=0.13,
                dup_8_gram=0.12,
                dup_9_gram=0.11,
                dup_10_gram=0.10,
            ),
            KeepGopherQuality(  # 3.3, by Gopher's section A.1.1
                min_words=50,
                max_words=100_000,
                min_mean_word_length=3,
                max_mean_word_length=10,
                max_hash_ratio=0.1,
                max_ellipsis_ratio=0.1,
                max_bullet_lines=0.9,
                max_ellipsis_lines=0.3,
                min_alpha_words=0.8,
                min_stop_words=2,
            ),
            CleanC4(  # 3.5, by C4's section 2.2 and code, without its rule on terminal marks
                lorem_ipsum=0,
                curly_bracket=0,
                min_sentences=5,
                min_line_words=3,
                max_word_chars=1000,
            ),
            KeepFineWeb(  # 3.6
                min_line_punct=0.12,
                max_short_lines=0.67,
                short_line_chars=30,
                max_char_dup=0.01,  # the code; the prose says 0.1
                max_list_ratio=0.3,  # the code
            ),
        ),
        max_stage_drop=0.95,  # ours: a stage that drops more is broken
    ),
    corpus=CorpusRecipe(
        lines=None,
        pii=ScrubPii(style="placeholder"),  # FineWeb: e-mail and IP addresses; ours: more types, and placeholders
        dedup=Deduplicate(scope="dump", keep="first", shingle=5, bands=14, rows=8),  # 3.4: 112 hashes, by crawl
        max_removed=0.95,  # ours
    ),
    # FineWeb ends here; what follows is ours.
    tokenizer=TrainTokenizer("sentencepiece", vocab_size=None, sample_mb=100, seed=1),  # None: up to 32,768 tokens
    split=Split(fraction=0.01, seed=1),
    plan=PlanSettings("main", context=1024, seed=1, packing=CONCAT, epochs=None),  # None: once, or as many tokens
    train=TrainRecipe(
        model="nano",
        steps=500,
        batch_size=16,
        optimizer="muon",
        lr=None,  # 0.036 / √width: 0.0032 for nano
        schedule="wsd",
        warmup=None,  # 2 % of the steps
        decay=0.4,
        weight_decay=0.1,
        clip=1.0,
        seed=1,
    ),
)
