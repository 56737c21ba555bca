# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""A page's texts, tags and classes as numbers, in C: what shape.py, characters.py and lexicon.py make of them by arrays.

Each character is looked at once, and nothing of a page is remembered. Tests compare it with them.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

import numpy as np

from cpython.dict cimport PyDict_GetItem
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.string cimport memcpy, memset

from transforms.steps.extract.blocks import characters, features, lexicon, shape, tags

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)

cdef enum:
    # Rows of blocks, as shape.BLOCK_ROWS names them; the first are those of characters.KINDS.
    WIDE, BLANKS, LENGTH = 8, SIZE, WORDS, LINKED, NODE, LAST, TEXT, TITLED, KNOWN, OF_BLOCKS = 24
    # Rows of containers, as shape.NODE_ROWS names them.
    PARENT = 0, CODE, DEPTH, FIRST, END, SIGN, MASK, ABOVE, SAID, OF_NODES = 11
    KINDS = 8
    SETS = 3  # of votes of a word: in a text of few, in one of many, in a heading
    SHORTEST = 2  # letters of a word, as in lexicon.py
    LONGEST = 20
    MOST = 1000
    FEW = 8
    LONGEST_SIGN = 200
    TITLE_FROM = 6  # characters of a text that is looked for in the title, as in features.py
    TITLE_TO = 300
    PAIRS = 4096
    ASCII = 128
    TAGS = 64  # more than there are names of blocks
    LATELY = 256

assert shape.BLOCK_ROWS.index("length") == LENGTH == len(characters.KINDS) == KINDS
assert shape.BLOCK_ROWS[KNOWN:] == tuple(lexicon.NAMES) and len(shape.BLOCK_ROWS) == OF_BLOCKS
assert shape.NODE_ROWS.index("said_sum") == SAID and len(shape.NODE_ROWS) == OF_NODES
assert (lexicon.SHORTEST, lexicon.LONGEST, lexicon.MOST, lexicon.FEW) == (SHORTEST, LONGEST, MOST, FEW)
assert tags.LONGEST_REMEMBERED == LONGEST_SIGN and len(features.LEVEL_OF) < TAGS

cdef unsigned long long FNV_BASIS = lexicon.FNV_BASIS, FNV_PRIME = lexicon.FNV_PRIME
cdef unsigned long long SPREAD[256]  # a byte's bits, each in a byte of its own
cdef unsigned char LAST_ASCII[ASCII]
cdef dict LAST_OF = features.LAST
cdef unsigned char SEPARATES[ASCII]  # what str.split splits at
cdef unsigned char STRIPPED[ASCII]
cdef bint IS_HEADING[TAGS]
for number in range(256):
    SPREAD[number] = sum((number >> bit & 1) << 8 * bit for bit in range(8))
for number in range(ASCII):
    LAST_ASCII[number] = LAST_OF.get(chr(number), 0)
    SEPARATES[number] = chr(number).isspace()
    STRIPPED[number] = chr(number) in "0123456789-_"

for number in range(len(features.LEVEL_OF)):
    IS_HEADING[number] = features.LEVEL_OF[number] > 0

ctypedef fused Chars:
    unsigned char
    unsigned short
    unsigned int


cdef struct Table:
    # A hash table of words, see lexicon.hashed: which hash and which row stands in a place.
    const unsigned long long* keys
    const int* rows
    unsigned long long mask


cdef inline int row_of(const Table* table, unsigned long long state) noexcept nogil:
    """The row of a word by its hash, -1 if it is none."""
    cdef unsigned long long place = state & table.mask
    while table.rows[place] >= 0 and table.keys[place] != state:
        place = (place + 1) & table.mask
    return table.rows[place]


cdef struct Said:
    # Of some votes the sum, the least and the largest, 0 of none.
    long long sum, least, most
    int votes
    bint read


cdef inline void say(Said* said, int vote) noexcept nogil:
    said.sum += vote
    if said.votes == 0 or vote < said.least:
        said.least = vote
    if said.votes == 0 or vote > said.most:
        said.most = vote
    said.votes += 1


cdef struct Asked:
    const unsigned char* kinds
    const unsigned short* fold
    const int* votes
    Table words


cdef void read_text(const Asked* asked, const Chars* data, Py_ssize_t size, long long* counts, Said* said) noexcept nogil:
    """One text: how many characters of each kind it has, and what its words say in each of SETS."""
    cdef Py_ssize_t index = 0, end
    cdef unsigned long long some, state = FNV_BASIS
    cdef int row, bit, length = 0, known = 0
    cdef unsigned short letter
    cdef unsigned int char
    memset(counts, 0, KINDS * sizeof(long long))
    memset(said, 0, SETS * sizeof(Said))
    while index < size:
        end = size if size - index < 255 else index + 255  # a byte of `some` counts to 255
        some = 0
        while index < end:
            char = data[index]
            index += 1
            if sizeof(Chars) == 4 and char > 0x10000:
                char = 0x10000
            some += SPREAD[asked.kinds[char]]
            letter = asked.fold[char]
            if letter:
                state = (state ^ letter) * FNV_PRIME
                length += 1
            elif length:
                if SHORTEST <= length <= LONGEST and known < MOST and (row := row_of(&asked.words, state)) >= 0:
                    known += 1
                    for bit in range(SETS):
                        say(&said[bit], asked.votes[row * SETS + bit])
                state, length = FNV_BASIS, 0
        for bit in range(KINDS):
            counts[bit] += some >> 8 * bit & 255
    if SHORTEST <= length <= LONGEST and known < MOST and (row := row_of(&asked.words, state)) >= 0:
        for bit in range(SETS):
            say(&said[bit], asked.votes[row * SETS + bit])


cdef int copy(rows, long long* to, Py_ssize_t count) except -1:
    cdef const long long[::1] numbers = np.asarray(rows, np.int64)
    if count:
        memcpy(to, &numbers[0], count * sizeof(long long))
    return 0


cdef inline long long floored(long long part, long long whole) noexcept nogil:
    """part divided by whole, which is positive, rounded down."""
    return part // whole - (part % whole < 0)


cdef class Titles:
    """Whether the page's title holds a text, in any case of letters."""

    cdef str title
    cdef Py_ssize_t most
    cdef unsigned char pairs[PAIRS]  # whether two characters stand side by side in it, by their lowest bits

    def __init__(self, str title):
        cdef unsigned int before = 0, here
        cdef Py_UCS4 char
        self.title = title.casefold()
        self.most = min(TITLE_TO, len(self.title) + 1)
        memset(self.pairs, 0, PAIRS)
        for char in self.title:
            here = <unsigned int>char
            self.pairs[(before * 61 + here) % PAIRS] = 1
            before = here

    cdef bint hold(self, str text) except -1:
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        cdef const unsigned char* data
        if size < TITLE_FROM or size >= self.most:
            return False
        if PyUnicode_IS_ASCII(text):
            data = <const unsigned char*>PyUnicode_DATA(text)
            if not self.pairs[(small(data[0]) * 61 + small(data[1])) % PAIRS]:
                return False
        return text.casefold() in self.title


cdef inline unsigned int small(unsigned char char) noexcept nogil:
    return char + 32 if 65 <= char <= 90 else char


cdef class Measures:
    """Numbers of pages, for one model.

    words, names: its Lexicon and its ClassNames.
    """

    cdef const unsigned char[::1] kinds
    cdef const unsigned short[::1] fold
    cdef const unsigned long long[::1] word_keys, name_keys
    cdef const int[::1] word_rows, name_rows, name_votes
    cdef const int[:, ::1] votes
    cdef long long[::1] met  # of each name the sign that had it last
    cdef long long signs_read
    cdef Asked asked
    cdef Table names
    cdef object said_by_class

    def __init__(self, words, names):
        self.kinds, self.fold, self.votes = characters.TABLE, lexicon.FOLD, words.votes
        self.word_keys, self.word_rows = lexicon.hashed(words.index)
        self.name_keys, self.name_rows = lexicon.hashed(names.votes)
        self.name_votes = np.array([*names.votes.values(), 0], np.int32)
        self.met = np.zeros(len(names.votes) + 1, np.int64)
        self.said_by_class = names.said_by_class
        self.asked.kinds, self.asked.fold = &self.kinds[0], &self.fold[0]
        self.asked.votes = &self.votes[0, 0] if self.votes.shape[0] else NULL
        self.asked.words.keys, self.asked.words.rows = &self.word_keys[0], &self.word_rows[0]
        self.asked.words.mask = self.word_keys.shape[0] - 1
        self.names.keys, self.names.rows = &self.name_keys[0], &self.name_rows[0]
        self.names.mask = self.name_keys.shape[0] - 1

    def of(self, page):
        """Numbers of a page that has a block: BLOCK_ROWS × n and NODE_ROWS × m, int64, and how many signs there are."""
        cdef Py_ssize_t n = len(page.texts), m = len(page.infos)
        blocks, nodes = np.empty((OF_BLOCKS, n), np.int64), np.empty((OF_NODES, m), np.int64)
        signs = self.of_nodes(page, nodes)
        self.of_blocks(page, blocks, nodes)
        return blocks, nodes, signs

    cdef int of_blocks(self, page, long long[:, ::1] out, const long long[:, ::1] nodes) except -1:
        cdef list texts = page.texts
        cdef Py_ssize_t number, size
        cdef long long counts[KINDS]
        cdef Said said[SETS]
        cdef Said above
        cdef Said* own
        cdef int row
        cdef str text
        cdef dict known = {}
        cdef PyObject* same
        cdef Titles titles = Titles(page.title)
        cdef Py_UCS4 last
        memset(&above, 0, sizeof(Said))
        copy(page.nodes, &out[NODE, 0], out.shape[1])
        copy(page.links, &out[LINKED, 0], out.shape[1])
        for number in range(len(texts)):
            text = texts[number]
            size = PyUnicode_GET_LENGTH(text)
            if PyUnicode_KIND(text) == 1:
                read_text(&self.asked, <const unsigned char*>PyUnicode_DATA(text), size, counts, said)
                last = (<const unsigned char*>PyUnicode_DATA(text))[size - 1]
            elif PyUnicode_KIND(text) == 2:
                read_text(&self.asked, <const unsigned short*>PyUnicode_DATA(text), size, counts, said)
                last = (<const unsigned short*>PyUnicode_DATA(text))[size - 1]
            else:
                read_text(&self.asked, <const unsigned int*>PyUnicode_DATA(text), size, counts, said)
                last = (<const unsigned int*>PyUnicode_DATA(text))[size - 1]
            for row in range(KINDS):
                out[row, number] = counts[row]
            out[LENGTH, number] = size
            out[SIZE, number] = size + 2 * counts[WIDE]
            out[WORDS, number] = counts[BLANKS] + 1 + counts[WIDE]
            out[LINKED, number] = out[LINKED, number] * 1000 // size
            out[LAST, number] = LAST_ASCII[last] if last < ASCII else LAST_OF.get(chr(last), 0)
            same = PyDict_GetItem(known, text)
            if same is NULL:
                out[TEXT, number] = len(known)
                known[text] = len(known)
            else:
                out[TEXT, number] = <object>same
            out[TITLED, number] = titles.hold(text)
            if IS_HEADING[nodes[CODE, out[NODE, number]]]:
                above = said[2]
            own = &said[0 if out[WORDS, number] < FEW else 1]
            out[KNOWN, number] = own.votes
            out[KNOWN + 1, number] = own.sum
            out[KNOWN + 2, number] = floored(own.sum, own.votes + 1)
            out[KNOWN + 3, number] = own.least
            out[KNOWN + 4, number] = own.most
            out[KNOWN + 5, number] = above.sum
            out[KNOWN + 6, number] = above.least
            out[KNOWN + 7, number] = above.most
        return 0

    cdef long long of_nodes(self, page, long long[:, ::1] out) except -1:
        cdef object infos = page.infos, tag, name
        cdef dict known = {}
        cdef list signs = []
        cdef PyObject* number
        cdef PyObject* lately[LATELY]  # tags of containers, by bits of where they lie in memory
        cdef Py_ssize_t places[LATELY]  # and their containers
        cdef Py_ssize_t node, same, place, m = out.shape[1]
        memset(lately, 0, sizeof(lately))
        for row, rows in ((PARENT, page.parents), (DEPTH, page.depths), (FIRST, page.firsts), (END, page.ends),
                          (ABOVE, page.above)):
            copy(rows, &out[row, 0], m)
        out[PARENT, 0] = 0
        for node in range(m):
            tag = infos[node]
            place = (<size_t><PyObject*>tag >> 4) % LATELY
            if lately[place] == <PyObject*>tag:
                same = places[place]
                out[CODE, node], out[MASK, node], out[SIGN, node] = out[CODE, same], out[MASK, same], out[SIGN, same]
                continue
            lately[place], places[place] = <PyObject*>tag, node
            out[CODE, node] = <object>PyTuple_GET_ITEM(tag, 2)
            out[MASK, node] = <object>PyTuple_GET_ITEM(tag, 4)
            name = <object>PyTuple_GET_ITEM(tag, 5)
            number = PyDict_GetItem(known, name)
            if number is NULL:
                out[SIGN, node] = len(signs)
                known[name] = len(signs)
                signs.append(name)
            else:
                out[SIGN, node] = <object>number
        self.say_all(signs, out)
        return len(signs)

    cdef int say_all(self, list signs, long long[:, ::1] out) except -1:
        """What the classes of containers say that hold a text; 0 of others, which nobody asks."""
        cdef Said* of_sign = <Said*>PyMem_Calloc(len(signs), sizeof(Said))
        cdef Said* said
        cdef Py_ssize_t node
        if of_sign is NULL:
            raise MemoryError
        try:
            for node in range(out.shape[1]):
                said = &of_sign[out[SIGN, node]]
                if not said.read and out[END, node] > out[FIRST, node]:
                    self.said(signs[out[SIGN, node]], said)
                    said.read = True
                out[SAID, node], out[SAID + 1, node], out[SAID + 2, node] = said.sum, said.least, said.most
        finally:
            PyMem_Free(of_sign)
        return 0

    cdef int said(self, str sign, Said* said) except -1:
        """What the classes of a sign say, as ClassNames.said_by_class."""
        cdef Py_ssize_t size = min(PyUnicode_GET_LENGTH(sign), LONGEST_SIGN), at = 0, start, end, stop
        cdef const unsigned char* data
        if not PyUnicode_IS_ASCII(sign):
            said.sum, said.least, said.most = self.said_by_class(sign)
            return 0
        self.signs_read += 1
        memset(said, 0, sizeof(Said))
        data = <const unsigned char*>PyUnicode_DATA(sign)
        while at < size and not SEPARATES[data[at]]:  # the tag's name
            at += 1
        while at < size:
            if SEPARATES[data[at]]:
                at += 1
                continue
            end = at
            while end < size and not SEPARATES[data[end]]:
                end += 1
            start, stop = at, end
            while start < stop and STRIPPED[data[start]]:
                start += 1
            while start < stop and STRIPPED[data[stop - 1]]:
                stop -= 1
            self.ask(data, start, stop, said)
            while at < end:  # its words, as tags.WORDS finds them
                start = at
                if is_capital(data[at]) and not (at + 1 < end and is_small(data[at + 1])):
                    while at < end and is_capital(data[at]):
                        at += 1
                else:
                    at += 1
                    if is_capital(data[start]) or is_small(data[start]):
                        while at < end and is_small(data[at]):
                            at += 1
                    else:
                        continue
                self.ask(data, start, at, said)
        return 0

    cdef void ask(self, const unsigned char* data, Py_ssize_t start, Py_ssize_t stop, Said* said) noexcept:
        """Add the vote of a name, if it has one and this sign has not had it."""
        cdef unsigned long long state = FNV_BASIS
        cdef int row
        while start < stop:
            state = (state ^ small(data[start])) * FNV_PRIME
            start += 1
        row = row_of(&self.names, state)
        if row >= 0 and self.met[row] != self.signs_read:
            self.met[row] = self.signs_read
            say(said, self.name_votes[row])


cdef inline bint is_capital(unsigned char char) noexcept nogil:
    return 65 <= char <= 90


cdef inline bint is_small(unsigned char char) noexcept nogil:
    return 97 <= char <= 122
