# cython: language_level=3, boundscheck=False, wraparound=False
"""What characters.py looks for in every page and finds in few, in C; where this is not built, its expressions do it."""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND

cdef extern from "Python.h":
    unsigned int PyUnicode_READ(int kind, const void* data, Py_ssize_t index) nogil
    Py_ssize_t PyUnicode_FindChar(object text, Py_UCS4 char, Py_ssize_t start, Py_ssize_t end, int direction) except -2
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)

cdef enum:
    MOST_DIGITS = 8

ctypedef unsigned char Byte
ctypedef fused Letter:
    Byte
    unsigned short
    unsigned int


cdef bint any_impossible(const Letter* letters, Py_ssize_t size) noexcept nogil:
    """Without a branch, so that the compiler looks at many characters at once."""
    cdef Letter found = 0, letter
    cdef Py_ssize_t index
    for index in range(size):
        letter = letters[index]
        found |= (letter < 32) & (letter != 9) & (letter != 10) & (letter != 13)
        if Letter is not Byte:
            found |= ((letter & <Letter>0xFFFFF800) == 0xD800) | ((letter | 1) == 0xFFFF)
    return found != 0


def has_impossible(str html not None):
    """Whether one of characters.IMPOSSIBLE is in a page."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(html)
    cdef int kind = PyUnicode_KIND(html)
    cdef void* data = PyUnicode_DATA(html)
    if kind == 1:
        return any_impossible(<const Byte*>data, size)
    if kind == 2:
        return any_impossible(<const unsigned short*>data, size)
    return any_impossible(<const unsigned int*>data, size)


cdef bint stays(unsigned int number) noexcept nogil:
    """Whether characters._possible_reference leaves a reference to a character as it is."""
    if number < 160:
        return 32 <= number < 128 or number == 9 or number == 10 or number == 13
    return number < 0xD800 or 0xE000 <= number <= 0x10FFFF and number | 1 != 0xFFFF


cdef Py_ssize_t plain_reference(int kind, void* data, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    """Where a numeric reference ends that has a semicolon and stays as it is; -1 if none does. at: behind its "#"."""
    cdef unsigned int number = 0, char, low
    cdef int digits = 0, base = 10
    if at < size and (PyUnicode_READ(kind, data, at) | 32) == 120:  # "x"
        base = 16
        at += 1
    while at < size and digits <= MOST_DIGITS:
        char = PyUnicode_READ(kind, data, at)
        low = char | 32
        at += 1
        if 48 <= char <= 57:
            number = number * base + char - 48
        elif base == 16 and 97 <= low <= 102:
            number = number * base + low - 87
        else:
            return at if char == 59 and digits and stays(number) else -1
        digits += 1
    return -1


def without_references(str html not None, match, replace):
    """characters.REFERENCE.sub. match: its match, which is asked about the seldom ones; replace: for each of those."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(html), at = 0, end, last = 0
    cdef int kind = PyUnicode_KIND(html)
    cdef void* data = PyUnicode_DATA(html)
    cdef unsigned int char
    cdef list pieces = []
    while True:
        at = PyUnicode_FindChar(html, 38, at, size, 1)  # "&"
        if at < 0 or at + 2 >= size:
            break
        char = PyUnicode_READ(kind, data, at + 1)
        if char == 35:  # "#"
            end = plain_reference(kind, data, at + 2, size)
            if end >= 0:
                at = end
                continue
        elif char != 38 or PyUnicode_READ(kind, data, at + 2) != 35:
            at += 1
            continue
        found = match(html, at)
        if found is None:
            at += 1
            continue
        pieces.append(PyUnicode_Substring(html, last, at))
        pieces.append(replace(found))
        at = last = found.end()
    if not pieces:
        return html
    pieces.append(PyUnicode_Substring(html, last, size))
    return "".join(pieces)
