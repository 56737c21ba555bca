"""Web text for new datasets: FINEWEB's rules with their holes closed, on text that keeps its structure.

FINEWEB does what FineWeb did; this does what it meant. What differs, and what each difference is for:

- Blocks of the page are chosen by a model of ours and written as Markdown: headings, lists, tables, code and formulas
  stay, and a page that holds its article twice is not emptied. trafilatura loses the h1 of three pages in four.
- The share of words with a letter is over words, as Gopher's paper says; datatrove counts punctuation as words.
- No document goes for one curly bracket: a line of code outside of any block of code does.
- C4's rules on lines spare headings, list items, tables and code; lines about JavaScript go only if they are notices.
- Repeated lines may be a tenth of a document, as FineWeb's prose and FineWeb2 say, and lines of blanks are no lines.
- A lead that the article repeats, and what a page says twice, is said once before repetition is measured.
- Encoding is mended (ftfy), spam in letters that only look Latin goes, and so do pages of a notice alone.
- A document goes as a duplicate only if one that stays has nine tenths of its words; FineWeb empties whole clusters.
- A language gate, the longest document of a cluster, and all values of every rule in the dataset: a stricter cut is a
  query, not another run.

Effects, which `bateia show web` tells with the settings, are shares of 526 English pages on which people marked an
article (benchmarks/curate/recipe_web.py): 96 % of them are kept, and 95 % of German, Russian, Polish and Greek ones.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.fineweb2 import gate_labels, read_codes
from pipelines.recipes.recipe import Recipe
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import STOP_WORDS, KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.filters.lookalikes import DropLookalikes
from transforms.steps.filters.notices import DropNotices
from transforms.steps.filters.repair import RepairText
from transforms.steps.filters.web_lines import CleanWebLines
from transforms.steps.text.languages import fineweb2_values

NAME = "web"
NO_BLANKS_WORD = 1  # least mean length of a word in languages whose words are one or two signs long
SHORT_WORDS = frozenset({"zh", "ja", "ko", "th", "vi"})


def web(*names: str) -> Recipe:
    """The recipe for some languages ("pt", "por" or "por_Latn"); for English without any.

    Raises BadInput for a language without values in FineWeb2's table, whose stop words are taken.
    """
    codes = read_codes(names) if names else ("en",)
    listed = dict(STOP_WORDS)
    stop_words = tuple((code, listed.get(code) or tuple((fineweb2_values(code) or {})["stopwords"])) for code in codes)
    short = SHORT_WORDS.issuperset(codes)
    documents = (
        KeepLanguages(codes, min_score=0.65),
        RepairText(bars=False),  # a table may have an empty row
        CleanWebLines(lorem_ipsum=0, min_sentences=3, min_line_words=3),
        DropNotices(max_chars=1500, max_share=0.3),
        DropLookalikes(max_share=0.1),
        KeepGopherRepetition(markdown=True),
        KeepGopherQuality(
            min_mean_word_length=NO_BLANKS_WORD if short else 3,
            count_punctuation=False,
            markdown=True,
            stop_words=stop_words,
        ),
        KeepFineWeb(
            min_line_punct=0.12,
            max_short_lines=0.67,
            max_char_dup=0.1,
            max_list_ratio=0.3,
            markdown=True,
        ),
    )
    extract = ExtractText(extractor="blocks", format="markdown", gate=LanguageGate(gate_labels(codes)))
    return FINEWEB.vary(
        replace(FINEWEB.curate, extract=extract, documents=documents),
        Deduplicate(scope="all", keep="longest", verify="contained", min_contained=0.9),
        name=NAME,
        about="web text with its structure, by FineWeb's rules with their holes closed, deduplicated over all crawls",
    )


WEB = web()
