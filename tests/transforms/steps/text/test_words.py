"""Words and sentence counts against spaCy itself."""

import random
import string
import threading
from itertools import islice

import pytest
import spacy

from schemas.faults import BadInput
from support.paths import CORPUS
from transforms.steps.text import dictionaries
from transforms.steps.text import words as module
from transforms.steps.text.words import (
    PUNCTUATION,
    TERMINAL_MARKS,
    forget_words,
    require,
    require_installed,
    sentence_count,
    split_chunks,
    words,
)

PIECES = (
    *("The", "naïve", "don't", "cannot", "e.g.", "i.e", "p.m.", "3.5", "U.S.", "Dr.", "10km", "$5", "w/o", "x@y.z"),
    *("EE. UU.", "EE.", "UU.", "d'", "l'", "aujourd'hui", "z.B.", "http://a.b/c?d=1", "漢字", "٣", "’s", "'Cause"),
    *("...", "…", "!", "?", ".", ",", "(", ")", '"', "“", "”", "-", "–", "#", "。", "।", "😀"),
    *("\x00", "\ufeff", "\u200b", "\x85", "\xa0", "\u2028", "\u3000", "\x1c", "\x0b"),
    *(" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n"),
)


class Spacy:
    """What datatrove asks of spaCy."""

    def __init__(self, language: str) -> None:
        self.nlp = spacy.blank(language)
        self.nlp.add_pipe("sentencizer")

    def words(self, text: str) -> tuple[str, ...]:
        return tuple(token.text.strip() for token in self.nlp(text) if token.text.strip())

    def sentences(self, text: str) -> int:
        return sum(len(list(self.nlp(line).sents)) or 1 for line in text.split("\n"))


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "", ()),
        ("en", " \n\xa0 ", ()),
        ("en", "Don't (really) stop.", ("Do", "n't", "(", "really", ")", "stop", ".")),
        ("en", "at 10km, e.g. Dr. No\nU.S.", ("at", "10", "km", ",", "e.g.", "Dr.", "No", "U.S.")),
        ("fr", "l'an aujourd'hui", ("l'", "an", "aujourd'hui")),
        ("es", "en EE. UU., y EE.\nUU.", ("en", "EE. UU.", ",", "y", "EE", ".", "UU", ".")),
        ("de", "z.B. heute", ("z.B.", "heute")),
        ("und", "Don't stop.", ("Don't", "stop", ".")),
        ("klingon", "Don't stop.", ("Don't", "stop", ".")),
        ("punctuation", "a b", ("a", "b")),  # a module of spacy.lang, but no language
        ("en", "a\ud800b c", ("a", "\ufffd", "b", "c")),  # half a character, which spaCy refuses
    ],
)
def test_words(language: str, text: str, expected: tuple[str, ...]) -> None:
    assert words(text, language) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("no mark", 1),
        ("One. Two! Three?", 3),
        ("One.) Two", 2),
        ("One. (two", 2),  # the bracket belongs to the first
        ("One.) ...", 1),
        ("Wait... what", 1),  # '...' is one token and ends no sentence
        ("One.  .", 2),  # the second space is a token, and begins a sentence
        ("One. .", 1),
        ("One.\nTwo", 2),
        ("\n\n", 3),
    ],
)
def test_sentence_count(text: str, expected: int) -> None:
    assert sentence_count(text) == Spacy("en").sentences(text) == expected


@pytest.mark.parametrize("language", ["en", "pt", "es", "fr", "de", "ru", "tr", "xx"])
def test_equals_spacy_on_random_strings(language: str) -> None:
    reference, rng = Spacy(language), random.Random(language)
    for _ in range(400):
        text = "".join(rng.choice(PIECES) + rng.choice(("", " ")) for _ in range(rng.randint(0, 14)))
        assert words(text, language) == reference.words(text), repr(text)
        assert sentence_count(text, language) == reference.sentences(text), repr(text)


@pytest.mark.slow
def test_equals_spacy_on_real_pages() -> None:
    fastwarc, trafilatura = pytest.importorskip("fastwarc.warc"), pytest.importorskip("trafilatura")
    files = sorted((CORPUS / "public").glob("*.warc.gz"))
    if not files:
        pytest.skip(f"no corpus at {CORPUS}")
    reference = Spacy("en")
    with files[0].open("rb") as stream:
        for record in islice(fastwarc.ArchiveIterator(stream, fastwarc.WarcRecordType.response), 60):
            text = trafilatura.extract(record.reader.read()) or ""
            if max(map(len, text.split()), default=0) <= module.LONGEST_CHUNK:
                assert words(text) == reference.words(text)
                assert sentence_count(text) == reference.sentences(text)


def test_forgetting_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["Don't stop. (Now!)", "e.g. this", "Don't e.g. stop. Go", "this. (Now!)"]
    before = [(words(text), sentence_count(text)) for text in texts]
    monkeypatch.setattr(module, "MEMORY_BYTES", -1)
    words.cache_clear()
    assert [(words(text), sentence_count(text)) for text in texts] == before
    assert len(module._chunk_splitter("en").tokens) <= 4  # of the last text only


def test_a_chunk_is_split_alike_alone_and_among_others() -> None:
    text = "Don't stop. (Now!) e.g. this … isn't \ud800 it? “Yes” U.S."
    together = words(text), sentence_count(text)
    forget_words()
    alone = tuple(word for chunk in text.split() for word in words(chunk))
    assert (alone, sentence_count(text)) == together
    assert len(alone) > len(text.split())


def test_threads_do_not_forget_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMORY_BYTES", 2_000)
    wrong: list[str] = []

    def work(name: str) -> None:
        for i in range(200):
            text = " ".join(f"{name}{i * j}" for j in range(20))
            if words(text, "xx") != tuple(text.split()) or sentence_count(text, "xx") != 1:
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_endless_chunks_are_split_in_pieces() -> None:
    longest = "a" * module.LONGEST_CHUNK
    assert words(longest) == (longest,)
    assert words(longest + "a") == ("a" * module.PIECE,) * 10 + ("a",)
    assert sentence_count("x  " + longest + "a") == 1
    assert len(words("!" * 1_000_000)) == 1_000_000  # hours if spaCy had it whole


@pytest.mark.parametrize("language", ["bo", "km", "lo", "my"])
def test_languages_without_a_splitter_are_refused(language: str) -> None:
    with pytest.raises(BadInput, match="KeepLanguages"):
        require("en", language)
    with pytest.raises(BadInput, match=language):
        words("x", language)


@pytest.mark.parametrize(("language", "extra"), [("zh", "zh"), ("yue", "zh"), ("ja", "ja"), ("ko", "ko"), ("vi", "vi")])
def test_an_absent_splitter_is_named_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, language: str, extra: str
) -> None:
    monkeypatch.setattr(dictionaries, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=rf"not installed; bring it with: pip install -e '\.\[{extra}\]'$"):
        require_installed(("en", language))
    require_installed(("en", "hi", "xx"))  # white space does for these


def test_norwegian_has_spacys_rules() -> None:
    assert words("bl.a. det", "no") == Spacy("nb").words("bl.a. det") != words("bl.a. det", "xx")


def test_marks() -> None:
    enders = spacy.blank("xx").add_pipe("sentencizer").punct_chars  # type: ignore[attr-defined]
    assert enders < TERMINAL_MARKS < PUNCTUATION
    assert (len(TERMINAL_MARKS), len(PUNCTUATION)) == (159, 281)
    assert set("\"'#…»\r\0.?") <= PUNCTUATION
    assert not set("\t\n aé1•$€") & (PUNCTUATION - {"$"})


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "pt", "es", "fr", "de", "it", "tr", "id", "fi", "xx"])
def test_a_run_of_small_letters_is_what_spacy_makes_of_it(language: str) -> None:
    draw = random.Random(language)
    runs = {"".join(draw.choices(string.ascii_lowercase, k=draw.randint(1, 12))) for _ in range(3000)}
    runs |= {"cannot", "dont", "gonna", "im", "id", "ill", "dum", "zur", "km", "a" * 40}  # special cases, and none
    spacys = spacy.blank(language).tokenizer
    assert split_chunks(runs, language) == {run: tuple(token.text for token in spacys(run)) for run in runs}
