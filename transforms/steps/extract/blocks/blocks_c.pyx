# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Loops over characters and words of texts, and the trees of model.py, in C: the same counts and votes in less time.

Written beside them, step by step; what is seldom called is called there. Tests compare both on pages of every kind.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from array import array

from cpython cimport array as carray
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ

cdef carray.array NO_BITS = array("i")

cdef enum:
    SHORTEST = 2  # letters of a word, as in lexicon.py
    LONGEST = 20
    MOST = 1000
cdef unsigned long long FNV_BASIS = 0xCBF29CE484222325ULL, FNV_PRIME = 0x100000001B3ULL
cdef unsigned long long SPREAD[256]  # a byte's bits, each in a byte of its own
for number in range(256):
    SPREAD[number] = 0
    for other in range(8):
        SPREAD[number] |= <unsigned long long>(number >> other & 1) << 8 * other


def count_kinds(list texts not None, const unsigned char[::1] table, long long[:, ::1] counts):
    """How many characters of each kind each text has, into counts (kinds × texts); see characters.py."""
    cdef Py_ssize_t number, index, size, end
    cdef int kind, row, rows = counts.shape[0]
    cdef void* data
    cdef unsigned long long some
    cdef Py_UCS4 char
    cdef str text
    for number in range(len(texts)):
        text = texts[number]
        size = PyUnicode_GET_LENGTH(text)
        kind = PyUnicode_KIND(text)
        data = PyUnicode_DATA(text)
        for row in range(rows):
            counts[row, number] = 0
        index = 0
        while index < size:
            end = size if size - index < 255 else index + 255  # a byte of `some` counts to 255
            some = 0
            while index < end:
                char = PyUnicode_READ(kind, data, index)
                some += SPREAD[table[char if char < 0x10000 else 0x10000]]
                index += 1
            for row in range(rows):
                counts[row, number] += some >> 8 * row & 255


def count_words(list texts not None, const unsigned char[::1] few, const unsigned char[::1] heading,
                const unsigned short[::1] fold, const unsigned long long[::1] keys, const int[::1] rows,
                const int[:, ::1] votes, int[:, ::1] found):
    """Lexicon.count_words: what the words of each text, and of the heading above it, say."""
    cdef Py_ssize_t number, index, size, place, mask = keys.shape[0] - 1
    cdef int kind, row, group, length, vote, known, above_sum = 0, above_least = 0, above_most = 0
    cdef int sums[2]
    cdef int least[2]
    cdef int most[2]
    cdef void* data
    cdef unsigned long long state
    cdef unsigned short letter
    cdef Py_UCS4 char
    cdef str text
    for number in range(len(texts)):
        text = texts[number]
        size = PyUnicode_GET_LENGTH(text)
        kind = PyUnicode_KIND(text)
        data = PyUnicode_DATA(text)
        state, length, known = FNV_BASIS, 0, 0
        for group in range(2):
            sums[group] = least[group] = most[group] = 0
        for index in range(size + 1):
            if index < size:
                char = PyUnicode_READ(kind, data, index)
                letter = fold[char if char < 0x10000 else 0x10000]
                if letter:
                    state = (state ^ letter) * FNV_PRIME
                    length += 1
                    continue
            if SHORTEST <= length <= LONGEST and known < MOST:
                place = state & mask
                while rows[place] >= 0 and keys[place] != state:
                    place = (place + 1) & mask
                row = rows[place]
                if row >= 0:
                    for group in range(2):
                        vote = votes[row, 2 if group else 0 if few[number] else 1]
                        sums[group] += vote
                        if known == 0 or vote < least[group]:
                            least[group] = vote
                        if known == 0 or vote > most[group]:
                            most[group] = vote
                    known += 1
            state, length = FNV_BASIS, 0
        if heading[number]:
            above_sum, above_least, above_most = sums[1], least[1], most[1]
        found[0, number] = known
        found[1, number] = sums[0]
        found[2, number] = sums[0] // (known + 1) if sums[0] >= 0 else -((known - sums[0]) // (known + 1))
        found[3, number] = least[0]
        found[4, number] = most[0]
        found[5, number] = above_sum
        found[6, number] = above_least
        found[7, number] = above_most


def add_votes(const int[:, ::1] rows, const int[:, ::1] asked, const int[:, ::1] thresholds,
              const int[:, ::1] leaves, int[::1] votes):
    """Add the votes of each tree for each block; see model.Trees, whose arrays these are. rows: columns × blocks."""
    cdef Py_ssize_t tree, level, block, depth = asked.shape[0], count = votes.shape[0]
    cdef int threshold
    cdef const int* row
    cdef const int* leaf
    cdef carray.array space = carray.clone(NO_BITS, count, False)
    cdef int* bits = space.data.as_ints  # as wide as what is compared, so that the compiler's loops need not pack
    if count == 0:
        return
    with nogil:
        for tree in range(asked.shape[1]):
            row, threshold = &rows[asked[0, tree], 0], thresholds[0, tree]
            for block in range(count):
                bits[block] = row[block] > threshold
            for level in range(1, depth):
                row, threshold = &rows[asked[level, tree], 0], thresholds[level, tree]
                for block in range(count):
                    bits[block] |= (row[block] > threshold) << level
            leaf = &leaves[tree, 0]
            for block in range(count):
                votes[block] += leaf[bits[block]]
