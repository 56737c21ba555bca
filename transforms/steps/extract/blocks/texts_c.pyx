# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""layout.py's tidy in C: the texts of a block, made of places on the page.

Written beside it; what is seldom is left to it. Tests compare both on pages of every kind.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from html.entities import html5, name2codepoint

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND

from transforms.steps.extract.blocks import layout
from transforms.steps.extract.blocks.source import LINE_BREAK, TEX

cdef extern from "Python.h":
    unsigned int PyUnicode_READ(int kind, const void* data, Py_ssize_t index) nogil
    bint Py_UNICODE_ISSPACE(unsigned int char) nogil
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)
    str PyUnicode_FromKindAndData(int kind, const void* data, Py_ssize_t size)

cdef object split_paragraphs = layout.PARAGRAPH_BREAK.split
cdef object tidy = layout.tidy
cdef object tidy_code = layout.tidy_code
cdef str BREAK_MARK = LINE_BREAK
cdef str TEX_MARK = TEX


# --- Characters -------------------------------------------------------------------------------------------------------

cdef enum:
    VISIBLE = 0
    BLANK = 1
    INVISIBLE = 2
    REFERENCE = 3  # "&"
    MARK = 4  # that stands for a formula or a line break, which Python reads
    LONGEST_ENTITY = 8

cdef unsigned char CLASS[256]
for code in range(256):
    CLASS[code] = INVISIBLE if code in layout.INVISIBLE else BLANK if chr(code).isspace() else VISIBLE
CLASS[38] = REFERENCE
CLASS[ord(LINE_BREAK)] = CLASS[ord(TEX)] = MARK

# The characters that html.unescape gives for the common names between & and ;
cdef dict ENTITIES = {name: ord(html5[f"{name};"]) for name in (*name2codepoint, "apos")}


cdef inline int class_of(unsigned int char) noexcept nogil:
    """How layout.tidy treats a character."""
    if char < 256:
        return CLASS[char]
    if char == 0xFEFF or char == 0xFFFE or char == 0xFFFF:
        return INVISIBLE
    return BLANK if Py_UNICODE_ISSPACE(char) else VISIBLE


cdef int entity(int kind, void* data, Py_ssize_t* at, Py_ssize_t end) except -2:
    """The character that a reference means whose "&" stands before a place, which is moved on; -1 if Python is to tell.

    A "&" that is none means itself.
    """
    cdef Py_ssize_t index = at[0]
    cdef unsigned int char
    cdef int number = 0, base = 10, length = 0
    cdef char name[LONGEST_ENTITY]
    if index == end:
        return -1
    char = PyUnicode_READ(kind, data, index)
    if char == 9 or char == 10 or char == 12 or char == 32 or char == 60 or char == 38 or char == 59:
        return 38
    if char != 35:  # "#"
        while index < end and length < LONGEST_ENTITY:
            char = PyUnicode_READ(kind, data, index)
            index += 1
            if char == 59:
                at[0] = index
                return ENTITIES.get(name[:length].decode(), -1)
            if not (97 <= (char | 32) <= 122 or 48 <= char <= 57):
                return -1
            name[length] = <char>char
            length += 1
        return -1
    index += 1
    if index < end and PyUnicode_READ(kind, data, index) | 32 == 120:  # "x"
        base = 16
        index += 1
    while index < end and number < 0xD800:
        char = PyUnicode_READ(kind, data, index)
        index += 1
        if 48 <= char <= 57:
            number = number * base + char - 48
        elif base == 16 and 97 <= (char | 32) <= 102:
            number = number * base + (char | 32) - 87
        else:
            if char != 59 or number < 32 or 127 <= number < 160 or number >= 0xD800:
                return -1
            at[0] = index
            return number
    return -1


# --- Texts ------------------------------------------------------------------------------------------------------------

cdef class Pieces:
    """What a block is made of."""

    def __init__(self, str page not None):
        self.page, self.kind, self.data = page, PyUnicode_KIND(page), PyUnicode_DATA(page)
        self.formulas = []

    def __dealloc__(self):
        PyMem_Free(self.places.at)
        PyMem_Free(self.letters)

    cdef int add(self, Py_ssize_t begin, Py_ssize_t end) except -1:
        push(&self.places, begin)
        return push(&self.places, end)

    cdef int add_formula(self, str tex) except -1:
        self.add(FORMULA, len(self.formulas))
        self.formulas.append(TEX_MARK + tex + TEX_MARK)
        return 0

    cdef int end(self, bint is_code, Py_ssize_t linked, list texts, Numbers* links) except -1:
        """As layout.Builder.flush: add the block's texts, and how many characters of each are linked."""
        cdef Py_ssize_t before = len(texts), share, size
        cdef str raw, text
        cdef list pieces
        if is_code or not self.tidied(linked, texts, links):
            del texts[before:]
            links.size = before
            raw = self.raw()
            pieces = [raw] if is_code else split_paragraphs(raw)
            for piece in pieces:
                text = tidy_code(raw) if is_code else tidy(piece)
                share = linked if len(pieces) == 1 else linked * len(piece) // len(raw)
                size = PyUnicode_GET_LENGTH(text)
                if size:
                    texts.append(text)
                    push(links, share if share < size else size)
        self.places.size = 0
        return 0

    cdef str raw(self):
        """The text of a block as layout.Builder gathers it."""
        cdef Py_ssize_t index, begin
        cdef list pieces = []
        for index in range(0, self.places.size, 2):
            begin = self.places.at[index]
            if begin >= 0:
                pieces.append(PyUnicode_Substring(self.page, begin, self.places.at[index + 1]))
            elif begin == FORMULA:
                pieces.append(self.formulas[self.places.at[index + 1]])
            else:
                pieces.append(" " if begin == SPACE else BREAK_MARK)
        return "".join(pieces)

    cdef bint tidied(self, Py_ssize_t linked, list texts, Numbers* links) except -1:
        """Add what layout.tidy makes of a block, and of each part of it between empty lines; False if Python is to."""
        cdef Py_ssize_t index, at, begin, end, length = 0, size = 0
        cdef Py_ssize_t passed = 0, start = 0, line = -1  # raw characters; where this part begins, and its last line
        cdef int kind = self.kind, char_class, code, blank = 0  # 1 for a space, 2 for a new line
        cdef bint parted = False
        cdef void* data = self.data
        cdef unsigned int char
        for index in range(0, self.places.size, 2):
            begin = self.places.at[index]
            length += self.places.at[index + 1] - begin if begin >= 0 else 1
        if self.room < length:
            PyMem_Free(self.letters)
            self.letters = <unsigned int*>PyMem_Realloc(NULL, 2 * length * sizeof(unsigned int))
            self.room = 2 * length if self.letters is not NULL else 0
            if self.letters is NULL:
                raise MemoryError
        for index in range(0, self.places.size, 2):
            begin, end = self.places.at[index], self.places.at[index + 1]
            if begin == SPACE:
                blank |= 1
                passed += 1
                continue
            if begin == LINE:
                if line >= 0:  # only blanks since the last one
                    self.put(size, linked * (line - start) // length, texts, links)
                    size, start, parted = 0, passed + 1, True
                line, blank = passed, 2
                passed += 1
                continue
            if begin == FORMULA:
                return False
            at = begin
            while at < end:
                char = PyUnicode_READ(kind, data, at)
                at += 1
                char_class = class_of(char)
                if char_class == REFERENCE:
                    code = entity(kind, data, &at, end)
                    if code < 0:
                        return False
                    char = code
                    line = -1
                    char_class = VISIBLE if code == 38 else class_of(char)
                if char_class == VISIBLE:
                    if blank:
                        if size:
                            self.letters[size] = 10 if blank & 2 else 32
                            size += 1
                        blank = 0
                    line = -1
                    self.letters[size] = char
                    size += 1
                elif char_class == BLANK:
                    blank |= 1
                elif char_class == INVISIBLE:
                    if not Py_UNICODE_ISSPACE(char):
                        line = -1
                else:
                    return False
            passed += end - begin
        self.put(size, linked * (passed - start) // length if parted else linked, texts, links)
        return True

    cdef int put(self, Py_ssize_t size, Py_ssize_t linked, list texts, Numbers* links) except -1:
        """As layout.Builder.add, of the letters gathered."""
        if size:
            texts.append(PyUnicode_FromKindAndData(4, self.letters, size))
            push(links, linked if linked < size else size)
        return 0
