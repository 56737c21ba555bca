# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""layout.py's Builder in C: the same blocks and containers, from the characters of the page without a list of its tags.

Written beside it, step by step; what is seldom called is called there. Tests compare both on pages of every kind.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from array import array

from cpython cimport array as carray
from cpython.mem cimport PyMem_Free
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.string cimport memcmp, memcpy

from transforms.steps.extract.blocks.tags_c cimport (
    BREAK_NAME, FORMULA_NAME, IMAGE_NAME, LINK_NAME, ODD, OTHER, RULE_NAME, SPAN_NAME, block_tag, find_name,
    may_be_formula,
)
from transforms.steps.extract.blocks.texts_c cimport LINE, SPACE, Numbers, Pieces, push, top
from transforms.steps.extract.source_c cimport Place, next_tag

from transforms.steps.extract import source_c  # if one of these is refused, as built of another source, so is this
from transforms.steps.extract.blocks import layout, tags, tags_c, texts_c

cdef extern from "Python.h":
    unsigned int PyUnicode_READ(int kind, const void* data, Py_ssize_t index) nogil
    bint Py_UNICODE_ISSPACE(unsigned int char) nogil
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)

cdef enum:
    INLINE = 0
    BLOCK = 1
    BLOCK_END = 2
    LINK = 3
    LINK_END = 4
    BREAK = 5
    RULE = 6
    IMAGE = 7
    GHOST = 8
    GHOST_END = 9
    GROUPS = 64  # more than there are names of blocks
    WITHIN = 2
    KNOWN = 256  # start tags of a page that are kept in mind, a power of two
    LOOKED_AT = 12  # characters at the end of a tag by which it is looked up

NAMED = ("INLINE", "BLOCK", "BLOCK_END", "LINK", "LINK_END", "BREAK", "RULE", "IMAGE", "GHOST", "GHOST_END")
assert tuple(getattr(tags, name) for name in NAMED) == tuple(range(10))
assert len(tags.BLOCKS) < GROUPS

cdef object tag_of = tags.tag_of
cdef object tex_of_image = tags.tex_of_image
cdef object PAGE = layout.PAGE
cdef int PARAGRAPH = layout.PARAGRAPH, PRE = layout.PRE, ITEM = layout.ITEM
cdef int NAMES = len(tags.BLOCKS), NUMBERED = tags.TAG_CODE["ol"]
cdef int GROUP_OF[GROUPS]
cdef bint IS_SCOPE[GROUPS]
cdef bint IS_TABLE_PART[GROUPS]
cdef int CLOSES[GROUPS][WITHIN + 1]  # how many, then which
for group in range(GROUPS):
    IS_SCOPE[group] = group in layout.SCOPES
    IS_TABLE_PART[group] = group in layout.TABLE_PARTS
    within = layout.CLOSES.get(group, ())
    CLOSES[group][0] = len(within) if group in layout.CLOSES else -1
    for number, other in enumerate(within):
        CLOSES[group][number + 1] = other
for number, name in enumerate(tags.BLOCKS):
    GROUP_OF[number] = tags.GROUP[name]


cdef carray.array NO_NUMBERS = array("q")
assert NO_NUMBERS.itemsize == sizeof(Py_ssize_t)


cdef carray.array as_array(Numbers* numbers):
    cdef carray.array made = carray.clone(NO_NUMBERS, numbers.size, False)
    if numbers.size:
        memcpy(made.data.as_voidptr, numbers.at, numbers.size * sizeof(Py_ssize_t))
    return made


cdef struct Known:
    Py_ssize_t begin, size, node  # a start tag, and a container that one like it has opened; size 0 if there is none


cdef class Builder:
    """As layout.Builder; containers are rows of numbers, and what a block is made of are places on the page."""

    cdef str page
    cdef int kind
    cdef void* data
    cdef list texts, infos
    cdef Pieces pieces  # of the block that is read
    cdef dict numbers, items
    cdef Numbers parents, masks, above, depths, firsts, ends, codes, links, nodes, stack, scopes
    cdef Numbers opened[GROUPS]
    cdef Py_ssize_t pre, linked
    cdef Known known[KNOWN]

    def __init__(self, str page):
        self.page, self.kind, self.data = page, PyUnicode_KIND(page), PyUnicode_DATA(page)
        self.pieces, self.texts, self.infos = Pieces(page), [], [PAGE]
        self.numbers, self.items = {}, {}
        self.container(-1, 0, 0, NAMES)
        push(&self.stack, 0)
        push(&self.scopes, 0)

    def __dealloc__(self):
        cdef int group
        for group in range(GROUPS):
            PyMem_Free(self.opened[group].at)
        PyMem_Free(self.parents.at)
        PyMem_Free(self.masks.at)
        PyMem_Free(self.above.at)
        PyMem_Free(self.depths.at)
        PyMem_Free(self.firsts.at)
        PyMem_Free(self.ends.at)
        PyMem_Free(self.codes.at)
        PyMem_Free(self.links.at)
        PyMem_Free(self.nodes.at)
        PyMem_Free(self.stack.at)
        PyMem_Free(self.scopes.at)

    cdef int container(self, Py_ssize_t parent, Py_ssize_t mask, Py_ssize_t depth, Py_ssize_t code) except -1:
        push(&self.parents, parent)
        push(&self.masks, mask)
        push(&self.above, mask | (self.above.at[parent] if parent >= 0 else 0))
        push(&self.depths, depth)
        push(&self.firsts, len(self.texts))
        push(&self.ends, 0)
        push(&self.codes, code)
        return 0

    cdef int flush(self) except -1:
        """End a block."""
        cdef Py_ssize_t node = top(&self.stack), before = self.links.size
        self.pieces.end(self.pre > 0, self.linked, self.texts, &self.links)
        self.linked = 0
        while before < self.links.size:
            push(&self.nodes, node)
            before += 1
        return 0

    cdef object info(self, Py_ssize_t begin, Py_ssize_t name_end, Py_ssize_t end, int code, long long* mask):
        """A block's tag. Those of the page that were met before are known by what they end with."""
        cdef Py_ssize_t size = end - begin, index = max(begin, end - LOOKED_AT), width = self.kind
        cdef unsigned int key = size
        cdef char* data = <char*>self.data
        cdef Known* known
        while index < end:
            key = key * 31 + <unsigned int>PyUnicode_READ(self.kind, self.data, index)
            index += 1
        known = &self.known[(key ^ key >> 8) % KNOWN]
        if known.size == size and memcmp(data + width * known.begin, data + width * begin, width * size) == 0:
            mask[0] = self.masks.at[known.node]
            return self.infos[known.node]
        known.begin, known.size, known.node = begin, size, self.parents.size
        return block_tag(self.page, self.kind, self.data, begin, name_end, end, code, mask)

    cdef int start(self, int code, long long mask, object tag) except -1:
        cdef int group = GROUP_OF[code], index
        cdef Py_ssize_t parent, node, depth
        cdef Numbers* depths = &self.opened[group]
        cdef Numbers* others
        if depths.size and CLOSES[group][0] >= 0:
            depth = top(depths)
            for index in range(CLOSES[group][0]):
                others = &self.opened[CLOSES[group][index + 1]]
                if others.size and top(others) > depth:
                    break
            else:
                self.pop_to(depth)
        others = &self.opened[PARAGRAPH]
        if others.size and top(others) > top(&self.scopes):
            self.pop_to(top(others))
        parent, node, depth = top(&self.stack), self.parents.size, self.stack.size
        push(depths, depth)
        push(&self.stack, node)
        self.infos.append(tag)
        self.container(parent, mask, depth, code)
        if IS_SCOPE[group]:
            push(&self.scopes, depth)
        elif group == PRE:
            self.pre += 1
        elif group == ITEM and self.codes.at[parent] == NUMBERED:
            self.items[parent] = self.numbers[node] = self.items.get(parent, 0) + 1
        return 0

    cdef int end(self, int group) except -1:
        cdef Numbers* depths = &self.opened[group]
        cdef bint ends = depths.size > 0 and (top(depths) >= top(&self.scopes) or IS_TABLE_PART[group])
        if self.pieces.places.size and (ends or group == PARAGRAPH):
            self.flush()
        if ends:
            self.pop_to(top(depths))
        return 0

    cdef int pop_to(self, Py_ssize_t depth) except -1:
        cdef Py_ssize_t node, now = len(self.texts)
        cdef int group
        while self.stack.size > depth:
            node = top(&self.stack)
            self.stack.size -= 1
            group = GROUP_OF[self.codes.at[node]]
            self.ends.at[node] = now
            self.opened[group].size -= 1
            if IS_SCOPE[group]:
                self.scopes.size -= 1
            elif group == PRE:
                self.pre -= 1
        return 0

    cdef bint is_blank(self, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
        while at < end and Py_UNICODE_ISSPACE(PyUnicode_READ(self.kind, self.data, at)):
            at += 1
        return at == end

    cdef int walk(self) except -1:
        """Go through the page's tags and the texts between them."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(self.page), at = 0, begin, name_end = 0, ghosts = 0
        cdef int kind, name, ghost = 0
        cdef long long mask = 0
        cdef bint in_link = False, after_link = False, skipped = False, first = True, more, closes, gathered
        cdef object tag
        cdef Place place
        while True:
            more = next_tag(self.page, self.kind, self.data, at, size, &place)
            if not more:
                place.open = size - (at < size)  # without the > that source.py has added
            gathered = self.pieces.places.size > 0
            if at < place.open and not skipped and (first or gathered or not self.is_blank(at, place.open)):
                self.pieces.add(at, place.open)
                if in_link:
                    self.linked += place.open - at
                if not first:
                    after_link = False
            if not more:
                return 0
            first = skipped = False
            at = place.end + 1
            kind, name, tag = INLINE, OTHER, None
            if place.named:
                begin = place.open + 1
                closes = PyUnicode_READ(self.kind, self.data, begin) == 47
                name = find_name(self.kind, self.data, begin + closes, place.end, &name_end)
                if self.needs_python(name, closes, begin, place.end):
                    tag = tag_of(PyUnicode_Substring(self.page, begin, place.end))
                    kind, mask = tag.kind, tag.mask
                    if kind == BLOCK or kind == BLOCK_END:
                        name = tag.code
                elif 0 <= name < NAMES:
                    kind = BLOCK_END if closes else BLOCK
                elif closes:
                    kind = LINK_END if name == LINK_NAME else GHOST_END
                elif name == LINK_NAME:
                    kind = LINK
                elif name == BREAK_NAME:
                    kind = BREAK
                elif name == RULE_NAME:
                    kind = RULE
            if ghosts:
                if kind == BLOCK or kind == BLOCK_END:
                    ghosts = 0
                else:
                    if name == ghost:
                        ghosts += -1 if kind == GHOST_END else 1
                    if ghosts:
                        skipped = True
                        continue
            if kind == BLOCK:
                if self.pieces.places.size:
                    self.flush()
                if tag is None:
                    tag = self.info(begin, name_end, place.end, name, &mask)
                self.start(name, mask, tag)
            elif kind == BLOCK_END:
                self.end(GROUP_OF[name])
            elif kind == LINK:
                if after_link and self.pieces.places.size:
                    self.pieces.add(SPACE, 0)
                in_link = True
            elif kind == LINK_END:
                in_link, after_link = False, True
            elif kind == BREAK:
                self.pieces.add(LINE, 0)
            elif kind == IMAGE:
                self.pieces.add_formula(tex_of_image(PyUnicode_Substring(self.page, begin, place.end)))
            elif kind == RULE:
                if self.pieces.places.size:
                    self.flush()
            elif kind == GHOST:
                ghost, ghosts, skipped = name, 1, True

    cdef bint needs_python(self, int name, bint closes, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
        """Whether tags.py is to say what a tag is: a seldom one."""
        if name == ODD:
            return True
        if closes or name not in (IMAGE_NAME, SPAN_NAME, FORMULA_NAME):
            return False
        return may_be_formula(self.kind, self.data, begin, end)

    cdef object finish(self, object source):
        if self.pieces.places.size:
            self.flush()
        self.pop_to(1)
        self.ends.at[0] = len(self.texts)
        return layout.Layout(
            source.title, source.kinds, self.texts, as_array(&self.links), as_array(&self.nodes),
            as_array(&self.parents), self.infos, as_array(&self.above), as_array(&self.depths),
            as_array(&self.firsts), as_array(&self.ends), self.numbers,
        )


def lay_out(source):
    """As layout.lay_out."""
    cdef Builder builder = Builder(source.html)
    builder.walk()
    return builder.finish(source)
