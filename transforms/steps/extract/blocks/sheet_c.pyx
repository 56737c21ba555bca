# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The sums over a page's blocks and containers that its columns are made of, in C.

As shape.py, alike.py and features.py have them, each by one way through the page. Tests compare what comes of them.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

import numpy as np

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.string cimport memset

from transforms.steps.extract.blocks import alike, features, lexicon, shape, tags

cdef enum:
    PROSE = 60  # as in features.py
    MOST_LINKED = 300
    LEAST_RECORDS = 3  # as in alike.py
    LIKELY = 600  # as in context.py
    CERTAIN = 850
    NEVER_SEEN = -999

assert (shape.BLOCK_ROWS.index("money"), shape.BLOCK_ROWS.index("titled")) == (MONEY, TITLED)
assert shape.BLOCK_ROWS[KNOWN:] == tuple(lexicon.NAMES) and len(shape.BLOCK_ROWS) == OF_BLOCKS
assert shape.NODE_ROWS.index("said_sum") == SAID and len(shape.NODE_ROWS) == OF_NODES
assert (features.PROSE, features.LINKED, features.FAR) == (PROSE, MOST_LINKED, FAR)
assert (shape.LEVELS, lexicon.NEAREST) == ((0, 1, 2, 3, 5), (1, 3, CHAIN))
assert (len(alike.PARTS), len(alike.RECORDS), alike.LEAST_RECORDS) == (PARTS, RECORDS, LEAST_RECORDS)
assert len(features.NAMES) < TAGS

cdef int PRE = tags.TAG_CODE["pre"]
cdef unsigned long long FACTOR = alike.FACTOR, GOLDEN = 0x9E3779B97F4A7C15ULL
cdef long long LEVEL_OF[TAGS]
cdef bint IS_PARAGRAPH[TAGS]
for code in range(len(features.NAMES)):
    LEVEL_OF[code], IS_PARAGRAPH[code] = features.LEVEL_OF[code], features.PARAGRAPH[code]


cdef class Sheet:
    """One page's sums, by which its columns are written.

    blocks, nodes, signs: as Measures.of gives them; kinds: numbers of what the source says of the page's kind.
    """

    def __init__(self, const long long[:, ::1] blocks, const long long[:, ::1] nodes, Py_ssize_t signs, list kinds):
        self.blocks, self.nodes, self.kinds = blocks, nodes, kinds
        self.n, self.m, self.signs = blocks.shape[1], nodes.shape[1], signs
        self.size, self.node = &blocks[SIZE, 0], &blocks[NODE, 0]
        self.parent, self.first, self.end = &nodes[PARENT, 0], &nodes[FIRST, 0], &nodes[END, 0]
        self.sign = &nodes[SIGN, 0]
        self.sum_up()
        self.find_lines()
        self.find_headings()
        self.count_texts_and_parts()
        self.find_siblings()
        self.find_records()

    def __dealloc__(self):
        for number in range(self.rooms):
            PyMem_Free(self.room[number])

    cdef void* new(self, Py_ssize_t count, Py_ssize_t size) except NULL:
        """Room for some numbers or sums, all 0, as long as the sheet is there."""
        cdef void* room = PyMem_Calloc(count + 1, size) if self.rooms < ROOMS else NULL
        if room is NULL:
            raise MemoryError
        self.room[self.rooms] = room
        self.rooms += 1
        return room

    cdef long long* new_row(self, Py_ssize_t count) except NULL:
        return <long long*>self.new(count, sizeof(long long))

    cdef inline Sums held(self, Py_ssize_t node) noexcept:
        """What a container holds."""
        cdef Sums sums = self.total[self.end[node]]
        cdef const Sums* before = &self.total[self.first[node]]
        sums.size -= before.size
        sums.linked -= before.linked
        sums.prose -= before.prose
        sums.proses -= before.proses
        sums.mass -= before.mass
        sums.weight -= before.weight
        return sums

    cdef int sum_up(self) except -1:
        """Running totals, and what is summed or sought over all blocks."""
        cdef Py_ssize_t i
        cdef long long size, prose
        cdef const long long* linked = &self.blocks[LINKED, 0]
        cdef Sums* sums
        self.own, self.total = self.new_row(self.n), <Sums*>self.new(self.n, sizeof(Sums))
        for i in range(self.n):
            size = self.size[i]
            prose = size >= PROSE and linked[i] < MOST_LINKED
            self.own[i] = self.nodes[CODE, self.node[i]]
            self.known += self.blocks[KNOWN, i]
            self.words += self.blocks[WORDS, i]
            self.longest = max(self.longest, size)
            self.total[i + 1] = self.total[i]
            sums = &self.total[i + 1]
            sums.size += size
            sums.linked += size * linked[i] // 1000
            sums.prose += size * prose
            sums.proses += prose
            sums.headings += LEVEL_OF[self.own[i]] > 0
            sums.paragraphs += IS_PARAGRAPH[self.own[i]]
        return 0

    cdef int find_lines(self) except -1:
        """The containers of each block at some levels, and the most prose that any of a level holds."""
        cdef Py_ssize_t i, level
        cdef long long node
        for level in range(LEVELS):
            self.line[level] = self.new_row(self.n)
            self.largest[level] = 1
        for i in range(self.n):
            node = self.node[i]
            for level in range(LEVELS):
                self.line[level][i] = node
                self.largest[level] = max(
                    self.largest[level], self.total[self.end[node]].prose - self.total[self.first[node]].prose
                )
                node = self.parent[node]
                if level == LEVELS - 2:  # from the third above to the fifth
                    node = self.parent[node]
        return 0

    cdef int find_headings(self) except -1:
        """The heading above each block, the first of the first level, the last block that the title has, and where
        the page's prose begins, stops and has its centre."""
        cdef Py_ssize_t i
        cdef long long prose, at = -FAR, centre = 0
        cdef long long* of_node = self.new_row(self.m)
        self.at_heading = self.new_row(self.n)
        self.top, self.titled, self.begin = -1, -1, -1
        for i in range(self.n):
            if LEVEL_OF[self.own[i]] > 0:
                at = i
                if self.top < 0 and LEVEL_OF[self.own[i]] == 1:
                    self.top = i
            self.at_heading[i] = at
            if self.blocks[TITLED, i]:
                self.titled = i
            prose = self.total[i + 1].prose - self.total[i].prose
            if prose:
                self.begin, self.stop = i if self.begin < 0 else self.begin, i
                of_node[self.node[i]] += prose
        self.begin = max(self.begin, 0)
        for i in range(self.m):
            if of_node[i] > of_node[centre]:
                centre = i
        self.middle, self.centre = self.first[centre], share(of_node[centre], self.total[self.n].prose)
        return 0

    cdef int count_texts_and_parts(self) except -1:
        """How often the page has each text, and the sums of each part, as alike.Alike and its of_parts."""
        cdef Py_ssize_t n = self.n, m = self.m, i, number, places = 16
        cdef const long long* text = &self.blocks[TEXT, 0]
        cdef long long* last = self.new_row(n)  # of each text the last block so far, plus 1
        cdef long long* before = self.new_row(n)  # of each block the one before of the same text, plus 1
        cdef long long* same = self.new_row(m)
        cdef long long* mixed = self.new_row(m)
        cdef long long* up = self.new_row(m)
        cdef long long* keys
        cdef long long* groups
        cdef long long* numbered = self.new_row(m)
        cdef long long found = 0, group, node
        cdef unsigned long long place
        cdef int shift = 60
        cdef Group* sums
        self.times = self.new_row(n)
        for i in range(n):
            self.times[text[i]] += 1
            before[i], last[text[i]] = last[text[i]], i + 1
        while places < 2 * PARTS * min(n, m):
            places, shift = 2 * places, shift - 1
        keys, groups = self.new_row(places), self.new_row(places)
        self.of_part = <Group*>self.new(PARTS * n, sizeof(Group))
        for i in range(m):
            same[i], up[i] = self.sign[i] + 1, self.parent[i]
        for number in range(PARTS):
            for i in range(m):
                mixed[i] = <long long>(<unsigned long long>same[i] * FACTOR + number)
                mixed[i] ^= mixed[i] >> 31
            for i in range(m):
                same[i] = <long long>(3 * <unsigned long long>mixed[i] + <unsigned long long>mixed[up[i]])
            for i in range(m):
                mixed[i] = up[up[i]]
            up, mixed = mixed, up
            memset(numbered, 0, m * sizeof(long long))
            self.part[number] = self.new_row(n)
            for i in range(n):
                node = self.node[i]
                if not numbered[node]:
                    place = <unsigned long long>same[node] * GOLDEN >> shift
                    while groups[place] and keys[place] != same[node]:
                        place = (place + 1) & (places - 1)
                    if not groups[place]:
                        found += 1
                        keys[place], groups[place] = same[node], found
                    numbered[node] = groups[place]
                group = numbered[node] - 1
                self.part[number][i] = group
                sums = &self.of_part[group]
                sums.count += 1
                sums.size += self.size[i]
                sums.linked += self.total[i + 1].linked - self.total[i].linked
                sums.prose += self.total[i + 1].prose - self.total[i].prose
        for i in range(n):
            group = last[i]  # now of the text of that number
            while group:
                for number in range(PARTS):
                    sums = &self.of_part[self.part[number][group - 1]]
                    sums.distinct += sums.met != i + 1
                    sums.met = i + 1
                group = before[group - 1]
        return 0

    cdef int find_siblings(self) except -1:
        """The sums of containers of one sign, and of those that stand side by side, as shape.Shape and alike.Alike."""
        cdef Py_ssize_t m = self.m, node, parent
        cdef long long* last = self.new_row(m)  # of each container its last child so far, plus 1
        cdef long long* before = self.new_row(m)  # of each container the child before it, plus 1
        cdef long long* of_sign = self.new_row(self.signs)  # of each sign the siblings that have it
        cdef long long child, found = 0
        cdef Group* sums
        cdef Sums held
        self.sibling, self.of_sibling = self.new_row(m), <Group*>self.new(m, sizeof(Group))
        self.of_sign = <Group*>self.new(self.signs, sizeof(Group))
        for node in range(m):
            before[node], last[self.parent[node]] = last[self.parent[node]], node + 1
        for parent in range(m):
            child = last[parent]
            while child:
                node = child - 1
                sums = &self.of_sign[self.sign[node]]
                if sums.met != parent + 1:
                    sums.met, of_sign[self.sign[node]] = parent + 1, found
                    found += 1
                held = self.held(node)
                sums.count += 1
                sums.size += held.size
                sums.linked += held.linked
                sums.prose += held.prose
                self.sibling[node] = of_sign[self.sign[node]]
                sums = &self.of_sibling[self.sibling[node]]
                sums.count += 1
                sums.size += held.size
                sums.linked += held.linked
                sums.prose += held.prose
                sums.blocks += self.end[node] - self.first[node]
                sums.largest = max(sums.largest, held.size)
                child = before[node]
        return 0

    cdef int find_records(self) except -1:
        """The outermost and the innermost container of each block that is one of a list."""
        cdef Py_ssize_t i, level
        cdef long long node, outer = 0, inner = 0
        self.record[0], self.record[1] = self.new_row(self.n), self.new_row(self.n)
        for i in range(self.n):
            if i == 0 or self.node[i] != self.node[i - 1]:
                node, outer, inner = self.node[i], -1, 0
                for level in range(CHAIN):
                    if self.of_sibling[self.sibling[node]].count >= LEAST_RECORDS:
                        if outer < 0:
                            inner = node
                        outer = node
                    node = self.parent[node]
                outer = max(outer, 0)
            self.record[0][i], self.record[1][i] = outer, inner
        return 0

    def see(self, const int[::1] chance, long long cut):
        """What is first held of the blocks. chance: thousandths; cut: the least of those that would be kept."""
        cdef Py_ssize_t n = self.n, m = self.m, i, number
        cdef long long seen = NEVER_SEEN, coming = n + FAR, mass, weight
        cdef Sums held
        cdef Group* sums
        self.cut, self.likely_begin, self.likely_stop = cut, -1, n
        self.chance, self.since, self.until = self.new_row(n), self.new_row(n), self.new_row(n)
        for i in range(n):
            self.chance[i] = chance[i]
            weight = self.size[i] * chance[i]
            mass = weight // 1000
            self.total[i + 1].weight = self.total[i].weight + weight
            self.total[i + 1].mass = self.total[i].mass + mass
            self.best = max(self.best, chance[i])
            if chance[i] >= LIKELY:
                seen, self.likely_stop = i, i
                self.likely_begin = i if self.likely_begin < 0 else self.likely_begin
                self.likely += self.size[i]
            if chance[i] >= CERTAIN:
                self.certain += mass
            self.since[i] = min(i - seen, -NEVER_SEEN)
            for number in range(PARTS):
                self.of_part[self.part[number][i]].weight += weight
        self.likely_begin = max(self.likely_begin, 0)
        for i in range(n - 1, -1, -1):
            coming = min(coming, i if chance[i] >= LIKELY else FAR)
            self.until[i] = min(coming - i, -NEVER_SEEN)
        for i in range(m):
            held = self.held(i)
            self.of_sibling[self.sibling[i]].weight += held.weight
            self.of_sign[self.sign[i]].mass += held.mass

    def kept(self, const int[::1] chance, int least):
        """Blocks of at least this chance, and the code that follows them, as judge.with_code: a bool for each block."""
        kept = np.empty(self.n, np.bool_)
        cdef unsigned char[::1] flags = kept.view(np.uint8)
        cdef Py_ssize_t i
        cdef bint before = False
        for i in range(self.n):
            before = chance[i] >= least or (before and self.own[i] == PRE)
            flags[i] = before
        return kept
