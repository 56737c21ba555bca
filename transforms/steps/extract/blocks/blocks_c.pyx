# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""layout.py's Builder in C: the same blocks and containers, in a third of the time.

Written beside them, step by step; what is seldom called is called there. Tests compare both on pages of every kind.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from array import array

from cpython cimport array as carray
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.tuple cimport PyTuple_GET_ITEM
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.string cimport memcpy

from transforms.steps.extract.blocks import layout, tags
from transforms.steps.extract.blocks.source import LINE_BREAK, TEX

cdef enum:
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

NAMED = ("BLOCK", "BLOCK_END", "LINK", "LINK_END", "BREAK", "RULE", "IMAGE", "GHOST", "GHOST_END")
assert tuple(getattr(tags, name) for name in NAMED) == (1, 2, 3, 4, 5, 6, 7, 8, 9)
assert len(tags.BLOCKS) < GROUPS

cdef dict remembered = tags._tags
cdef object tag_of = tags.tag_of
cdef object tex_of_image = tags.tex_of_image
cdef object NO_TAG = tags.NO_TAG
cdef object LINK_TAG = tags.LINK_TAG
cdef tuple UNSEEN = tags.UNSEEN
cdef object PAGE = layout.PAGE
cdef object split_paragraphs = layout.PARAGRAPH_BREAK.split
cdef object tidy = layout.tidy
cdef object tidy_code = layout.tidy_code
cdef str BREAK_MARK = LINE_BREAK
cdef str TEX_MARK = TEX
cdef long PARAGRAPH = layout.PARAGRAPH, PRE = layout.PRE, ITEM = layout.ITEM
cdef bint IS_SCOPE[GROUPS]
cdef bint IS_TABLE_PART[GROUPS]
cdef long CLOSES[GROUPS][WITHIN + 1]  # how many, then which
for group in range(GROUPS):
    IS_SCOPE[group] = group in layout.SCOPES
    IS_TABLE_PART[group] = group in layout.TABLE_PARTS
    within = layout.CLOSES.get(group, ())
    CLOSES[group][0] = len(within) if group in layout.CLOSES else -1
    for number, other in enumerate(within):
        CLOSES[group][number + 1] = other


cdef struct Numbers:
    long long* at
    Py_ssize_t size
    Py_ssize_t room


cdef inline int push(Numbers* numbers, long long value) except -1:
    cdef long long* larger
    if numbers.size == numbers.room:
        larger = <long long*>PyMem_Realloc(numbers.at, (2 * numbers.room + 16) * sizeof(long long))
        if larger is NULL:
            raise MemoryError
        numbers.at = larger
        numbers.room = 2 * numbers.room + 16
    numbers.at[numbers.size] = value
    numbers.size += 1
    return 0


cdef inline long long top(Numbers* numbers) noexcept nogil:
    return numbers.at[numbers.size - 1]


cdef carray.array NO_NUMBERS = array("q")


cdef carray.array as_array(Numbers* numbers):
    cdef carray.array made = carray.clone(NO_NUMBERS, numbers.size, False)
    if numbers.size:
        memcpy(made.data.as_voidptr, numbers.at, numbers.size * sizeof(long long))
    return made


cdef inline long long field(object tag, int index) except? -1:
    return <object>PyTuple_GET_ITEM(tag, index)


cdef str tidied(str raw):
    """layout.tidy. Most texts have nothing but single blanks in them, within or around."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(raw), index
    cdef int kind = PyUnicode_KIND(raw)
    cdef void* data = PyUnicode_DATA(raw)
    cdef Py_UCS4 char
    cdef bint after_blank = True, as_it_is = True
    for index in range(size):
        char = PyUnicode_READ(kind, data, index)
        if 32 < char < 127:
            if char == 38:  # "&"
                return tidy(raw)
            after_blank = False
        elif char == 32:
            as_it_is = as_it_is and not after_blank
            after_blank = True
        elif char == 9 or char == 10 or char == 13:
            as_it_is = False
            after_blank = True
        elif char < 160 or char == 0xAD or char == 0xFEFF or char >= 0xFFFE:
            return tidy(raw)
        elif char.isspace():
            as_it_is = False
        else:
            after_blank = False
    if as_it_is and not (after_blank and size):
        return raw
    return " ".join(raw.split())


cdef class Builder:
    """As layout.Builder; containers are rows of numbers."""

    cdef list texts, infos, buffer
    cdef dict numbers, items
    cdef Numbers parents, above, depths, firsts, ends, groups, links, nodes, stack, scopes
    cdef Numbers opened[GROUPS]
    cdef long long pre, linked

    def __init__(self):
        self.texts, self.buffer, self.infos = [], [], [PAGE]
        self.numbers, self.items = {}, {}
        self.container(-1, 0, 0, field(PAGE, 3))
        push(&self.stack, 0)
        push(&self.scopes, 0)

    def __dealloc__(self):
        cdef int group
        for group in range(GROUPS):
            PyMem_Free(self.opened[group].at)
        PyMem_Free(self.parents.at)
        PyMem_Free(self.above.at)
        PyMem_Free(self.depths.at)
        PyMem_Free(self.firsts.at)
        PyMem_Free(self.ends.at)
        PyMem_Free(self.groups.at)
        PyMem_Free(self.links.at)
        PyMem_Free(self.nodes.at)
        PyMem_Free(self.stack.at)
        PyMem_Free(self.scopes.at)

    cdef int container(self, long long parent, long long above, long long depth, long long group) except -1:
        push(&self.parents, parent)
        push(&self.above, above)
        push(&self.depths, depth)
        push(&self.firsts, len(self.texts))
        push(&self.ends, 0)
        push(&self.groups, group)
        return 0

    cdef int flush(self) except -1:
        cdef str raw = <str>self.buffer[0] if len(self.buffer) == 1 else "".join(self.buffer)
        cdef long long linked = self.linked
        cdef list pieces
        self.buffer.clear()
        self.linked = 0
        if self.pre:
            self.add(tidy_code(raw), linked)
            return 0
        if BREAK_MARK in raw:
            pieces = split_paragraphs(raw)
            if len(pieces) > 1:
                for piece in pieces:
                    self.add(tidied(piece), linked * len(piece) // len(raw))
                return 0
        self.add(tidied(raw), linked)
        return 0

    cdef int add(self, str text, long long linked) except -1:
        cdef Py_ssize_t size = len(text)
        if size:
            self.texts.append(text)
            push(&self.links, linked if linked < size else size)
            push(&self.nodes, top(&self.stack))
        return 0

    cdef int start(self, object tag) except -1:
        cdef long long group = field(tag, 3), mask = field(tag, 4)
        cdef long long parent, node, depth, paragraphs, number
        cdef Numbers* depths = &self.opened[group]
        cdef Numbers* others
        cdef long index
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
        self.container(parent, self.above.at[parent] | mask, depth, group)
        if IS_SCOPE[group]:
            push(&self.scopes, depth)
        elif group == PRE:
            self.pre += 1
        elif group == ITEM and <object>PyTuple_GET_ITEM(self.infos[parent], 1) == "ol":
            number = self.items.get(parent, 0) + 1
            self.items[parent] = self.numbers[node] = number
        return 0

    cdef int end(self, long long group) except -1:
        cdef Numbers* depths = &self.opened[group]
        cdef bint ends = depths.size > 0 and (top(depths) >= top(&self.scopes) or IS_TABLE_PART[group])
        if self.buffer and (ends or group == PARAGRAPH):
            self.flush()
        if ends:
            self.pop_to(top(depths))
        return 0

    cdef int pop_to(self, long long depth) except -1:
        cdef long long node, group, now = len(self.texts)
        while self.stack.size > depth:
            node = top(&self.stack)
            self.stack.size -= 1
            group = self.groups.at[node]
            self.ends.at[node] = now
            self.opened[group].size -= 1
            if IS_SCOPE[group]:
                self.scopes.size -= 1
            elif group == PRE:
                self.pre -= 1
        return 0

    cdef object finish(self, object source):
        if self.buffer:
            self.flush()
        self.pop_to(1)
        self.ends.at[0] = len(self.texts)
        return layout.Layout(
            source.title, source.kinds, self.texts, as_array(&self.links), as_array(&self.nodes),
            as_array(&self.parents), self.infos, as_array(&self.above), as_array(&self.depths),
            as_array(&self.firsts), as_array(&self.ends), self.numbers,
        )


cdef object common(str raw):
    """The tags that tags.tag_of does not remember, by their first letters; None for others."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(raw)
    if size < 2:
        return None
    cdef Py_UCS4 first = PyUnicode_READ(PyUnicode_KIND(raw), PyUnicode_DATA(raw), 0)
    if first == 97:  # "a"
        return LINK_TAG if PyUnicode_READ(PyUnicode_KIND(raw), PyUnicode_DATA(raw), 1) == 32 else None
    if (first == 108 or first == 109 or first == 105) and raw.startswith(UNSEEN):  # "l", "m", "i"
        return NO_TAG
    if first == 105 and raw.startswith("img ") and "math" not in raw and "tex" not in raw:
        return NO_TAG
    return None


def lay_out(source):
    """As layout.lay_out."""
    cdef Builder builder = Builder()
    cdef list buffer = builder.buffer, parts = source.parts
    cdef bint in_link = False, after_link = False
    cdef str ghost = "", text, raw
    cdef long long ghosts = 0, kind
    cdef Py_ssize_t index
    cdef object tag
    cdef PyObject* known
    if parts[0]:
        buffer.append(parts[0])
    for index in range(1, len(parts), 2):
        raw, text = parts[index], parts[index + 1]
        if raw is None:
            tag = NO_TAG
        elif (tag := common(raw)) is None:
            known = <PyObject*>PyDict_GetItem(remembered, raw)
            tag = tag_of(raw) if known is NULL else <object>known
        kind = field(tag, 0)
        if ghosts:
            if kind == BLOCK or kind == BLOCK_END:
                ghosts = 0
            else:
                if <object>PyTuple_GET_ITEM(tag, 1) == ghost:
                    ghosts += -1 if kind == GHOST_END else 1
                if ghosts:
                    continue
        if kind == BLOCK:
            if buffer:
                builder.flush()
            builder.start(tag)
        elif kind == BLOCK_END:
            builder.end(field(tag, 3))
        elif kind == LINK:
            if after_link and buffer:
                buffer.append(" ")
            in_link = True
        elif kind == LINK_END:
            in_link, after_link = False, True
        elif kind == BREAK:
            buffer.append(BREAK_MARK)
        elif kind == IMAGE and raw is not None:
            buffer.append(TEX_MARK + tex_of_image(raw) + TEX_MARK)
        elif kind == RULE:
            if buffer:
                builder.flush()
        elif kind == GHOST:
            ghost, ghosts = <object>PyTuple_GET_ITEM(tag, 1), 1
            continue
        if text and (buffer or not text.isspace()):
            after_link = False
            buffer.append(text)
            if in_link:
                builder.linked += len(text)
    return builder.finish(source)
