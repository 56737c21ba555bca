# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""layout.py's Builder in C: the same blocks and containers, from the characters of the page without a list of its tags.

Written beside it, step by step; what is seldom called is called there. Tests compare both on pages of every kind.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from array import array
from html.entities import html5, name2codepoint

from cpython cimport array as carray
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.string cimport memcmp, memcpy

from transforms.steps.extract.blocks.tags_c cimport (
    BREAK_NAME, FORMULA_NAME, IMAGE_NAME, LINK_NAME, ODD, OTHER, RULE_NAME, SPAN_NAME, block_tag, find_name, has_any,
)
from transforms.steps.extract.source_c cimport Place, next_tag

from transforms.steps.extract import source_c  # refused if it is of another source, so this is too
from transforms.steps.extract.blocks import layout, tags, tags_c
from transforms.steps.extract.blocks.source import LINE_BREAK, TEX

cdef extern from "Python.h":
    unsigned int PyUnicode_READ(int kind, const void* data, Py_ssize_t index) nogil
    bint Py_UNICODE_ISSPACE(unsigned int char) nogil
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)
    str PyUnicode_FromKindAndData(int kind, const void* data, Py_ssize_t size)

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
cdef object split_paragraphs = layout.PARAGRAPH_BREAK.split
cdef object tidy = layout.tidy
cdef object tidy_code = layout.tidy_code
cdef str BREAK_MARK = LINE_BREAK
cdef str TEX_MARK = TEX
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

cdef const char* SIGNS_OF_FORMULAS[3]  # without them an image is none
SIGNS_OF_FORMULAS[0], SIGNS_OF_FORMULAS[1], SIGNS_OF_FORMULAS[2] = "math", "tex", NULL
cdef const char* SIGNS_OF_GHOSTS[4]
SIGNS_OF_GHOSTS[0], SIGNS_OF_GHOSTS[1], SIGNS_OF_GHOSTS[2], SIGNS_OF_GHOSTS[3] = "katex", "ath", "mjx", NULL


# --- Characters ---------------------------------------------------------------------------------------------------------

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
    return INVISIBLE if char == 0xFEFF or char == 0xFFFE or char == 0xFFFF else BLANK if Py_UNICODE_ISSPACE(char) else VISIBLE


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


# --- Numbers ------------------------------------------------------------------------------------------------------------

cdef struct Numbers:
    Py_ssize_t* at
    Py_ssize_t size
    Py_ssize_t room


cdef inline int make_room(Numbers* numbers, Py_ssize_t room) except -1:
    cdef Py_ssize_t* larger
    if numbers.room < room:
        larger = <Py_ssize_t*>PyMem_Realloc(numbers.at, 2 * room * sizeof(Py_ssize_t))
        if larger is NULL:
            raise MemoryError
        numbers.at = larger
        numbers.room = 2 * room
    return 0


cdef inline int push(Numbers* numbers, Py_ssize_t value) except -1:
    if numbers.size == numbers.room:
        make_room(numbers, numbers.size + 16)
    numbers.at[numbers.size] = value
    numbers.size += 1
    return 0


cdef inline Py_ssize_t top(Numbers* numbers) noexcept nogil:
    return numbers.at[numbers.size - 1]


cdef carray.array NO_NUMBERS = array("q")
assert NO_NUMBERS.itemsize == sizeof(Py_ssize_t)


cdef carray.array as_array(Numbers* numbers):
    cdef carray.array made = carray.clone(NO_NUMBERS, numbers.size, False)
    if numbers.size:
        memcpy(made.data.as_voidptr, numbers.at, numbers.size * sizeof(Py_ssize_t))
    return made


cdef enum:
    # What stands in a block for a piece of the page
    SPACE = -1
    LINE = -2
    FORMULA = -3

cdef struct Known:
    Py_ssize_t begin, size, node  # a start tag, and a container that one like it has opened; size 0 if there is none


cdef class Builder:
    """As layout.Builder; containers are rows of numbers, and what a block is made of are places on the page."""

    cdef str page
    cdef int kind
    cdef void* data
    cdef list texts, infos, formulas
    cdef dict numbers, items
    cdef Numbers parents, masks, above, depths, firsts, ends, codes, links, nodes, stack, scopes
    cdef Numbers opened[GROUPS]
    cdef Numbers buffer  # of each piece of a block where it begins and ends, or what stands for it and its number
    cdef Py_ssize_t pre, linked
    cdef Known known[KNOWN]
    cdef unsigned int* letters  # of a block's text
    cdef Py_ssize_t room  # for them

    def __init__(self, str page):
        self.page, self.kind, self.data = page, PyUnicode_KIND(page), PyUnicode_DATA(page)
        self.texts, self.infos, self.formulas = [], [PAGE], []
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
        PyMem_Free(self.buffer.at)
        PyMem_Free(self.letters)

    cdef int container(self, Py_ssize_t parent, Py_ssize_t mask, Py_ssize_t depth, Py_ssize_t code) except -1:
        push(&self.parents, parent)
        push(&self.masks, mask)
        push(&self.above, mask | (self.above.at[parent] if parent >= 0 else 0))
        push(&self.depths, depth)
        push(&self.firsts, len(self.texts))
        push(&self.ends, 0)
        push(&self.codes, code)
        return 0

    cdef inline int piece(self, Py_ssize_t begin, Py_ssize_t end) except -1:
        push(&self.buffer, begin)
        return push(&self.buffer, end)

    cdef int flush(self) except -1:
        """End a block."""
        cdef Py_ssize_t texts = len(self.texts), blocks = self.nodes.size, linked = self.linked
        cdef str raw
        cdef list pieces
        if self.pre or not self.tidied():
            del self.texts[texts:]
            self.links.size = self.nodes.size = blocks
            raw = self.raw()
            pieces = [raw] if self.pre else split_paragraphs(raw)
            for piece in pieces:
                self.add(
                    tidy_code(raw) if self.pre else tidy(piece),
                    linked if len(pieces) == 1 else linked * len(piece) // len(raw),
                )
        self.buffer.size = self.linked = 0
        return 0

    cdef int add(self, str text, Py_ssize_t linked) except -1:
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        if size:
            self.texts.append(text)
            push(&self.links, linked if linked < size else size)
            push(&self.nodes, top(&self.stack))
        return 0

    cdef str raw(self):
        """The text of a block as layout.Builder gathers it."""
        cdef Py_ssize_t index, begin
        cdef list pieces = []
        for index in range(0, self.buffer.size, 2):
            begin = self.buffer.at[index]
            if begin >= 0:
                pieces.append(PyUnicode_Substring(self.page, begin, self.buffer.at[index + 1]))
            elif begin == FORMULA:
                pieces.append(self.formulas[self.buffer.at[index + 1]])
            else:
                pieces.append(" " if begin == SPACE else BREAK_MARK)
        return "".join(pieces)

    cdef bint tidied(self) except -1:
        """Add what layout.tidy makes of a block, and of each part of it between empty lines; False if Python is to."""
        cdef Py_ssize_t index, at, before, begin, end, length = 0, size = 0
        cdef Py_ssize_t passed = 0, start = 0, line = -1  # raw characters; where this part begins, and its last line
        cdef int kind = self.kind, char_class, code, blank = 0  # 1 for a space, 2 for a new line
        cdef bint parted = False
        cdef void* data = self.data
        cdef unsigned int char
        for index in range(0, self.buffer.size, 2):
            begin = self.buffer.at[index]
            length += self.buffer.at[index + 1] - begin if begin >= 0 else 1
        if self.room < length:
            PyMem_Free(self.letters)
            self.letters = <unsigned int*>PyMem_Realloc(NULL, 2 * length * sizeof(unsigned int))
            self.room = 2 * length if self.letters is not NULL else 0
            if self.letters is NULL:
                raise MemoryError
        for index in range(0, self.buffer.size, 2):
            begin, end = self.buffer.at[index], self.buffer.at[index + 1]
            if begin == SPACE:
                blank |= 1
                passed += 1
                continue
            if begin == LINE:
                if line >= 0:  # only blanks since the last one
                    self.add_letters(size, self.linked * (line - start) // length)
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
        self.add_letters(size, self.linked * (passed - start) // length if parted else self.linked)
        return True

    cdef int add_letters(self, Py_ssize_t size, Py_ssize_t linked) except -1:
        return self.add(PyUnicode_FromKindAndData(4, self.letters, size), linked) if size else 0

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
        if self.buffer.size and (ends or group == PARAGRAPH):
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
        cdef bint in_link = False, after_link = False, skipped = False, first = True, more, closes
        cdef object tag
        cdef Place place
        while True:
            more = next_tag(self.page, self.kind, self.data, at, size, &place)
            if not more:
                place.open = size - (at < size)  # without the > that source.py has added
            if at < place.open and not skipped and (first or self.buffer.size or not self.is_blank(at, place.open)):
                self.piece(at, place.open)
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
                if self.buffer.size:
                    self.flush()
                if tag is None:
                    tag = self.info(begin, name_end, place.end, name, &mask)
                self.start(name, mask, tag)
            elif kind == BLOCK_END:
                self.end(GROUP_OF[name])
            elif kind == LINK:
                if after_link and self.buffer.size:
                    self.piece(SPACE, 0)
                in_link = True
            elif kind == LINK_END:
                in_link, after_link = False, True
            elif kind == BREAK:
                self.piece(LINE, 0)
            elif kind == IMAGE:
                self.piece(FORMULA, len(self.formulas))
                self.formulas.append(TEX_MARK + tex_of_image(PyUnicode_Substring(self.page, begin, place.end)) + TEX_MARK)
            elif kind == RULE:
                if self.buffer.size:
                    self.flush()
            elif kind == GHOST:
                ghost, ghosts, skipped = name, 1, True

    cdef bint needs_python(self, int name, bint closes, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
        """Whether tags.py is to say what a tag is: a seldom one."""
        if name == ODD:
            return True
        if closes:
            return False
        if name == IMAGE_NAME:
            return has_any(self.kind, self.data, begin, end, SIGNS_OF_FORMULAS)
        if name == SPAN_NAME or name == FORMULA_NAME:
            return has_any(self.kind, self.data, begin, end, SIGNS_OF_GHOSTS)
        return False

    cdef object finish(self, object source):
        if self.buffer.size:
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
