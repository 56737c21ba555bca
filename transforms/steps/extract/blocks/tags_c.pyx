# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""tags.py in C: what a tag's name, class, id and role say, read where they stand on the page.

Nothing is remembered from page to page. Whatever is not of ASCII characters is left to tags.py.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from libc.string cimport strlen

from transforms.steps.extract.blocks import tags

cdef extern from "Python.h":
    unsigned int PyUnicode_READ(int kind, const void* data, Py_ssize_t index) nogil
    bint Py_UNICODE_ISSPACE(unsigned int char) nogil
    Py_ssize_t PyUnicode_FindChar(object text, Py_UCS4 char, Py_ssize_t start, Py_ssize_t end, int direction) except -2
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)
    object PyType_GenericAlloc(PyTypeObject* type, Py_ssize_t items)

cdef enum:
    PLACES = 256  # of the table of names, a power of two
    LONGEST_NAME = 16  # letters of a name in that table
    STATES = 1024
    LETTERS = 26
    FIELDS = 6  # of a Tag

cdef object Tag = tags.Tag
cdef object BLOCK = tags.BLOCK
cdef object attributes = tags.attributes
cdef object value_mask = tags.value_mask
cdef Py_ssize_t LONGEST = tags.LONGEST_REMEMBERED
cdef long long POPUP = tags.POPUP, FOOT = tags.FOOT
cdef list NAMES = list(tags.BLOCKS)
cdef list CODES = [tags.TAG_CODE[name] for name in NAMES]
cdef list GROUPS = [tags.GROUP[name] for name in NAMES]
cdef list ROOM_BITS = [tags.ROOM_BIT.get(name, 0) for name in NAMES]
cdef list SIGNS = [f"{name} " for name in NAMES]
assert CODES == list(range(len(NAMES))) and len(Tag._fields) == FIELDS


# --- Names ------------------------------------------------------------------------------------------------------------

cdef struct Name:
    unsigned long long first, second  # its letters
    int number

cdef Name TABLE[PLACES]


cdef inline unsigned int place_of(unsigned long long first, unsigned long long second) noexcept nogil:
    return ((first ^ second * 31) * 0x9E3779B97F4A7C15ULL) >> 56


def put(name: str, int number):
    cdef unsigned long long letters[2]
    cdef unsigned int place
    letters[0] = letters[1] = 0
    for index, letter in enumerate(name.encode()):
        letters[index >> 3] |= <unsigned long long>letter << 8 * (index & 7)
    place = place_of(letters[0], letters[1])
    while TABLE[place].number != OTHER:
        place = (place + 1) % PLACES
    TABLE[place].first, TABLE[place].second, TABLE[place].number = letters[0], letters[1], number
    return number


for place in range(PLACES):
    TABLE[place].number = OTHER
for code, name in enumerate(NAMES):
    put(name, code)
LINK_NAME, BREAK_NAME, RULE_NAME, IMAGE_NAME, SPAN_NAME, FORMULA_NAME = (
    put(name, len(NAMES) + number) for number, name in enumerate(("a", "br", "hr", "img", "span", "mjx-math"))
)
assert max(map(len, NAMES)) <= LONGEST_NAME and 4 * len(NAMES) < PLACES


cdef int find_name(int kind, void* data, Py_ssize_t at, Py_ssize_t end, Py_ssize_t* name_end) noexcept nogil:
    """tags.NAME: a tag's name, in any case of letters, as a block's code or one of the numbers above."""
    cdef unsigned long long letters[2]
    cdef unsigned int char
    cdef int length = 0
    cdef unsigned int place
    letters[0] = letters[1] = 0
    while at + length < end:
        char = PyUnicode_READ(kind, data, at + length)
        if char == 32 or char == 47 or char == 62:  # "/", ">"
            break
        if char >= 128:
            return ODD
        if char < 32 and Py_UNICODE_ISSPACE(char):
            break
        if length == LONGEST_NAME or char == 0:
            return OTHER
        if 65 <= char <= 90:
            char |= 32
        letters[length >> 3] |= <unsigned long long>char << 8 * (length & 7)
        length += 1
    name_end[0] = at + length
    place = place_of(letters[0], letters[1])
    while TABLE[place].number != OTHER:
        if TABLE[place].first == letters[0] and TABLE[place].second == letters[1]:
            return TABLE[place].number
        place = (place + 1) % PLACES
    return OTHER


# --- Hints ------------------------------------------------------------------------------------------------------------

# All hints at once, as Aho and Corasick find them: from each state, which is the longest end of what was read that a
# hint begins with, each letter leads to another.
cdef unsigned short STEP[STATES][LETTERS]
cdef unsigned int FOUND[STATES]  # bits of the hints that end there
cdef unsigned int WHOLE[STATES]  # bits of the hints that are a whole word
cdef int DEPTH[STATES]


def learn():
    """Fill these tables."""
    steps, found, whole, depths = [{}], [0], [0], [0]
    for bit, hints in enumerate(tags.HINTS.values()):
        for hint in hints.split("|"):
            word, state = hint.strip("^$"), 0
            if not (word.isascii() and word.isalpha() and word.islower()) or hint not in (word, f"^{word}$"):
                raise ValueError(f"a hint is small letters, between ^ and $ if it is a whole word: {hint}")
            for letter in word:
                if letter not in steps[state]:
                    steps[state][letter] = len(steps)
                    depths.append(depths[state] + 1)
                    steps.append({})
                    found.append(0)
                    whole.append(0)
                state = steps[state][letter]
            if hint == word:
                found[state] |= 1 << bit
            else:
                whole[state] |= 1 << bit
    shorter = [0] * len(steps)  # the next longest end of what a state stands for
    order = [0]
    for state in order:
        for number in range(LETTERS):
            letter = chr(97 + number)
            fallen = STEP[shorter[state]][number] if state else 0
            if letter in steps[state]:
                longer = steps[state][letter]
                order.append(longer)
                shorter[longer] = fallen
                found[longer] |= found[fallen]
            STEP[state][number] = steps[state].get(letter, fallen)
        FOUND[state], WHOLE[state], DEPTH[state] = found[state], whole[state], depths[state]
    assert len(order) == len(steps) <= STATES


learn()


cdef long long mask_of(str page, int kind, void* data, Py_ssize_t at, Py_ssize_t end) except -1:
    """tags.value_mask of what stands in a place. Words are runs of small letters, or of capitals; a single capital
    belongs to what follows it."""
    cdef Py_ssize_t index, stop = end if end - at < LONGEST else at + LONGEST
    cdef int state = 0, length = 0, capitals = 0
    cdef unsigned int mask = 0
    cdef unsigned int char
    for index in range(at, stop):
        char = PyUnicode_READ(kind, data, index)
        if 97 <= char <= 122:
            if capitals > 1:
                if DEPTH[state] == length:
                    mask |= WHOLE[state]
                state = length = 0
            capitals = 0
        elif 65 <= char <= 90:
            if capitals == 0 and length:
                if DEPTH[state] == length:
                    mask |= WHOLE[state]
                state = length = 0
            capitals += 1
            char |= 32
        elif char < 128:
            if DEPTH[state] == length:
                mask |= WHOLE[state]
            state = length = capitals = 0
            continue
        else:
            return value_mask(PyUnicode_Substring(page, at, end))
        state = STEP[state][char - 97]
        mask |= FOUND[state]
        length += 1
    if DEPTH[state] == length:
        mask |= WHOLE[state]
    return mask


# --- Attributes -------------------------------------------------------------------------------------------------------

cdef inline bint stands(int kind, void* data, Py_ssize_t at, Py_ssize_t end, const char* word) noexcept nogil:
    """Whether a word stands there."""
    while word[0]:
        if at >= end or PyUnicode_READ(kind, data, at) != <unsigned char>word[0]:
            return False
        word += 1
        at += 1
    return True


cdef inline bint stands_so(int kind, void* data, Py_ssize_t at, Py_ssize_t end, const char* word) noexcept nogil:
    """The same of a word of small letters, in any case of ASCII letters."""
    while word[0]:
        if at >= end or (PyUnicode_READ(kind, data, at) | 32) != word[0]:
            return False
        word += 1
        at += 1
    return True


cdef bint may_be_formula(int kind, void* data, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Whether ath, tex or mjx stands in a place, in any case of letters: one does in all that tags.TEX_IMAGE and
    tags.GHOSTS are looked for in."""
    cdef unsigned int char, before = 0, first = 0
    while at < end:
        char = PyUnicode_READ(kind, data, at) | 32
        if char == 104:
            if before == 116 and first == 97:
                return True
        elif char == 120 and (before == 101 and first == 116 or before == 106 and first == 109):
            return True
        first, before = before, char
        at += 1
    return False


cdef struct Attributes:
    Py_ssize_t class_at, class_end
    long long mask


cdef inline bint is_word(unsigned int char) noexcept nogil:
    return 97 <= (char | 32) <= 122 or 48 <= char <= 57 or char == 95


cdef Py_ssize_t after_blanks(int kind, void* data, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    while at < end and Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, at)):
        at += 1
    return at


cdef bint hides(int kind, void* data, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """tags.HIDDEN, of ASCII characters."""
    cdef const char* value
    cdef Py_ssize_t next
    while at < end:
        value = NULL
        if stands_so(kind, data, at, end, "display"):
            value, next = "none", at + 7
        elif stands_so(kind, data, at, end, "visibility"):
            value, next = "hidden", at + 10
        at += 1
        if value is not NULL:
            next = after_blanks(kind, data, next, end)
            if next < end and PyUnicode_READ(kind, data, next) == 58:  # ":"
                if stands_so(kind, data, after_blanks(kind, data, next + 1, end), end, value):
                    return True
    return False


cdef const char* KEYS[6]
KEYS[0], KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5] = "class", "id", "role", "itemprop", "style", "hidden"


cdef int all_attributes(str page, int kind, void* data, Py_ssize_t at, Py_ssize_t end, Attributes* found) except -1:
    """tags.attributes, of ASCII characters."""
    cdef Py_ssize_t value_at, value_end, next
    cdef unsigned int char
    cdef bint in_word = False
    cdef int key
    while at < end:
        char = PyUnicode_READ(kind, data, at)
        key = 6
        if not in_word:
            key = 0
            while key < 6 and not stands_so(kind, data, at, end, KEYS[key]):
                key += 1
        if key == 6:
            in_word = is_word(char)
            at += 1
            continue
        at += strlen(KEYS[key])
        value_at = value_end = at
        next = after_blanks(kind, data, at, end)
        if next < end and PyUnicode_READ(kind, data, next) == 61:  # "="
            next = after_blanks(kind, data, next + 1, end)
            char = PyUnicode_READ(kind, data, next) if next < end else 62
            if char == 34 or char == 39:  # quotes
                value_end = PyUnicode_FindChar(page, char, next + 1, end, 1)
                if value_end >= 0:
                    value_at, at = next + 1, value_end + 1
                else:
                    value_end = value_at
            elif char != 62:  # ">"
                value_at = next
                while next < end:
                    char = PyUnicode_READ(kind, data, next)
                    if char == 34 or char == 39 or char == 62 or Py_UNICODE_ISSPACE(char):
                        break
                    next += 1
                value_end = at = next
        in_word = is_word(PyUnicode_READ(kind, data, at - 1))
        if key == 5 or (key == 4 and hides(kind, data, value_at, value_end)):
            found.mask |= POPUP
        elif value_end - value_at == 11 and stands(kind, data, value_at, value_end, "contentinfo"):
            found.mask |= FOOT
        elif key != 4:
            if key == 0 and found.class_at == found.class_end:
                found.class_at, found.class_end = value_at, value_end
            found.mask |= mask_of(page, kind, data, value_at, value_end)
    return 0


cdef Py_ssize_t until_quote(str page, Py_ssize_t at, Py_ssize_t end) except -1:
    cdef Py_ssize_t close = PyUnicode_FindChar(page, 34, at, end, 1)
    return close if close >= 0 else max(at, end - 1)


cdef object block_tag(str page, int kind, void* data, Py_ssize_t at, Py_ssize_t name_end, Py_ssize_t end, int code,
                      long long* mask):
    """tags.block_tag: of a start tag from at to end, whose name ends at name_end."""
    cdef Py_ssize_t index, class_at = -1, id_at = -1
    cdef Attributes found
    cdef bint other_id = False, other = 65 <= PyUnicode_READ(kind, data, at) <= 90
    cdef unsigned int char, before = 0, seen = 0
    cdef str sign
    found.class_at = found.class_end = found.mask = 0
    # What tags.common_attributes looks for, and whether it would give None
    for index in range(name_end, end):
        char = PyUnicode_READ(kind, data, index)
        seen |= char
        if char == 105:
            if stands(kind, data, index, end, "id"):
                if before == 32 and id_at < 0 and stands(kind, data, index, end, "id=\""):
                    id_at = index + 4
                elif before == 32 or before == 9 or before == 10:
                    other_id = True
            elif stands(kind, data, index, end, "itemprop"):
                other = True
        elif char == 99:
            if class_at < 0 and stands(kind, data, index, end, "class"):
                if before == 32 and stands(kind, data, index, end, "class=\""):
                    class_at = index + 7
                else:
                    class_at = -2
        elif char == 114:
            other = other or stands(kind, data, index, end, "role")
        elif char == 104:
            other = other or stands(kind, data, index, end, "hidden")
        elif char == 110:
            other = other or stands(kind, data, index, end, "none")
        before = char
    if other or class_at == -2 or (id_at < 0 and other_id):
        if seen >= 128:
            classes, found.mask = attributes(PyUnicode_Substring(page, at, end))
            sign = SIGNS[code] + classes[:LONGEST]
        else:
            all_attributes(page, kind, data, name_end, end, &found)
            sign = None
    else:
        if class_at >= 0:
            found.class_at, found.class_end = class_at, until_quote(page, class_at, end)
            found.mask |= mask_of(page, kind, data, class_at, found.class_end)
        if id_at >= 0:
            found.mask |= mask_of(page, kind, data, id_at, until_quote(page, id_at, end))
        sign = None
    if sign is None:
        sign = SIGNS[code] + PyUnicode_Substring(page, found.class_at, min(found.class_end, found.class_at + LONGEST))
    mask[0] = found.mask | <long long>ROOM_BITS[code]
    return made(BLOCK, NAMES[code], CODES[code], GROUPS[code], mask[0], sign)


cdef inline void put_field(object tag, int index, object field):
    Py_INCREF(field)
    PyTuple_SET_ITEM(tag, index, field)


cdef object made(object kind, object name, object code, object group, object mask, object sign):
    """tags.Tag(…), in a tenth of the time."""
    cdef object tag = PyType_GenericAlloc(<PyTypeObject*>Tag, FIELDS)
    put_field(tag, 0, kind)
    put_field(tag, 1, name)
    put_field(tag, 2, code)
    put_field(tag, 3, group)
    put_field(tag, 4, mask)
    put_field(tag, 5, sign)
    return tag
