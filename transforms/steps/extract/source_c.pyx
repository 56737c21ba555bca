# cython: language_level=3, boundscheck=False, wraparound=False
"""What Python's regular expressions look for in a page's source, found by going through its characters once, in C.

Each function says which expression it takes the place of; where this is not built, that expression does the same.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ

cdef extern from "Python.h":
    Py_ssize_t PyUnicode_FindChar(object text, Py_UCS4 char, Py_ssize_t start, Py_ssize_t end, int direction) except -2
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)

cdef enum:
    LONGEST_NAME = 8  # of the elements in source.NO_TEXT
    MOST_DIGITS = 8


cdef inline bint is_letter(Py_UCS4 char) noexcept nogil:
    return 97 <= (<long>char | 32) <= 122


cdef inline bint is_impossible(Py_UCS4 char) noexcept nogil:
    """characters.IMPOSSIBLE."""
    if char < 32:
        return char != 9 and char != 10 and char != 13
    return 0xD800 <= char <= 0xDFFF or char == 0xFFFE or char == 0xFFFF


def is_possible(str html not None):
    """Whether characters.without_impossible gives the page as it is, which it does for nearly all.

    True only if no character is impossible, and every numeric reference has at most eight digits, a semicolon, stands
    alone, and means a character that is neither impossible nor of windows-1252.
    """
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(html), at = 0
    cdef int kind = PyUnicode_KIND(html)
    cdef void* data = PyUnicode_DATA(html)
    cdef const unsigned char* bytes = <const unsigned char*>data
    cdef unsigned char found = 0
    cdef Py_ssize_t index
    if kind == 1:  # without a branch, so that the compiler looks at many characters at once
        for index in range(size):
            found |= (bytes[index] < 32) & (bytes[index] != 9) & (bytes[index] != 10) & (bytes[index] != 13)
    else:
        for index in range(size):
            found |= is_impossible(PyUnicode_READ(kind, data, index))
    if found:
        return False
    while True:
        at = PyUnicode_FindChar(html, 38, at, size, 1)  # "&"
        if at < 0:
            return True
        at += 1
        if at < size and PyUnicode_READ(kind, data, at) == 35:  # "#"
            if at > 1 and PyUnicode_READ(kind, data, at - 2) in (38, 35, 88, 120):  # "&", "#", "X", "x"
                return False
            at = plain_reference(kind, data, at + 1, size)
            if at < 0:
                return False


cdef Py_ssize_t plain_reference(int kind, void* data, Py_ssize_t at, Py_ssize_t size) except -2:
    """Where a numeric reference ends that stays as it is; -1 if it may not. at: behind its "#"."""
    cdef long number = 0
    cdef long code
    cdef long low
    cdef int digits = 0, base = 10
    if at < size and (<long>PyUnicode_READ(kind, data, at) | 32) == 120:
        base = 16
        at += 1
    while at < size:
        code = <long>PyUnicode_READ(kind, data, at)
        low = code | 32
        if 48 <= code <= 57:
            number = number * base + code - 48
        elif base == 16 and 97 <= low <= 102:
            number = number * base + low - 87
        elif code == 59 and 0 < digits:  # ";"
            return -1 if number > 0x10FFFF or 0x80 <= number < 0xA0 or is_impossible(<Py_UCS4>number) else at + 1
        else:
            return -1 if digits else at
        digits += 1
        at += 1
        if digits > MOST_DIGITS:
            return -1
    return -1


cdef Py_ssize_t tag_end(object page, int kind, void* data, Py_ssize_t at, Py_ssize_t size) except -2:
    """source.ATTRIBUTES and ">": where a tag ends, -1 if it doesn't."""
    cdef Py_UCS4 char
    cdef Py_ssize_t close
    while at < size:
        char = PyUnicode_READ(kind, data, at)
        if char == 62:  # ">"
            return at
        at += 1
        if char == 61:  # "="
            while at < size and PyUnicode_READ(kind, data, at).isspace():
                at += 1
            if at < size:
                char = PyUnicode_READ(kind, data, at)
                if char == 34 or char == 39:  # quotes
                    close = PyUnicode_FindChar(page, char, at + 1, size, 1)
                    if close >= 0:
                        at = close + 1
    return -1


def split_tags(str page not None):
    """source.TAG.split(page)."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(page), start = 0, at = 0, end
    cdef int kind = PyUnicode_KIND(page)
    cdef void* data = PyUnicode_DATA(page)
    cdef Py_UCS4 char
    cdef bint closes
    cdef list parts = []
    while True:
        at = PyUnicode_FindChar(page, 60, at, size, 1)  # "<"
        if at < 0 or at + 1 >= size:
            break
        char = PyUnicode_READ(kind, data, at + 1)
        closes = char == 47  # "/"
        end = -1
        if is_letter(char) or (closes and at + 2 < size and is_letter(PyUnicode_READ(kind, data, at + 2))):
            end = tag_end(page, kind, data, at + 2, size)
            if end >= 0:
                parts.append(PyUnicode_Substring(page, start, at))
                parts.append(PyUnicode_Substring(page, at + 1, end))
                at = start = end + 1
                continue
        if closes or char == 33 or char == 63:  # "!", "?"
            end = PyUnicode_FindChar(page, 62, at + 2, size, 1)
            if end >= 0:
                parts.append(PyUnicode_Substring(page, start, at))
                parts.append(None)
                at = start = end + 1
                continue
        at += 1
    parts.append(PyUnicode_Substring(page, start, size))
    return parts


def find_closing(str page not None, str name not None, Py_ssize_t at):
    """source.find_closing: where an end tag starts and where its name ends; None if there is none."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(page), length = PyUnicode_GET_LENGTH(name), index, end
    cdef int kind = PyUnicode_KIND(page)
    cdef void* data = PyUnicode_DATA(page)
    cdef bytes letters = name.encode()
    cdef const char* wanted = letters
    cdef Py_UCS4 char
    while True:
        at = PyUnicode_FindChar(page, 60, at, size, 1)
        if at < 0:
            return None
        end = at + 2 + length
        if end < size and PyUnicode_READ(kind, data, at + 1) == 47:
            for index in range(length):
                char = PyUnicode_READ(kind, data, at + 2 + index)
                if not is_letter(char) or (<long>char | 32) != wanted[index]:
                    break
            else:
                char = PyUnicode_READ(kind, data, end)
                if char == 62 or char == 47 or char.isspace():
                    return at, end
        at += 1


cdef enum:
    MOST_WORDS = 64
    LONGEST_WORD = 32


cdef class Words:
    """Which of some ASCII words are in a text.

    Of each word is looked for what is seldom: its first capital, underscore or colon, or its first letter, and the
    letter behind that one.
    """

    cdef unsigned char words[MOST_WORDS][LONGEST_WORD]
    cdef int lengths[MOST_WORDS]
    cdef int keys[MOST_WORDS]  # where in each word that letter is
    cdef int others[MOST_WORDS]  # the next word with the same key, or -1
    cdef int first[128]  # by letter, the first word with that one as its key
    cdef unsigned char pairs[8192]  # bits of the pairs of letters to look for
    cdef bint starts[256]  # letters that a pair begins with

    def __init__(self, words):
        cdef int number, place, pair
        for place in range(128):
            self.first[place] = -1
        for place in range(8192):
            self.pairs[place] = 0
        for place in range(256):
            self.starts[place] = False
        for number, word in enumerate(words):
            if number >= MOST_WORDS or not 1 < len(word) <= LONGEST_WORD or not word.isascii():
                raise ValueError(f"more than {MOST_WORDS} words, or one of too few or too many letters: {word}")
            for place in range(len(word)):
                self.words[number][place] = ord(word[place])
            seldom = (place for place, letter in enumerate(word[:-1]) if letter.isupper() or letter in "_:")
            place = next(seldom, 0)
            self.lengths[number], self.keys[number] = len(word), place
            pair = self.words[number][place] << 8 | self.words[number][place + 1]
            self.pairs[pair >> 3] |= 1 << (pair & 7)
            self.starts[pair >> 8] = True
            self.others[number] = self.first[self.words[number][place]]
            self.first[self.words[number][place]] = number

    def found(self, str text not None):
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), index = -1, start
        cdef int kind = PyUnicode_KIND(text), number, place, pair
        cdef void* data = PyUnicode_DATA(text)
        cdef Py_UCS4 char
        cdef const unsigned char* bytes = <const unsigned char*>data
        cdef const unsigned short* wide = <const unsigned short*>data
        cdef unsigned long long there = 0
        while True:
            index += 1
            if kind == 1:
                while index + 1 < size:
                    if self.starts[bytes[index]]:
                        pair = bytes[index] << 8 | bytes[index + 1]
                        if self.pairs[pair >> 3] >> (pair & 7) & 1:
                            break
                    index += 1
            elif kind == 2:
                while index + 1 < size:
                    if wide[index] < 256 and self.starts[wide[index]] and wide[index + 1] < 256:
                        pair = wide[index] << 8 | wide[index + 1]
                        if self.pairs[pair >> 3] >> (pair & 7) & 1:
                            break
                    index += 1
            if index + 1 >= size:
                return {number for number in range(MOST_WORDS) if there >> number & 1}
            char = PyUnicode_READ(kind, data, index)
            if char >= 128:
                continue
            number = self.first[char]
            while number >= 0:
                start = index - self.keys[number]
                if start >= 0 and start + self.lengths[number] <= size:
                    for place in range(self.lengths[number]):
                        if PyUnicode_READ(kind, data, start + place) != self.words[number][place]:
                            break
                    else:
                        there |= <unsigned long long>1 << number
                number = self.others[number]


cdef class Openings:
    """Finds what source.OPENING does. names: of elements, in small ASCII letters, none longer than LONGEST_NAME."""

    cdef frozenset names

    def __init__(self, names):
        self.names = frozenset(name.encode() for name in names)
        if max(map(len, self.names)) > LONGEST_NAME:
            raise ValueError(f"a name of more than {LONGEST_NAME} letters: {names}")

    def find(self, str page not None, Py_ssize_t at):
        """The first from a place on: where it starts, where its name ends, and the name as it stands there, or "" for
        a comment; None if there is none."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(page), end
        cdef int kind = PyUnicode_KIND(page)
        cdef void* data = PyUnicode_DATA(page)
        cdef char name[LONGEST_NAME + 1]
        cdef Py_UCS4 char
        cdef int length
        while True:
            at = PyUnicode_FindChar(page, 60, at, size, 1)
            if at < 0:
                return None
            end = at + 1
            length = 0
            char = 0
            while end < size:
                char = PyUnicode_READ(kind, data, end)
                if length > LONGEST_NAME - 1 or not is_letter(char):
                    break
                name[length] = <char>(<long>char | 32)
                length += 1
                end += 1
            if length > 2 and end < size and (char == 62 or char == 47 or char.isspace()):
                if name[:length] in self.names:
                    return at, end, PyUnicode_Substring(page, at + 1, end)
            elif length == 0 and char == 33 and end + 2 < size:
                if PyUnicode_READ(kind, data, end + 1) == 45 and PyUnicode_READ(kind, data, end + 2) == 45:
                    return at, end + 3, ""
            at += 1
