# cython: language_level=3, boundscheck=False, wraparound=False
"""What Python's regular expressions look for in a page's source, found by going through its characters once, in C.

Each function says which expression it takes the place of; where this is not built, that expression does the same.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND

cdef extern from "Python.h":
    unsigned int PyUnicode_READ(int kind, const void* data, Py_ssize_t index) nogil
    bint Py_UNICODE_ISSPACE(unsigned int char) nogil
    Py_ssize_t PyUnicode_FindChar(object text, Py_UCS4 char, Py_ssize_t start, Py_ssize_t end, int direction) except -2
    Py_ssize_t PyUnicode_Find(object text, object part, Py_ssize_t start, Py_ssize_t end, int direction) except -2
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)

cdef enum:
    LONGEST_NAME = 8  # of the elements in source.NO_TEXT
    NAMES = 64  # of the table of their names, a power of two
    NO_OPENING = -1
    COMMENT = -2


cdef inline bint is_letter(unsigned int char) noexcept nogil:
    return 97 <= (char | 32) <= 122


cdef Py_ssize_t tag_end(object page, int kind, void* data, Py_ssize_t at, Py_ssize_t size) except -2:
    """source.ATTRIBUTES and ">": where a tag ends, -1 if it doesn't."""
    cdef unsigned int char
    cdef Py_ssize_t close
    while at < size:
        char = PyUnicode_READ(kind, data, at)
        if char == 62:  # ">"
            return at
        at += 1
        if char == 61:  # "="
            while at < size and Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, at)):
                at += 1
            if at < size:
                char = PyUnicode_READ(kind, data, at)
                if char == 34 or char == 39:  # quotes
                    close = PyUnicode_FindChar(page, char, at + 1, size, 1)
                    if close >= 0:
                        at = close + 1
    return -1


cdef bint next_tag(object page, int kind, void* data, Py_ssize_t at, Py_ssize_t size, Place* tag) except -1:
    """The next match of source.TAG from a place on; False if there is none."""
    cdef unsigned int char
    cdef bint closes
    while True:
        at = PyUnicode_FindChar(page, 60, at, size, 1)  # "<"
        if at < 0 or at + 1 >= size:
            return False
        tag.open = at
        char = PyUnicode_READ(kind, data, at + 1)
        closes = char == 47  # "/"
        if is_letter(char) or (closes and at + 2 < size and is_letter(PyUnicode_READ(kind, data, at + 2))):
            tag.end = tag_end(page, kind, data, at + 2, size)
            tag.named = True
            if tag.end >= 0:
                return True
        if closes or char == 33 or char == 63:  # "!", "?"
            tag.end = PyUnicode_FindChar(page, 62, at + 2, size, 1)
            tag.named = False
            if tag.end >= 0:
                return True
        at += 1


def split_tags(str page not None):
    """source.TAG.split(page)."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(page), at = 0
    cdef int kind = PyUnicode_KIND(page)
    cdef void* data = PyUnicode_DATA(page)
    cdef Place tag
    cdef list parts = []
    while next_tag(page, kind, data, at, size, &tag):
        parts.append(PyUnicode_Substring(page, at, tag.open))
        parts.append(PyUnicode_Substring(page, tag.open + 1, tag.end) if tag.named else None)
        at = tag.end + 1
    parts.append(PyUnicode_Substring(page, at, size))
    return parts


cdef bint find_closing(object page, int kind, void* data, Py_ssize_t size, unsigned long long name,
                       Place* tag) except -1:
    """source.CLOSING: the next end tag of a name from tag.end on, as where it starts and where its name ends."""
    cdef Py_ssize_t at = tag.end
    while True:
        at = PyUnicode_FindChar(page, 60, at, size, 1)
        if at < 0:
            return False
        if at + 2 < size and PyUnicode_READ(kind, data, at + 1) == 47:  # "/"
            if read_name(kind, data, at + 2, size, tag) == name:
                tag.open = at
                return True
        at += 1


cdef unsigned long long read_name(int kind, void* data, Py_ssize_t at, Py_ssize_t size, Place* tag) noexcept nogil:
    """The letters of a name, small ones, and into tag.end where it ends; 0 if it is longer than those that are looked
    for, or no name stands there."""
    cdef unsigned long long letters = 0
    cdef Py_ssize_t end = at
    cdef unsigned int char
    while end < size:
        char = PyUnicode_READ(kind, data, end)
        if not is_letter(char):
            tag.end = end
            return letters if char == 62 or char == 47 or Py_UNICODE_ISSPACE(char) else 0
        if end - at == LONGEST_NAME:
            return 0
        letters = letters << 8 | (char | 32)
        end += 1
    return 0


cdef class Silent:
    """Takes out of a page what source.without_silent does.

    names: of elements, in small ASCII letters, none longer than LONGEST_NAME. to_the_end: those of them that only their
    own end tags close. formula, unescape: source.formula, html.unescape.
    """

    cdef unsigned long long wanted[NAMES]  # letters of each name
    cdef unsigned long long letters[NAMES]  # the same in a table by place_of
    cdef int numbers[NAMES]  # of these
    cdef unsigned long long to_the_end  # bits of numbers
    cdef list names
    cdef int noscript, svg, title, script, math
    cdef object formula, unescape

    def __init__(self, names, to_the_end, formula, unescape):
        cdef unsigned long long letters
        cdef int place, number
        self.names, self.formula, self.unescape = list(names), formula, unescape
        if max(map(len, names)) > LONGEST_NAME or 3 * len(names) > NAMES:
            raise ValueError(f"a name of more than {LONGEST_NAME} letters, or too many of them: {names}")
        for place in range(NAMES):
            self.letters[place] = 0
        for number, name in enumerate(names):
            letters = int.from_bytes(name.encode(), "big")
            place = self.place_of(letters)
            self.wanted[number] = self.letters[place] = letters
            self.numbers[place] = number
            self.to_the_end |= <unsigned long long>(name in to_the_end) << number
        self.noscript, self.svg, self.title, self.script, self.math = (
            self.names.index(name) for name in ("noscript", "svg", "title", "script", "math")
        )

    cdef int place_of(self, unsigned long long letters) noexcept nogil:
        """Where a name stands, or would."""
        cdef int place = (letters * 0x9E3779B97F4A7C15ULL) >> 58
        while self.letters[place] and self.letters[place] != letters:
            place = (place + 1) % NAMES
        return place

    cdef int next_opening(self, object page, int kind, void* data, Py_ssize_t at, Py_ssize_t size,
                          Place* tag) except -3:
        """source.OPENING: the next one from a place on, as the number of its name, or one of those above."""
        cdef unsigned long long letters
        cdef unsigned int char
        cdef int place
        while True:
            at = PyUnicode_FindChar(page, 60, at, size, 1)
            if at < 0 or at + 1 >= size:
                return NO_OPENING
            tag.open = at
            at += 1
            char = PyUnicode_READ(kind, data, at)
            if char == 33:
                if at + 2 < size and PyUnicode_READ(kind, data, at + 1) == 45 == PyUnicode_READ(kind, data, at + 2):
                    tag.end = at + 3
                    return COMMENT
            elif is_letter(char):
                letters = read_name(kind, data, at, size, tag)
                if letters:
                    place = self.place_of(letters)
                    if self.letters[place]:
                        return self.numbers[place]

    def without_silent(self, str page not None, bint noscript):
        """source.without_silent."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(page), position = 0, name_end, end
        cdef int kind = PyUnicode_KIND(page), number
        cdef void* data = PyUnicode_DATA(page)
        cdef unsigned long long unclosed = 0
        cdef list kept = []
        cdef str title = ""
        cdef Place tag
        while True:
            number = self.next_opening(page, kind, data, position, size, &tag)
            if number == NO_OPENING:
                kept.append(PyUnicode_Substring(page, position, size))
                break
            kept.append(PyUnicode_Substring(page, position, tag.open))
            if number == COMMENT:
                position = PyUnicode_Find(page, "-->", tag.end - 2, size, 1) + 3
                if position < 3:
                    break
                continue
            name_end = tag.end
            end = tag_end(page, kind, data, name_end, size) + 1
            if end == 0:
                break
            if (
                number == self.noscript and noscript
                or number == self.svg and PyUnicode_READ(kind, data, end - 2) == 47
            ):
                position = end
                continue
            tag.end = end
            if unclosed >> number & 1 or not find_closing(page, kind, data, size, self.wanted[number], &tag):
                unclosed |= <unsigned long long>1 << number
                if self.to_the_end >> number & 1:
                    break
                position = end
                continue
            if number == self.title:
                title = title or self.unescape(PyUnicode_Substring(page, end, tag.open))
            elif number == self.math or number == self.script and may_be_formula(kind, data, name_end, end):
                content = PyUnicode_Substring(page, end, tag.open)
                kept.append(self.formula(self.names[number], PyUnicode_Substring(page, name_end, end), content))
            position = PyUnicode_FindChar(page, 62, tag.end, size, 1) + 1
            if position == 0:
                break
        kept.append(">")
        return "".join(kept), title


cdef bint may_be_formula(int kind, void* data, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Whether "math/" stands in a place, in any case of letters: if not, source.formula finds none in a script."""
    cdef const char* wanted = "math/"
    cdef int length
    while at + 5 <= end:
        length = 0
        while length < 5 and (PyUnicode_READ(kind, data, at + length) | 32) == wanted[length]:
            length += 1
        if length == 5:
            return True
        at += 1
    return False


cdef fused Letter:
    unsigned char
    unsigned short
    unsigned int


cdef inline unsigned int pair_at(const Letter* letters) noexcept nogil:
    """A number for a letter and the one behind it; of letters wider than a byte it may be that of others."""
    return (<unsigned int>letters[0] << 8 | <unsigned int>letters[1]) & 0xFFFF


cdef enum:
    MOST_WORDS = 64
    LONGEST_WORD = 32


cdef class Words:
    """Which of some ASCII words are in a text.

    Of each word is looked for what is seldom: its first capital, underscore or colon, or its first letter, and the
    letter behind that one. Most texts have such a pair in few places, so four pairs are looked at at once.
    """

    cdef unsigned char words[MOST_WORDS][LONGEST_WORD]
    cdef int lengths[MOST_WORDS]
    cdef int keys[MOST_WORDS]  # where in each word that letter is
    cdef int others[MOST_WORDS]  # the next word with the same key, or -1
    cdef int first[128]  # by letter, the first word with that one as its key
    cdef unsigned char pairs[1 << 16]  # 1 for the pairs of letters to look for

    def __init__(self, words):
        cdef int number, place
        for place in range(128):
            self.first[place] = -1
        for number, word in enumerate(words):
            if number >= MOST_WORDS or not 1 < len(word) <= LONGEST_WORD or not word.isascii():
                raise ValueError(f"more than {MOST_WORDS} words, or one of too few or too many letters: {word}")
            for place in range(len(word)):
                self.words[number][place] = ord(word[place])
            seldom = (place for place, letter in enumerate(word[:-1]) if letter.isupper() or letter in "_:")
            place = next(seldom, 0)
            self.lengths[number], self.keys[number] = len(word), place
            self.pairs[pair_at(<const unsigned char*>&self.words[number][place])] = 1
            self.others[number] = self.first[self.words[number][place]]
            self.first[self.words[number][place]] = number

    def found(self, str text not None):
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        cdef int kind = PyUnicode_KIND(text), number
        cdef void* data = PyUnicode_DATA(text)
        cdef unsigned long long there
        if kind == 1:
            there = self.bits(<const unsigned char*>data, kind, size)
        elif kind == 2:
            there = self.bits(<const unsigned short*>data, kind, size)
        else:
            there = self.bits(<const unsigned int*>data, kind, size)
        return {number for number in range(MOST_WORDS) if there >> number & 1}

    cdef unsigned long long bits(self, const Letter* letters, int kind, Py_ssize_t size) noexcept nogil:
        cdef unsigned long long there = 0
        cdef Py_ssize_t index = 0
        while index + 1 < size:
            if index + 4 < size and not (
                self.pairs[pair_at(letters + index)] | self.pairs[pair_at(letters + index + 1)]
                | self.pairs[pair_at(letters + index + 2)] | self.pairs[pair_at(letters + index + 3)]
            ):
                index += 4
                continue
            if self.pairs[pair_at(letters + index)]:
                there |= self.words_at(kind, <void*>letters, index, size)
            index += 1
        return there

    cdef unsigned long long words_at(self, int kind, void* data, Py_ssize_t index, Py_ssize_t size) noexcept nogil:
        """Bits of the words whose looked-for letter is there."""
        cdef unsigned long long there = 0
        cdef Py_ssize_t start
        cdef unsigned int char = PyUnicode_READ(kind, data, index)
        cdef int place, number = self.first[char] if char < 128 else -1
        while number >= 0:
            start = index - self.keys[number]
            if start >= 0 and start + self.lengths[number] <= size:
                for place in range(self.lengths[number]):
                    if PyUnicode_READ(kind, data, start + place) != self.words[number][place]:
                        break
                else:
                    there |= <unsigned long long>1 << number
            number = self.others[number]
        return there
