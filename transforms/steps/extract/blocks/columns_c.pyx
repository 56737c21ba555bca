# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The columns of features.py, lexicon.py and context.py, in C: the same rows in the same order.

They are written for some blocks at a time, so that a huge page needs little memory. Tests compare them.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from transforms.steps.extract.blocks import features, tags
from transforms.steps.extract.blocks.sheet_c cimport (
    CHAIN, CODE, DEPTH, DIGITS, ENDS, ABOVE, FAR, KNOWN, LAST, LENGTH, LEVELS, LINKED, MASK, MONEY, PARTS, RECORDS, SAID,
    SIZE, TAGS, TEXT, TITLED, WORDS, Group, Sheet, Sums, over, share,
)

cdef enum:
    LIKES = 4  # as in features.py
    MASKS = 35  # bits of a tag's mask

assert (features.LIKES, len(tags.MASK_NAMES)) == (LIKES, MASKS)

cdef int ARTICLE = features.ARTICLE
cdef long long LEVEL_OF[TAGS]
for code in range(len(features.NAMES)):
    LEVEL_OF[code] = features.LEVEL_OF[code]


cdef struct Out:
    # Rows for the blocks from start on, as many as the rows are wide; `at` is the next row.
    int* at
    Py_ssize_t start, width


cdef inline int* row_of(Out* out) noexcept nogil:
    out.at += out.width
    return out.at - out.width


cdef inline void put(Out* out, const long long* values) noexcept nogil:
    cdef Py_ssize_t index
    cdef int* row = row_of(out)
    for index in range(out.width):
        row[index] = <int>values[out.start + index]


cdef inline void put_all(Out* out, long long value) noexcept nogil:
    cdef Py_ssize_t index
    cdef int* row = row_of(out)
    for index in range(out.width):
        row[index] = <int>value


cdef inline void put_each(Out* out, const long long* values, const long long* which) noexcept nogil:
    """values[which] of each block."""
    cdef Py_ssize_t index
    cdef int* row = row_of(out)
    for index in range(out.width):
        row[index] = <int>values[which[out.start + index]]


cdef inline void put_at(Out* out, const long long* values, Py_ssize_t by, Py_ssize_t n) noexcept nogil:
    """The value `by` blocks on, 0 beyond the page."""
    cdef Py_ssize_t index, place
    cdef int* row = row_of(out)
    for index in range(out.width):
        place = out.start + index + by
        row[index] = <int>values[place] if 0 <= place < n else 0


cdef void put_shares(Out* out, const long long* parts, const long long* wholes) noexcept nogil:
    cdef Py_ssize_t index
    cdef int* row = row_of(out)
    for index in range(out.width):
        row[index] = <int>share(parts[out.start + index], wholes[out.start + index])


def features_of(Sheet sheet, int[:, ::1] rows, Py_ssize_t start):
    """Write the columns of features.py and lexicon.py for the blocks from start on; rows: columns × blocks."""
    cdef Out out
    out.at, out.start, out.width = &rows[0, 0], start, rows.shape[1]
    of_blocks(sheet, &out)
    of_masks(sheet, &out)
    of_containers(sheet, &out)
    of_signs(sheet, &out)
    of_neighbours(sheet, &out)
    of_headings(sheet, &out)
    of_page(sheet, &out)
    of_parts(sheet, &out)
    of_lists(sheet, &out)
    for number in range(KNOWN, KNOWN + 8):
        put(&out, &sheet.blocks[number, 0])
    put_all(&out, share(sheet.known, sheet.words))
    of_classes(sheet, &out)


cdef void of_blocks(Sheet sheet, Out* out) noexcept:
    cdef Py_ssize_t i
    cdef int number
    cdef int* index = NULL
    cdef int* rest
    cdef int* index_share
    cdef int* text_share
    for number in (SIZE, LINKED, WORDS):
        put(out, &sheet.blocks[number, 0])
    for number in range(ENDS, MONEY + 1):
        put(out, &sheet.blocks[number, 0])
    for number in range(ENDS, MONEY + 1):
        put_shares(out, &sheet.blocks[number, 0], &sheet.blocks[LENGTH, 0])
    put(out, &sheet.blocks[LAST, 0])
    put_each(out, LEVEL_OF, sheet.own)
    put(out, sheet.own)
    put_each(out, sheet.times, &sheet.blocks[TEXT, 0])
    index, rest, index_share, text_share = row_of(out), row_of(out), row_of(out), row_of(out)
    for i in range(out.width):
        index[i] = <int>(out.start + i)
        rest[i] = <int>(sheet.n - out.start - i)
        index_share[i] = <int>share(out.start + i, sheet.n)
        text_share[i] = <int>share(sheet.total[out.start + i].size, sheet.total[sheet.n].size)
    put_each(out, &sheet.nodes[DEPTH, 0], sheet.node)


cdef void of_masks(Sheet sheet, Out* out) noexcept:
    """1 of a container anywhere above, 2 of one of the nearest three, 3 of its own."""
    cdef Py_ssize_t i
    cdef int bit
    cdef long long node, own, near, above
    cdef const long long* mask = &sheet.nodes[MASK, 0]
    cdef int* row = out.at
    for i in range(out.width):
        node = sheet.node[out.start + i]
        if i == 0 or node != sheet.node[out.start + i - 1]:
            own, above = mask[node], sheet.nodes[ABOVE, node]
            near = own | mask[sheet.parent[node]] | mask[sheet.parent[sheet.parent[node]]]
        for bit in range(MASKS):
            row[bit * out.width + i] = <int>((own >> bit & 1) + (near >> bit & 1) + (above >> bit & 1))
    out.at += MASKS * out.width


cdef void of_containers(Sheet sheet, Out* out) noexcept:
    cdef Py_ssize_t i, level
    cdef long long node, blocks
    cdef int number
    cdef int values[7]
    cdef int* row
    cdef Sums held
    for level in range(LEVELS):
        for i in range(out.width):
            node = sheet.line[level][out.start + i]
            if i == 0 or node != sheet.line[level][out.start + i - 1]:
                held, blocks = sheet.held(node), sheet.end[node] - sheet.first[node]
                values[0], values[1] = <int>held.size, <int>share(held.linked, held.size)
                values[2], values[3] = <int>share(held.prose, held.size), <int>held.proses
                values[4] = <int>share(held.prose, sheet.largest[level])
                values[5] = <int>over(held.prose, blocks)
                values[6] = <int>share(held.prose, sheet.total[sheet.n].prose)
            row = out.at + level * out.width + i
            for number in range(7):
                row[number * LEVELS * out.width] = values[number]
    out.at += 7 * LEVELS * out.width


cdef void of_signs(Sheet sheet, Out* out) noexcept:
    """What all containers of the same name and class hold."""
    cdef Py_ssize_t i, level
    cdef long long node
    cdef Group* sums
    cdef int number
    cdef int values[4]
    cdef int* row
    for level in range(LIKES):
        for i in range(out.width):
            node = sheet.line[level][out.start + i]
            if i == 0 or node != sheet.line[level][out.start + i - 1]:
                sums = &sheet.of_sign[sheet.sign[node]]
                values[0], values[1] = <int>sums.count, <int>share(sums.prose, sheet.total[sheet.n].prose)
                values[2], values[3] = <int>share(sums.linked, sums.size), <int>over(sums.prose, sums.count)
            row = out.at + level * out.width + i
            for number in range(4):
                row[number * LIKES * out.width] = values[number]
    out.at += 4 * LIKES * out.width
    for level in range(1, LIKES):
        put_each(out, &sheet.nodes[CODE, 0], sheet.line[level])


cdef void of_neighbours(Sheet sheet, Out* out) noexcept:
    cdef Py_ssize_t i, place, by, n = sheet.n
    cdef Sums* low
    cdef Sums* high
    cdef int* after
    cdef int* around
    for by in (-2, -1, 1, 2):
        put_at(out, sheet.size, by, n)
        put_at(out, &sheet.blocks[LINKED, 0], by, n)
        put_at(out, sheet.own, by, n)
    for by in (3, 8, 20):
        after, around = row_of(out), row_of(out)
        for i in range(out.width):
            place = out.start + i
            low, high = &sheet.total[max(place - by, 0)], &sheet.total[min(place + by + 1, n)]
            after[i] = <int>(high.prose - sheet.total[place].prose)
            around[i] = <int>share(high.linked - low.linked, high.size - low.size)


cdef int outside(Sheet sheet, long long node, long long place) noexcept:
    """How many of a block's containers, CHAIN at most, don't hold a place. What lies around one that does does too."""
    cdef int level = 0
    while level < CHAIN and (sheet.first[node] > place or sheet.end[node] <= place):
        node, level = sheet.parent[node], level + 1
    return level


cdef void of_headings(Sheet sheet, Out* out) noexcept:
    cdef Py_ssize_t i, place
    cdef long long at
    cdef int* rows[8]
    for i in range(8):
        rows[i] = row_of(out)
    for i in range(out.width):
        place = out.start + i
        at = sheet.at_heading[place]
        rows[0][i] = <int>min(place - at, FAR)
        rows[1][i] = <int>LEVEL_OF[sheet.own[at]] if at >= 0 else 0
        rows[2][i] = <int>(place - sheet.top) if sheet.top >= 0 else -FAR
        rows[3][i] = <int>sheet.blocks[TITLED, place]
        rows[4][i] = <int>(place - sheet.titled) if sheet.titled >= 0 else -FAR
        rows[5][i] = <int>(place - sheet.begin)
        rows[6][i] = <int>(sheet.stop - place)
        rows[7][i] = outside(sheet, sheet.node[place], sheet.middle)
    rows[0] = row_of(out)
    for i in range(out.width):
        rows[0][i] = outside(sheet, sheet.node[out.start + i], sheet.top) if sheet.top >= 0 else 20
    put_all(out, sheet.centre)


cdef int of_page(Sheet sheet, Out* out) except -1:
    cdef Sums* whole = &sheet.total[sheet.n]
    cdef long long articles = 0, money = 0, digits = 0, length = 0
    cdef Py_ssize_t i
    for i in range(sheet.m):
        articles += sheet.nodes[CODE, i] == ARTICLE
    for i in range(sheet.n):
        money += sheet.blocks[MONEY, i]
        digits += sheet.blocks[DIGITS, i]
        length += sheet.blocks[LENGTH, i]
    put_all(out, sheet.n)
    put_all(out, whole.size)
    put_all(out, share(whole.linked, whole.size))
    put_all(out, whole.prose)
    put_all(out, share(whole.prose, whole.size))
    put_all(out, whole.proses)
    put_all(out, whole.headings)
    put_all(out, whole.paragraphs)
    put_all(out, sheet.longest)
    put_all(out, articles)
    put_all(out, money)
    put_all(out, share(digits, length))
    put_all(out, sheet.signs)
    for kind in sheet.kinds:
        put_all(out, kind)
    return 0


cdef void of_parts(Sheet sheet, Out* out) noexcept:
    cdef Py_ssize_t i, part
    cdef Group* sums
    cdef int* row
    cdef long long prose = sheet.total[sheet.n].prose, width = out.width * PARTS
    for part in range(PARTS):
        for i in range(out.width):
            sums = &sheet.of_part[sheet.part[part][out.start + i]]
            row = out.at + part * out.width + i
            row[0], row[width] = <int>sums.count, <int>over(sums.size, sums.count)
            row[2 * width], row[3 * width] = <int>share(sums.linked, sums.size), <int>share(sums.prose, prose)
            row[4 * width] = <int>share(sums.distinct, sums.count)
    out.at += 5 * width


cdef void of_lists(Sheet sheet, Out* out) noexcept:
    cdef Py_ssize_t i, of
    cdef Group* sums
    cdef int* row
    cdef long long width = out.width * RECORDS
    for of in range(RECORDS):
        for i in range(out.width):
            sums = &sheet.of_sibling[sheet.sibling[sheet.record[of][out.start + i]]]
            row = out.at + of * out.width + i
            row[0], row[width] = <int>sums.count, <int>share(sums.linked, sums.size)
            row[2 * width], row[3 * width] = <int>over(sums.prose, sums.count), <int>over(sums.blocks, sums.count)
            row[4 * width] = <int>share(sums.largest, sums.size)
    out.at += 5 * width


cdef void of_classes(Sheet sheet, Out* out) noexcept:
    """What the classes of the nearest 1, 3 and 12 containers say together, and the strongest of all."""
    cdef Py_ssize_t i, level
    cdef int number
    cdef long long node, total, least, most, strongest
    cdef int values[10]
    cdef const long long* said = &sheet.nodes[SAID, 0]
    for i in range(out.width):
        node = sheet.node[out.start + i]
        if i == 0 or node != sheet.node[out.start + i - 1]:
            total, strongest, number = 0, 0, 0
            least, most = said[sheet.m + node], said[2 * sheet.m + node]
            for level in range(1, CHAIN + 1):
                total += said[node]
                least, most = min(least, said[sheet.m + node]), max(most, said[2 * sheet.m + node])
                if abs(said[node]) > abs(strongest):
                    strongest = said[node]
                if level == 1 or level == 3 or level == CHAIN:
                    values[number], values[number + 1], values[number + 2] = <int>total, <int>least, <int>most
                    number += 3
                node = sheet.parent[node]
            values[9] = <int>strongest
        for number in range(10):
            out.at[number * out.width + i] = values[number]
    out.at += 10 * out.width


def context_of(Sheet sheet, int[:, ::1] rows, Py_ssize_t start):
    """Write the columns of context.py, once the sheet has seen the first chances."""
    cdef Sums* whole = &sheet.total[sheet.n]
    cdef Sums* low
    cdef Sums* high
    cdef Sums* here
    cdef Sums held
    cdef Group* sums
    cdef Out out
    cdef Py_ssize_t i, place, by, level, width = rows.shape[1]
    cdef long long node
    cdef int* one
    cdef int* other
    cdef int first = 0, second = 0
    out.at, out.start, out.width = &rows[0, 0], start, width
    put(&out, sheet.chance)
    for by in (-3, -2, -1, 1, 2, 3):
        put_at(&out, sheet.chance, by, sheet.n)
    for by in (2, 5, 12, 30):
        one, other = row_of(&out), row_of(&out)
        for i in range(width):
            place = start + i
            low, high = &sheet.total[max(place - by, 0)], &sheet.total[min(place + by + 1, sheet.n)]
            here = &sheet.total[place]
            one[i] = <int>share(here.mass - low.mass, here.size - low.size)
            here = &sheet.total[place + 1]
            other[i] = <int>share(high.mass - here.mass, high.size - here.size)
    for level in range(LEVELS):
        one, other = row_of(&out), out.at + (LEVELS - 1) * width
        for i in range(width):
            node = sheet.line[level][start + i]
            if i == 0 or node != sheet.line[level][start + i - 1]:
                held = sheet.held(node)
                first, second = <int>share(held.mass, held.size), <int>share(held.mass, whole.mass)
            one[i], other[i] = first, second
    out.at += LEVELS * width
    for level in range(LIKES):
        one = row_of(&out)
        for i in range(width):
            sums = &sheet.of_sign[sheet.sign[sheet.line[level][start + i]]]
            one[i] = <int>share(sums.mass, sums.size)
    put(&out, sheet.since)
    put(&out, sheet.until)
    one, other = row_of(&out), row_of(&out)
    for i in range(width):
        one[i], other[i] = <int>(start + i - sheet.likely_begin), <int>(sheet.likely_stop - start - i)
    one = row_of(&out)
    for i in range(width):
        one[i] = <int>(sheet.chance[start + i] - sheet.cut)
    put_all(&out, sheet.cut)
    put_all(&out, share(whole.mass, whole.size))
    put_all(&out, whole.mass)
    put_all(&out, sheet.best)
    put_all(&out, share(sheet.likely, whole.size))
    put_all(&out, share(sheet.certain, whole.mass))
    for level in range(PARTS):
        one = row_of(&out)
        for i in range(width):
            sums = &sheet.of_part[sheet.part[level][start + i]]
            one[i] = <int>over(sums.weight, sums.size)
    for level in range(RECORDS):
        one, other = row_of(&out), out.at + (RECORDS - 1) * width
        for i in range(width):
            node = sheet.record[level][start + i]
            held, sums = sheet.held(node), &sheet.of_sibling[sheet.sibling[node]]
            one[i], other[i] = <int>over(held.weight, held.size), <int>over(sums.weight, sums.size)
