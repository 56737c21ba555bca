# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What trafilatura does one element at a time through lxml's objects, each of which has to be made, over libxml2's nodes.

Nodes, their text, and names. An element that is taken out is handed to lxml, which frees it unless something refers to
it. Text nodes that come to stand side by side stay so: lxml reads them as one. Built and refused as walk_c is.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from libc.stdlib cimport free, realloc
from libc.string cimport strcmp, strstr
from lxml.includes cimport tree
from lxml.includes.etreepublic cimport _Document, _Element, elementFactory, import_lxml__etree, makeSubElement

from transforms.steps.extract.trafilatura_231.walk_c cimport following

from trafilatura import htmlprocessing, settings

from transforms.steps.extract.trafilatura_231 import walk_c  # which refuses another lxml

import_lxml__etree()


cdef class Nodes:
    """A list of nodes."""

    def __cinit__(self):
        self.at, self.count, self.room = NULL, 0, 0

    def __dealloc__(self):
        free(self.at)

    cdef int append(self, tree.xmlNode* node) except -1:
        if self.count == self.room:
            self.room = 2 * self.room or 64
            grown = <tree.xmlNode**>realloc(self.at, self.room * sizeof(tree.xmlNode*))
            if grown is NULL:
                raise MemoryError
            self.at = grown
        self.at[self.count] = node
        self.count += 1
        return 0


cdef bint has_element_after(tree.xmlNode* node) noexcept nogil:
    node = node.next
    while node is not NULL and not is_element(node):
        node = node.next
    return node is not NULL


cdef int children_of(tree.xmlNode* node) noexcept nogil:
    """How many elements it holds itself."""
    cdef int count = 0
    node = node.children
    while node is not NULL:
        count += is_element(node)
        node = node.next
    return count


cdef void cut(tree.xmlNode* node, bint with_tail) noexcept nogil:
    """Out of what holds it. with_tail: and the text after it, which else stays."""
    cdef tree.xmlNode* last = node
    cdef tree.xmlNode* part
    while with_tail and last.next is not NULL and is_text(last.next):
        last = last.next
    if node.prev is not NULL:
        node.prev.next = last.next
    elif node.parent is not NULL:
        node.parent.children = last.next
    if last.next is not NULL:
        last.next.prev = node.prev
    elif node.parent is not NULL:
        node.parent.last = node.prev
    node.prev = last.next = NULL
    part = node
    while part is not NULL:
        part.parent = NULL
        part = part.next


cdef class Cuts:
    """Elements that are out of a tree for the time of a copy, and elements that have another name then."""

    def __cinit__(self):
        self.nodes, self.renamed = Nodes(), Nodes()

    cdef int cut(self, tree.xmlNode* node) except -1:
        for place in (0, 1, 2, 3):
            self.nodes.append(node if place == 0 else node.parent if place == 1 else node.prev if place == 2 else node.next)
        cut(node, False)
        return 0

    cdef int rename(self, tree.xmlNode* node, const tree.xmlChar* name) except -1:
        self.renamed.append(node)
        self.renamed.append(<tree.xmlNode*>node.name)
        node.name = name
        return 0

    cdef void restore(self) noexcept:
        cdef tree.xmlNode* node
        while self.nodes.count > 0:
            self.nodes.count -= 4
            node = self.nodes.at[self.nodes.count]
            node.parent = self.nodes.at[self.nodes.count + 1]
            node.prev = self.nodes.at[self.nodes.count + 2]
            node.next = self.nodes.at[self.nodes.count + 3]
            if node.prev is NULL:
                node.parent.children = node
            else:
                node.prev.next = node
            if node.next is NULL:
                node.parent.last = node
            else:
                node.next.prev = node
        while self.renamed.count > 0:
            self.renamed.count -= 2
            self.renamed.at[self.renamed.count].name = <const tree.xmlChar*>self.renamed.at[self.renamed.count + 1]


cdef int take_out(_Document document, tree.xmlNode* node, bint with_tail) except -1:
    cut(node, with_tail)
    elementFactory(document, node)  # lxml frees it as this goes
    return 0


cdef int unwrap(_Document document, tree.xmlNode* node) except -1:
    """What it holds takes its place."""
    cdef tree.xmlNode* child = node.children
    cdef tree.xmlNode* last = node.last
    if child is NULL:
        return take_out(document, node, False)
    while child is not NULL:
        child.parent = node.parent
        child = child.next
    child, node.children, node.last = node.children, NULL, NULL
    child.prev, last.next = node.prev, node.next
    if child.prev is NULL:
        node.parent.children = child
    else:
        child.prev.next = child
    if last.next is NULL:
        node.parent.last = last
    else:
        last.next.prev = last
    node.parent = node.prev = node.next = NULL
    elementFactory(document, node)
    return 0


cdef struct Count:
    Py_ssize_t chars
    bint after_space


cdef inline int space_bytes(const unsigned char* at) noexcept nogil:
    """Of how many bytes the white space there is that str.split parts at; 0 if it is none."""
    if at[0] < 0x80:
        return at[0] == 32 or 9 <= at[0] <= 13 or 28 <= at[0] <= 31
    if at[0] == 0xC2:
        return 2 if at[1] == 0x85 or at[1] == 0xA0 else 0
    if at[0] == 0xE2:
        if at[1] == 0x80:
            return 3 if 0x80 <= at[2] <= 0x8A or at[2] == 0xA8 or at[2] == 0xA9 or at[2] == 0xAF else 0
        return 3 if at[1] == 0x81 and at[2] == 0x9F else 0
    if at[0] == 0xE1:
        return 3 if at[1] == 0x9A and at[2] == 0x80 else 0
    if at[0] == 0xE3:
        return 3 if at[1] == 0x80 and at[2] == 0x80 else 0
    return 0


cdef inline void count_trimmed(const unsigned char* at, Count* count) noexcept nogil:
    cdef int space
    if at is NULL:
        return
    while at[0] != 0:
        space = space_bytes(at)
        if space > 0:
            count.after_space = True
            at += space
        else:
            if (at[0] & 0xC0) != 0x80:
                if count.after_space and count.chars > 0:
                    count.chars += 1
                count.after_space = False
                count.chars += 1
            at += 1


cdef Py_ssize_t trimmed_chars(tree.xmlNode* top) noexcept nogil:
    """Length of `trim(top.text_content())`."""
    cdef Count count
    cdef tree.xmlNode* node = following(top, top, True)
    count.chars, count.after_space = 0, False
    while node is not NULL:
        if is_text(node):
            count_trimmed(<const unsigned char*>node.content, &count)
        node = following(node, top, True)
    return count.chars


cdef Py_ssize_t all_chars(tree.xmlNode* top) noexcept nogil:
    """Length of `top.text_content()`."""
    cdef Py_ssize_t chars = 0
    cdef tree.xmlNode* node = following(top, top, True)
    while node is not NULL:
        if is_text(node):
            chars += chars_of(node)
        node = following(node, top, True)
    return chars


cdef bint has_class(tree.xmlNode* node, const char* part) noexcept nogil:
    """Whether its class contains this."""
    cdef tree.xmlAttr* attribute = node.properties
    cdef tree.xmlNode* text
    while attribute is not NULL:
        if attribute.ns is NULL and strcmp(<const char*>attribute.name, b"class") == 0:
            text = attribute.children
            return text is not NULL and text.content is not NULL and strstr(<const char*>text.content, part) is not NULL
        attribute = attribute.next
    return False


FORMS_APART = [name for name in settings.MANUALLY_CLEANED if name != "form"]
NAMES = {
    CLEANED: FORMS_APART,
    STRIPPED: settings.MANUALLY_STRIPPED,
    CUT_IF_EMPTY: settings.CUT_EMPTY_ELEMS,
    LINK: ["a"],
    HOLDS_LINKS: ["div", "li", "p", "table"],
    RAISED: ["sub", "sup"],
    RENDERED: htmlprocessing.REND_TAG_MAPPING,
    LIST: ["dl", "ol", "ul"],
    HEADING: ["h1", "h2", "h3", "h4", "h5", "h6"],
    BREAK: ["br", "hr"],
    CONVERTED: ["blockquote", "pre", "q", "del", "s", "strike", "details"],
    ITEM: ["li"],
    DEFINITION: ["dd", "dt"],
    TABLE: ["table"],
    FIGURE: ["figure"],
    FORM: ["form"],
    STRONG: ["strong"],
    FORMULA: ["math", "graphic"],  # or images, which an element of that name would be
    ATTRIBUTE: [  # of rules, tables, code, forms (readability), and those that trafilatura itself sets
        *("id", "class", "role", "itemprop", "style", "aria-hidden", "data-component"),
        *("data-lp-replacement-content", "colspan", "rowspan", "lang", "type", "src", "rend"),
    ],
}
CONVERSIONS = htmlprocessing.CONVERSIONS


cdef class Names:
    """What is done with elements of a name, asked by the name's address.

    lxml keeps each name once, in a dictionary that all its documents of a thread share; another has another table.
    """

    def __init__(self, _Element top not None):
        cdef int at
        self.document = top._doc
        for at in range(SLOTS):
            self.known[at], self.kinds[at], self.ranks[at] = NULL, 0, 0
        for kind, names in NAMES.items():
            for rank, name in enumerate(names):
                at = slot_of(self, self.kept(top, name))
                self.known[at] = self.kept(top, name)
                self.kinds[at] |= kind
                if kind == CLEANED:
                    self.ranks[at] = rank
        self.div, self.ref, self.list_ = self.kept(top, "div"), self.kept(top, "ref"), self.kept(top, "list")
        self.head, self.lb, self.item = self.kept(top, "head"), self.kept(top, "lb"), self.kept(top, "item")
        self.p = self.kept(top, "p")

    cdef const tree.xmlChar* kept(self, _Element top, name) except NULL:
        """The one copy of a name."""
        cdef _Element child = makeSubElement(top, name, None, None, None, None)
        cdef const tree.xmlChar* found = child._c_node.name
        top.remove(child)
        return found


cdef Names NAMES_OF_THREAD = None


cdef Names names_for(_Element top):
    global NAMES_OF_THREAD
    if NAMES_OF_THREAD is None or NAMES_OF_THREAD.document._c_doc.dict is not top._doc._c_doc.dict:
        NAMES_OF_THREAD = Names(top)
    return NAMES_OF_THREAD
