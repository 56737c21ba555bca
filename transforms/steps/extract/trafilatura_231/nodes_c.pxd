# What the edits of trees share.

from libc.stdint cimport uintptr_t
from libc.string cimport strcmp
from lxml.includes cimport tree
from lxml.includes.etreepublic cimport _Document, _Element

cdef enum:
    CLEANED = 1
    STRIPPED = 1 << 1
    CUT_IF_EMPTY = 1 << 2
    LINK = 1 << 3
    HOLDS_LINKS = 1 << 4
    RAISED = 1 << 5
    RENDERED = 1 << 6
    LIST = 1 << 7
    HEADING = 1 << 8
    BREAK = 1 << 9
    CONVERTED = 1 << 10
    ITEM = 1 << 11
    DEFINITION = 1 << 12
    TABLE = 1 << 13
    FIGURE = 1 << 14
    FORM = 1 << 15
    STRONG = 1 << 16
    FORMULA = 1 << 17
    ATTRIBUTE = 1 << 18
    SLOTS = 1024


cdef class Nodes:
    cdef tree.xmlNode** at
    cdef Py_ssize_t count, room

    cdef int append(self, tree.xmlNode* node) except -1


cdef class Cuts:
    cdef Nodes nodes, renamed  # of a cut node also: what held it, what came before and after

    cdef int cut(self, tree.xmlNode* node) except -1
    cdef int rename(self, tree.xmlNode* node, const tree.xmlChar* name) except -1
    cdef void restore(self) noexcept


cdef class Names:
    cdef _Document document  # of the dictionary, which so lives on
    cdef const tree.xmlChar* known[SLOTS]
    cdef int kinds[SLOTS]
    cdef int ranks[SLOTS]  # of CLEANED: its place in the list
    cdef const tree.xmlChar* div
    cdef const tree.xmlChar* ref
    cdef const tree.xmlChar* list_
    cdef const tree.xmlChar* head
    cdef const tree.xmlChar* lb
    cdef const tree.xmlChar* item
    cdef const tree.xmlChar* p

    cdef const tree.xmlChar* kept(self, _Element top, name) except NULL


cdef Names names_for(_Element top)
cdef bint has_element_after(tree.xmlNode* node) noexcept nogil
cdef int children_of(tree.xmlNode* node) noexcept nogil
cdef bint has_class(tree.xmlNode* node, const char* part) noexcept nogil
cdef void cut(tree.xmlNode* node, bint with_tail) noexcept nogil
cdef int take_out(_Document document, tree.xmlNode* node, bint with_tail) except -1
cdef int unwrap(_Document document, tree.xmlNode* node) except -1
cdef Py_ssize_t trimmed_chars(tree.xmlNode* top) noexcept nogil
cdef Py_ssize_t all_chars(tree.xmlNode* top) noexcept nogil


cdef inline int slot_of(Names names, const tree.xmlChar* name) noexcept nogil:
    """Where in the table a name is, or would be."""
    cdef unsigned long long mixed = <unsigned long long><uintptr_t>name * <unsigned long long>2654435761
    cdef int at = <int>((mixed >> 12) & (SLOTS - 1))
    while names.known[at] is not NULL and names.known[at] is not name:
        at = (at + 1) & (SLOTS - 1)
    return at


cdef inline int kind_of(Names names, tree.xmlNode* node) noexcept nogil:
    """What is done with elements of a node's name."""
    return names.kinds[slot_of(names, node.name)]


cdef inline bint is_element(tree.xmlNode* node) noexcept nogil:
    return node.type == tree.XML_ELEMENT_NODE


cdef inline bint is_text(tree.xmlNode* node) noexcept nogil:
    return node.type == tree.XML_TEXT_NODE or node.type == tree.XML_CDATA_SECTION_NODE


cdef inline bint is_named(tree.xmlNode* node, const char* name) noexcept nogil:
    return node.type == tree.XML_ELEMENT_NODE and strcmp(<const char*>node.name, name) == 0


cdef inline bint is_below(tree.xmlNode* node, tree.xmlNode* top) noexcept nogil:
    """Whether it is the top or in it."""
    while node is not NULL and node is not top:
        node = node.parent
    return node is not NULL


cdef inline tree.xmlNode* parent_of(tree.xmlNode* node) noexcept nogil:
    """The element that holds it, or NULL."""
    cdef tree.xmlNode* parent = node.parent
    return parent if parent is not NULL and is_element(parent) else NULL


cdef inline Py_ssize_t chars_of(tree.xmlNode* text) noexcept nogil:
    cdef const unsigned char* at = <const unsigned char*>text.content
    cdef Py_ssize_t chars = 0
    while at is not NULL and at[0] != 0:
        chars += (at[0] & 0xC0) != 0x80
        at += 1
    return chars
