"""Words of languages with splitters of their own, and what is remembered of them."""

from __future__ import annotations

import time

import pytest

from transforms.steps.text import dictionaries as module
from transforms.steps.text.dictionaries import DICTIONARIES, Dictionary, LineSplitter, dictionary_of, splitters_of
from transforms.steps.text.words import require, sentence_count, words

ZWNJ, ZWJ = "\u200c", "\u200d"
TEXTS = {
    "zh": "我们去北京大学！\n2024年，学生参加比赛。",
    "ja": "選挙管理委員会は、東京都で会議を開いた。",
    "th": "ประเทศไทยมีเมืองหลวงคือกรุงเทพมหานคร",
    "vi": "Trường đại học Bách khoa Hà Nội, thành lập năm 1956.",
    "ko": "나는 어제 학교에서 친구를 만났다.",
    "hi": "यह किताब 12,5 रुपये की है। (अच्छा)",
}


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("zh", "我们 去 北京大学 ！ 2024 年 ， 学生 参加 比赛 。"),
        ("ja", "選挙 管理 委員 会 は 、 東京 都 で 会議 を 開い た 。"),  # mode A: the shortest
        ("th", "ประเทศ ไทย มี เมืองหลวง คือ กรุงเทพมหานคร"),
        ("ko", "나 는 어제 학교 에서 친구 를 만나 었 다 ."),
        ("hi", "यह किताब 12,5 रुपये की है । ( अच्छा )"),
    ],
)
def test_words(language: str, expected: str) -> None:
    found = words(TEXTS[language], language)
    if language == "ko":  # Kiwi's endings overlap: 만났 is 만나 and 었
        assert found[:7] == tuple(expected.split())[:7] and found[-1] == "."
    else:
        assert found == tuple(expected.split())


def test_vietnamese_words_have_syllables() -> None:
    assert words(TEXTS["vi"], "vi") == (
        *("Trường", "đại học", "Bách khoa", "Hà Nội", ",", "thành lập", "năm", "1956", "."),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12-10-2020", ["12", "-", "10", "-", "2020"]),  # a hyphen is no sign within numbers, as indic-nlp has it
        ("3.5,7:1/2", ["3.5,7:1/2"]),
        ("अ.आ 5.", ["अ", ".", "आ", "5", "."]),
        ("॥a॥", ["॥", "a", "॥"]),
        (f"क{ZWJ}ष श्री क्षेत्र", [f"क{ZWJ}ष", "श्री", "क्षेत्र"]),  # conjuncts stay whole
    ],
)
def test_hindi_signs_are_words_but_in_numbers(text: str, expected: list[str]) -> None:
    assert list(words(text, "hi")) == expected


@pytest.mark.parametrize("language", sorted(DICTIONARIES))
def test_no_character_is_lost(language: str) -> None:
    text = TEXTS[language] + "\n\nA1 ok"
    if language != "ko":  # whose endings overlap
        assert "".join("".join(words(text, language)).split()) == "".join(text.split())
    assert words("", language) == words(" \n\t ", language) == ()


@pytest.mark.parametrize("language", sorted(DICTIONARIES))
@pytest.mark.parametrize("text", ["a\ud800b", "\x00\x01", "\u200b\ufeff", "😀" * 3, "e\u0301\u0316", "{}[]|\\"])
def test_odd_characters_are_no_error(language: str, text: str) -> None:
    assert all(word.strip() == word != "" for word in words(text, language))
    assert sentence_count(text, language) == 1


def test_languages_without_one_have_spacys_rules() -> None:
    assert dictionary_of("en") is None and dictionary_of("km") is None
    assert dictionary_of("yue") is dictionary_of("wuu") is DICTIONARIES["zh"]
    assert words("唔該晒", "yue") == words("唔該晒", "zh")
    assert splitters_of(("en", "zh", "yue", "ja")) == ["jieba", "SudachiPy", "SudachiDict-core"]


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("zh", "他来了。我走了！\n好", 3),
        ("ja", "来た。見た。\n\n勝った", 4),
        ("hi", "यह है। वह है।", 2),
        ("th", "มา ไป", 1),
    ],
)
def test_sentences_are_counted_line_by_line(language: str, text: str, sentences: int) -> None:
    assert sentence_count(text, language) == sentences


def counting(asked: list[str], max_chars: int = 1_000) -> LineSplitter:
    def split(line: str) -> list[str]:
        asked.append(line)
        return line.split("|")

    return LineSplitter(Dictionary(lambda: split, max_chars), {"a": "w", ".": "t"})


def test_a_line_is_asked_once() -> None:
    asked: list[str] = []
    splitter = counting(asked)
    assert splitter.words("a|b\n c | |d\na|b") == ("a", "b", "c", "d", "a", "b")
    assert splitter.words("a|b") == ("a", "b")
    assert asked == ["a|b", " c | |d"]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMORY_BYTES", 3_000)
    asked: list[str] = []
    splitter = counting(asked, 10_000)
    lines = [f"line {number}" for number in range(50)]
    assert splitter.words("\n".join(lines)) == tuple(lines)
    assert splitter._bytes <= 3_000 + 400
    assert 0 < len(splitter._memory) < 20
    splitter.words("line 0")
    assert asked == [*lines, "line 0"]  # forgotten, so asked again: to the same words


def test_endless_lines_are_split_in_pieces_and_long_texts_by_signs() -> None:
    asked: list[str] = []
    splitter = counting(asked, 5_000)
    words = splitter.words("x" * 4_500 + "\n" + "y" * 600 + ",z")
    assert list(map(len, asked)) == [2_000, 2_000, 500, 500]
    assert words == ("x" * 2_000, "x" * 2_000, "x" * 500, "y" * 500, "y" * 100, ",", "z")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "text"), [("zh", "我"), ("ja", "選挙は"), ("th", "1"), ("vi", "a."), ("ko", "나")]
)
def test_no_megabyte_takes_long(language: str, text: str) -> None:
    """The worst found for each, of letters, digits, signs and addresses again and again."""
    require(language)
    started = time.process_time()
    words(text, language)
    assert time.process_time() - started < 6
