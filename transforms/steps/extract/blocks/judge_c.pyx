# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Which blocks are kept, in C: judge.by_arrays, with the trees and the choice of model.py. Tests compare them."""

from transforms.steps.extract.built import require_current

cdef extern from *:
    """
    /* One tree's votes, in the widest vectors that a machine has: all is integers, so any give the same. A loop without
       branches for trees of six questions, which is how many the model's ask. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    __attribute__((target_clones("avx2", "default"), optimize("O3")))
    #endif
    static void add_tree(const int** row, const int* over, const int* __restrict__ leaves, long depth, long count,
                         int* __restrict__ bits, int* __restrict__ votes) {
        if (depth == 6) {
            const int *a = row[0], *b = row[1], *c = row[2], *d = row[3], *e = row[4], *f = row[5];
            const int t = over[0], u = over[1], v = over[2], w = over[3], x = over[4], y = over[5];
            for (long block = 0; block < count; block++)
                bits[block] = (a[block] > t) | (b[block] > u) << 1 | (c[block] > v) << 2 | (d[block] > w) << 3
                    | (e[block] > x) << 4 | (f[block] > y) << 5;
        } else {
            for (long block = 0; block < count; block++)
                bits[block] = 0;
            for (long level = 0; level < depth; level++)
                for (long block = 0; block < count; block++)
                    bits[block] |= (row[level][block] > over[level]) << level;
        }
        for (long block = 0; block < count; block++)
            votes[block] += leaves[bits[block]];
    }
    """
    void add_tree(const int** row, const int* over, const int* leaves, long depth, long count, int* bits,
                  int* votes) nogil
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

import numpy as np

from cpython.mem cimport PyMem_Calloc, PyMem_Free

from transforms.steps.extract.blocks import model, shape
from transforms.steps.extract.blocks.columns_c import context_of, features_of
from transforms.steps.extract.blocks.measures_c import Measures
from transforms.steps.extract.blocks.sheet_c import Sheet

cdef enum:
    DEEPEST = 31  # questions of a tree
    UNIT = 1000
    STEP = 20  # as in model.py
    MOST = 8000
    AT_ONCE = 2048  # blocks; bounds the memory that a huge page takes

assert (model.UNIT, model.STEP, model.MOST) == (UNIT, STEP, MOST)
cdef int WORDS = shape.BLOCK_ROWS.index("words")


class Judge:
    """One model, as the loops take it.

    words, names: its Lexicon and its ClassNames; columns, firsts: how many columns there are, and how many before those
    of context.py; first, second: arguments of add_chances.
    """

    def __init__(self, words, names, columns, firsts, first, second):
        self.measures, self.columns, self.firsts = Measures(words, names), columns, firsts
        self.first, self.second = first, second

    def verdicts(self, page, at_once=AT_ONCE):
        """As judge.by_arrays."""
        n = len(page.texts)
        blocks, nodes, signs = self.measures.of(page)
        sheet, words, rows = Sheet(blocks, nodes, signs, list(page.kinds.values())), blocks[WORDS], None
        chance = np.empty(n, np.int32)
        for start in range(0, n, at_once):
            rows = self.rows(sheet, start, min(n - start, at_once))
            add_chances(rows, *self.first, chance[start : start + at_once])
        sheet.see(chance, least_kept(chance, words))
        for start in range(0, n, at_once):
            if n > at_once:
                rows = self.rows(sheet, start, min(n - start, at_once))
            context_of(sheet, rows[self.firsts :], start)
            add_chances(rows, *self.second, chance[start : start + at_once])
        return sheet.kept(chance, least_kept(chance, words))

    def rows(self, sheet, start, width):
        """Room for all columns of some blocks, those of features.py and lexicon.py written."""
        rows = np.empty((self.columns, width), np.int32)
        features_of(sheet, rows, start)
        return rows


def add_chances(const int[:, ::1] rows, const int[:, ::1] asked, const int[:, ::1] thresholds, const int[:, ::1] leaves,
                int bias, const int[::1] table, int[::1] chance):
    """Trees.chance, into chance. rows: columns × blocks; asked, thresholds: trees × depth; table: chances of votes."""
    cdef long tree, level, block, depth = asked.shape[1], count = chance.shape[0]
    cdef const int* at[DEEPEST]
    cdef int* bits = <int*>PyMem_Calloc(2 * count + 1, sizeof(int))
    cdef int* votes = bits + count
    cdef int sum
    if bits is NULL:
        raise MemoryError
    if count and depth <= DEEPEST:
        with nogil:
            for tree in range(asked.shape[0]):
                for level in range(depth):
                    at[level] = &rows[asked[tree, level], 0]
                add_tree(at, &thresholds[tree, 0], &leaves[tree, 0], depth, count, bits, votes)
            for block in range(count):
                sum = min(max(votes[block] + bias, -MOST), MOST)
                chance[block] = table[(sum + MOST) // STEP]
    PyMem_Free(bits)


def least_kept(const int[::1] chance, const long long[::1] words):
    """The least chance of the blocks that model.choose keeps."""
    cdef Py_ssize_t block, place, count = chance.shape[0]
    cdef Py_ssize_t starts[UNIT + 2]  # of each chance, the largest first, where its blocks begin in their order
    cdef Py_ssize_t* order = <Py_ssize_t*>PyMem_Calloc(count + 1, sizeof(Py_ssize_t))
    cdef long long hits = 0, size = 0, all_hits = 0, expected, most = -1
    cdef int least = 0, level
    if order is NULL:
        raise MemoryError
    for level in range(UNIT + 2):
        starts[level] = 0
    for block in range(count):
        starts[UNIT - chance[block] + 1] += 1
        all_hits += chance[block] * words[block]
    for level in range(UNIT + 1):
        starts[level + 1] += starts[level]
    for block in range(count):
        place = starts[UNIT - chance[block]]
        starts[UNIT - chance[block]] += 1
        order[place] = block
    all_hits = all_hits * 17 // 40
    for place in range(count):
        block = order[place]
        hits += chance[block] * words[block]
        size += words[block]
        expected = hits * 1_000_000 // (1000 * size + all_hits)
        if expected > most:
            most, least = expected, chance[block]
    PyMem_Free(order)
    return least
