# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""trafilatura's edits of a page's tree over libxml2's nodes, for precision without links, images and formatting.

What it does one element at a time through lxml's objects, each of which has to be made, is done here in walks over the
nodes. An element that is taken out is handed to lxml, which frees it unless something refers to it. Text nodes that
come to stand side by side stay so: lxml reads them as one.

Built and refused as walk_c is, which it needs.
"""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, realloc
from libc.string cimport strcmp, strlen, strncmp, strstr
from lxml.includes cimport tree
from lxml.includes.etreepublic cimport _Document, _Element, elementFactory, import_lxml__etree, makeSubElement

from transforms.steps.extract.trafilatura_231.walk_c cimport Finder, following

from transforms.steps.extract.trafilatura_231 import walk_c  # which refuses another lxml

from trafilatura import htmlprocessing, settings
from trafilatura.readability_lxml import DIV_TO_P_PREFIXES
from trafilatura.utils import LINK_FARM_RATIO
from trafilatura.xml import delete_element

import_lxml__etree()

cdef double FARM = LINK_FARM_RATIO
cdef enum:
    MAX_PREFIXES = 20
cdef const char* BLOCK_PREFIXES[MAX_PREFIXES]
PREFIXES = [name.encode() for name in DIV_TO_P_PREFIXES]
assert len(PREFIXES) < MAX_PREFIXES
for number, prefix in enumerate(PREFIXES):
    BLOCK_PREFIXES[number] = prefix
BLOCK_PREFIXES[len(PREFIXES)] = NULL


# Nodes


cdef class Nodes:
    """A list of nodes."""

    cdef tree.xmlNode** at
    cdef Py_ssize_t count, room

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


cdef inline bint has_element_after(tree.xmlNode* node) noexcept nogil:
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
    """Elements that are out of a tree for the time of a copy, and elements that have another name."""

    cdef Nodes nodes, renamed  # of a cut node also: what held it, what came before and after

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


cdef inline int take_out(_Document document, tree.xmlNode* node, bint with_tail) except -1:
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


# Text


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


cdef inline Py_ssize_t chars_of(tree.xmlNode* text) noexcept nogil:
    cdef const unsigned char* at = <const unsigned char*>text.content
    cdef Py_ssize_t chars = 0
    while at is not NULL and at[0] != 0:
        chars += (at[0] & 0xC0) != 0x80
        at += 1
    return chars


cdef Py_ssize_t all_chars(tree.xmlNode* top) noexcept nogil:
    """Length of `top.text_content()`."""
    cdef Py_ssize_t chars = 0
    cdef tree.xmlNode* node = following(top, top, True)
    while node is not NULL:
        if is_text(node):
            chars += chars_of(node)
        node = following(node, top, True)
    return chars


# Names


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

    cdef inline int slot(self, const tree.xmlChar* name) noexcept nogil:
        cdef unsigned long long mixed = <unsigned long long><uintptr_t>name * <unsigned long long>2654435761
        cdef int at = <int>((mixed >> 12) & 1023)
        while self.known[at] is not NULL and self.known[at] is not name:
            at = (at + 1) & (SLOTS - 1)
        return at

    cdef inline int kind(self, tree.xmlNode* node) noexcept nogil:
        return self.kinds[self.slot(node.name)]

    def __init__(self, _Element top not None):
        cdef int at
        self.document = top._doc
        for at in range(SLOTS):
            self.known[at], self.kinds[at], self.ranks[at] = NULL, 0, 0
        for kind, names in NAMES.items():
            for rank, name in enumerate(names):
                at = self.slot(self.kept(top, name))
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


# tree_cleaning, convert_tags


def is_plain(_Element top not None) -> bool:
    """Whether a tree has elements and text alone, none of a namespace, no formulas or images of TEI: what can be edited here."""
    cdef Names names = names_for(top)
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = root
    if root.parent is NULL or is_element(root.parent):
        return False
    while node is not NULL:
        if is_element(node):
            if node.ns is not NULL or names.kind(node) & FORMULA:
                return False
        elif not is_text(node):
            return False
        node = following(node, root, True)
    return True


def shed(_Element top not None):
    """Take out the attributes that nothing looks at from here on, which copies would cost."""
    cdef Names names = names_for(top)
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = root
    cdef _Element heap = makeSubElement(top, "div", None, None, None, None)
    cdef tree.xmlNode* holder = heap._c_node
    cdef tree.xmlAttr* attribute
    cdef tree.xmlAttr* after
    cut(holder, False)
    while node is not NULL:
        if is_element(node):
            attribute = node.properties
            while attribute is not NULL:
                after = attribute.next
                if attribute.ns is NULL and not names.kinds[names.slot(attribute.name)] & ATTRIBUTE:
                    if attribute.prev is NULL:
                        node.properties = after
                    else:
                        attribute.prev.next = after
                    if after is not NULL:
                        after.prev = attribute.prev
                    attribute.parent, attribute.prev, attribute.next = holder, NULL, holder.properties
                    if attribute.next is not NULL:
                        attribute.next.prev = attribute
                    holder.properties = attribute
                attribute = after
        node = following(node, root, True)


def cleaned(_Element top not None):
    """A copy of a whole tree that is_plain after `tree_cleaning`. What that takes out is not copied."""
    cdef Names names = names_for(top)
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = root
    cdef tree.xmlNode* after
    cdef Cuts cuts = Cuts()
    cdef _Element copied
    cdef int kind
    try:
        while node is not NULL:
            if is_element(node):
                kind = names.kind(node)
                if kind & FIGURE and holds_table(node, names) or kind & TABLE and is_layout(node):
                    cuts.rename(node, names.div)
            node = following(node, root, True)
        cut_cleaned(root, names, cuts)
        settle_forms(root, names, cuts)
        copied = top.__copy__()
    finally:
        cuts.restore()
    root = copied._c_node
    node = following(root, root, True)
    while node is not NULL:
        after = following(node, root, True)
        if is_element(node) and names.kind(node) & STRIPPED:
            unwrap(copied._doc, node)
        node = after
    node = following(root, root, True)
    while node is not NULL:
        after = following(node, root, True)
        if is_element(node) and node.children is NULL and names.kind(node) & CUT_IF_EMPTY:
            while after is not NULL and is_text(after) and after.parent is node.parent:  # its tail goes too
                after = following(after, root, True)
            take_out(copied._doc, node, True)
        node = after
    return copied


cdef bint holds_table(tree.xmlNode* top, Names names) noexcept nogil:
    cdef tree.xmlNode* node = following(top, top, True)
    while node is not NULL:
        if is_element(node) and names.kind(node) & TABLE:
            return True
        node = following(node, top, True)
    return False


cdef bint is_layout(tree.xmlNode* table):
    """Whether its role says so."""
    cdef tree.xmlAttr* attribute = table.properties
    cdef const char* value
    while attribute is not NULL:
        if attribute.ns is NULL and strcmp(<const char*>attribute.name, b"role") == 0:
            if attribute.children is NULL or attribute.children.content is NULL:
                return False
            value = <const char*>attribute.children.content
            return attribute.children.next is NULL and (
                strcmp(value, b"presentation") == 0 or strcmp(value, b"none") == 0
            )
        attribute = attribute.next
    return False


cdef int cut_cleaned(tree.xmlNode* root, Names names, Cuts cuts) except -1:
    """Name by name, as trafilatura does.

    It deletes while it iterates, and lxml knows the next element before: if that is in the deleted one, the iteration
    goes on there and ends there, so all later elements of that name stay.
    """
    cdef tree.xmlNode* node = root
    cdef Nodes found = Nodes()
    cdef Py_ssize_t index, later
    cdef int rank
    cdef unsigned long long present[4]
    present[0] = present[1] = present[2] = present[3] = 0
    while node is not NULL:
        if is_element(node) and names.kind(node) & CLEANED:
            found.append(node)
            rank = names.ranks[names.slot(node.name)]
            present[rank >> 6] |= 1ULL << (rank & 63)
        node = following(node, root, True)
    for rank in range(256):
        if not present[rank >> 6] >> (rank & 63) & 1:
            continue
        index = next_attached(found, names, rank, 0, root)
        while index < found.count:
            node = found.at[index]
            later = next_attached(found, names, rank, index + 1, root)
            if node is not root:
                is_inside = later < found.count and is_below(found.at[later], node)
                cuts.cut(node)
                if is_inside:
                    break
            index = later
    return 0


cdef Py_ssize_t next_attached(Nodes found, Names names, int rank, Py_ssize_t start, tree.xmlNode* root) noexcept nogil:
    """The next element with a name's rank that is still in the tree."""
    while start < found.count:
        if names.ranks[names.slot(found.at[start].name)] == rank and is_below(found.at[start], root):
            break
        start += 1
    return start


cdef int settle_forms(tree.xmlNode* root, Names names, Cuts cuts) except -1:
    """`_handle_forms`: one that holds most of the page's text is a wrapper, others go."""
    cdef tree.xmlNode* node = root
    cdef Nodes forms = Nodes()
    cdef Py_ssize_t total, index
    while node is not NULL:
        if is_element(node) and names.kind(node) & FORM:
            forms.append(node)
        node = following(node, root, True)
    if forms.count == 0:
        return 0
    total = all_chars(root)
    for index in range(forms.count):
        node = forms.at[index]
        if total > 0 and 2 * all_chars(node) > total:
            cuts.rename(node, names.div)
        elif node is not root and is_below(node, root):
            cuts.cut(node)
    return 0


def convert(_Element top not None):
    """`convert_tags` of a whole tree that is_plain, without links, formatting, images."""
    cdef Names names = names_for(top)
    cdef _Document document = top._doc
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = root
    cdef tree.xmlNode* after
    cdef int kind
    while node is not NULL:
        after = following(node, root, True)
        if is_element(node) and names.kind(node) & LINK:
            if is_in_container(node, root, names):
                node.name = names.ref
            elif node is not root:
                unwrap(document, node)
        node = after
    node = root
    while node is not NULL:
        after = following(node, root, True)
        if is_element(node):
            kind = names.kind(node)
            if kind & STRONG and has_class(node, b"schema-faq-question"):
                question = elementFactory(document, node)
                question.attrib.clear()
                question.set("rend", "h3")
                question.tag = "head"
            elif kind & RAISED and node is not root and is_empty(node):
                after = following(node, root, False)
                take_out(document, node, False)
            elif kind & RENDERED and node is not root:
                unwrap(document, node)
        node = after
    node = root
    while node is not NULL:
        after = following(node, root, True)
        if is_element(node):
            kind = names.kind(node)
            if kind & BREAK:
                node.name = names.lb
            elif kind & LIST:
                convert_list(document, node, names)
            elif kind & (HEADING | CONVERTED):
                element = elementFactory(document, node)
                CONVERSIONS[element.tag](element)
        node = after


cdef bint is_in_container(tree.xmlNode* link, tree.xmlNode* root, Names names) noexcept nogil:
    """Whether the nearest element that may hold links is another than the root."""
    cdef tree.xmlNode* node = parent_of(link) if link is not root else NULL
    while node is not NULL and not names.kind(node) & HOLDS_LINKS:
        node = parent_of(node)
    return node is not NULL and node is not root


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


cdef bint is_empty(tree.xmlNode* node) noexcept nogil:
    """Neither elements nor text."""
    node = node.children
    while node is not NULL:
        if is_element(node) or node.content is not NULL and node.content[0] != 0:
            return False
        node = node.next
    return True


cdef int convert_list(_Document document, tree.xmlNode* top, Names names) except -1:
    cdef tree.xmlNode* node = following(top, top, True)
    cdef int kind, number = 1
    element = elementFactory(document, top)
    element.set("rend", element.tag)
    element = None
    top.name = names.list_
    while node is not NULL:
        if is_element(node):
            kind = names.kind(node)
            if kind & DEFINITION:
                item = elementFactory(document, node)
                item.set("rend", f"{item.tag}-{number}")
                number += item.tag == "dd"
                item.tag = "item"
            elif kind & ITEM:
                node.name = names.item
        node = following(node, top, True)
    return 0


# prune_unwanted_nodes, prune_unwanted_sections


cdef class Removal:
    """Takes out, of what is below an element, the elements of some names and those that meet a rule; tails stay."""

    cdef tuple names, finders
    cdef Finder suspected
    cdef object convicts

    def __init__(self, rules=(), names=(), suspected=None, convicts=None):
        """rules: or their finders. suspected: a rule whose elements go if `convicts` says so of them."""
        self.finders = tuple(walk_c.finder_of(rule) for rule in rules)
        self.names = tuple(name.encode() for name in names)
        self.suspected = None if suspected is None else walk_c.finder_of(suspected)
        self.convicts = convicts

    cdef bint concerns(self, tree.xmlNode* node) except -1:
        cdef Finder finder
        cdef bytes name
        for name in self.names:
            if strcmp(<const char*>node.name, <const char*>name) == 0:
                return True
        for finder in self.finders:
            if finder.may_meet(node) and finder.meets(node):
                return True
        return False

    cdef bint convicted(self, _Document document, tree.xmlNode* node) except -1:
        if self.suspected is None or not self.suspected.may_meet(node) or not self.suspected.meets(node):
            return False
        return self.convicts(elementFactory(document, node))

    def __call__(self, _Element top not None):
        cdef tree.xmlNode* root = top._c_node
        cdef tree.xmlNode* node = following(root, root, True)
        cdef tree.xmlNode* after
        while node is not NULL:
            if is_element(node) and (self.concerns(node) or self.convicted(top._doc, node)):
                after = following(node, root, False)
                take_out(top._doc, node, False)
            else:
                after = following(node, root, True)
            node = after


    def copy_without(self, _Element top not None):
        """A copy of a whole tree without them."""
        cdef tree.xmlNode* root = top._c_node
        cdef tree.xmlNode* node = following(root, root, True)
        cdef tree.xmlNode* after
        cdef Cuts cuts = Cuts()
        try:
            while node is not NULL:
                if is_element(node) and (self.concerns(node) or self.convicted(top._doc, node)):
                    after = following(node, root, False)
                    cuts.cut(node)
                else:
                    after = following(node, root, True)
                node = after
            return top.__copy__()
        finally:
            cuts.restore()


cdef class GuardedRemoval(Removal):
    """As Removal, but nothing if that would leave at most a seventh of the text."""

    def __call__(self, _Element top not None):
        cdef tree.xmlNode* root = top._c_node
        cdef tree.xmlNode* node = following(root, root, True)
        cdef Nodes outer = Nodes()
        cdef Py_ssize_t total = 0, lost = 0, chars, index
        cdef bint into
        while node is not NULL:
            into = True
            if is_text(node):
                total += chars_of(node)
            elif is_element(node) and self.concerns(node):
                outer.append(node)
                chars = all_chars(node)
                total += chars
                lost += chars
                into = False
            node = following(node, root, into)
        if total - lost > total / 7.0:
            for index in range(outer.count):
                take_out(top._doc, outer.at[index], False)


cdef struct Links:
    Py_ssize_t count, with_text, short, chars, last


cdef Links links_in(tree.xmlNode* top, bint measured) noexcept nogil:
    """Of the links below an element: how many, and by `collect_link_info`. count is -1 with an image among them."""
    cdef Links links
    cdef tree.xmlNode* node = following(top, top, True)
    links.count = links.with_text = links.short = links.chars = links.last = 0
    while node is not NULL:
        if is_named(node, b"ref"):
            links.count += 1
            if measured:
                links.last = trimmed_chars(node)
                if links.last > 0:
                    links.with_text += 1
                    links.chars += links.last
                    links.short += links.last < 10
        elif not measured and is_named(node, b"graphic"):
            links.count = -1
            break
        node = following(node, top, True)
    return links


cdef bint is_listing(tree.xmlNode* top) noexcept nogil:
    """`is_paragraph_listing`: each link is the only one of a paragraph that holds it."""
    cdef tree.xmlNode* node = following(top, top, True)
    while node is not NULL:
        if is_named(node, b"ref"):
            if node.parent is NULL or not is_named(node.parent, b"p") or links_in(node.parent, True).count > 1:
                return False
        node = following(node, top, True)
    return True


cdef bint is_of_links(tree.xmlNode* node, bint* is_short) noexcept nogil:
    """`link_density_test` for precision."""
    cdef Links links = links_in(node, False)
    cdef Py_ssize_t chars, least
    is_short[0] = False
    if links.count <= 0:
        return False
    chars = trimmed_chars(node)
    links = links_in(node, True)
    if links.count == 1 and links.last > 10 and links.last > chars * 0.9:
        return True
    if is_named(node, b"p"):
        least = 30 if has_element_after(node) else 60
    else:
        least = 100 if has_element_after(node) else 300
    if chars < least:
        if links.with_text == 0:
            return True
        is_short[0] = True
        return links.chars > chars * 0.8 or (
            links.with_text > 1 and <double>links.short / <double>links.with_text > 0.8
        )
    return (
        links.count > 4
        and links.chars > chars * FARM
        and links.chars < 100 * links.with_text
        and not is_listing(node)
    )


cdef bint is_table_of_links(tree.xmlNode* table) noexcept nogil:
    """`link_density_test_tables`"""
    cdef Links links = links_in(table, True)
    cdef Py_ssize_t chars
    if links.count == 0:
        return False
    chars = trimmed_chars(table)
    if chars < 200:
        return False
    return links.chars > (0.8 if chars < 1000 else 0.5) * chars


cdef int take_out_links(_Element top, const char* name, bint backtracking) except -1:
    """`delete_by_link_density` for precision."""
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = root
    cdef tree.xmlNode* outer = NULL
    cdef Nodes found = Nodes()
    cdef bint is_short = False, top_goes = False
    cdef Py_ssize_t index
    while node is not NULL:
        if is_named(node, name):
            if is_of_links(node, &is_short) or (
                backtracking and is_short and children_of(node) >= 1 and trimmed_chars(node) < 200
            ):
                if strcmp(name, b"p") != 0 or not is_in_item(node):
                    if node is root:
                        top_goes = True
                    elif outer is NULL or not is_below(node, outer):
                        outer = node
                        found.append(node)
        node = following(node, root, True)
    if top_goes:
        delete_element(top)  # what is in it is worked on nevertheless
    for index in range(found.count):
        take_out(top._doc, found.at[index], False)
    return 0


cdef inline bint is_in_item(tree.xmlNode* node) noexcept nogil:
    cdef tree.xmlNode* parent = parent_of(node)
    return parent is not NULL and (is_named(parent, b"item") or is_named(parent, b"td") or is_named(parent, b"th"))


cdef class Sections:
    """`prune_unwanted_sections` for precision, of a tree that was converted here.

    guarded, unguarded: removals before links are looked at
    """

    cdef object guarded, unguarded

    def __init__(self, guarded, unguarded):
        self.guarded, self.unguarded = guarded, unguarded

    def __call__(self, _Element top not None, potential_tags=None, options=None, keep_teasers=False):
        cdef tree.xmlNode* root = top._c_node
        cdef tree.xmlNode* node
        cdef tree.xmlNode* after
        cdef tree.xmlNode* outer = NULL
        cdef Nodes tables = Nodes()
        cdef Py_ssize_t index
        cdef bint top_goes
        self.guarded(top)
        self.unguarded(top)
        for _ in range(2):
            take_out_links(top, b"div", True)
            take_out_links(top, b"list", False)
            take_out_links(top, b"p", False)
        top_goes = is_named(root, b"table") and is_table_of_links(root)
        node = following(root, root, True)
        while node is not NULL:
            if is_named(node, b"table") and is_table_of_links(node):
                if outer is NULL or not is_below(node, outer):
                    outer = node
                    tables.append(node)
            node = following(node, root, True)
        if top_goes:
            delete_element(top, keep_tail=False)
        for index in range(tables.count):
            take_out(top._doc, tables.at[index], True)
        node = last_element(root)
        while node is not NULL and is_named(node, b"head"):
            take_out(top._doc, node, True)
            node = last_element(root)
        take_out_links(top, b"head", False)
        take_out_links(top, b"quote", False)
        node = following(root, root, True)
        while node is not NULL:
            after = following(node, root, True)
            if is_named(node, b"span") or is_named(node, b"ref"):
                unwrap(top._doc, node)
            node = after
        return top


cdef tree.xmlNode* last_element(tree.xmlNode* top) noexcept nogil:
    cdef tree.xmlNode* node = top.last
    while node is not NULL and not is_element(node):
        node = node.prev
    return node


# _extract


def has_paragraphs(_Element within not None, Py_ssize_t least) -> bool:
    """Whether the paragraphs of an element's document have so many characters."""
    cdef tree.xmlNode* root = <tree.xmlNode*>within._doc._c_doc.children
    cdef tree.xmlNode* node
    cdef tree.xmlNode* inner
    cdef Py_ssize_t chars = 0
    while root is not NULL:
        node = root if is_element(root) else NULL
        while node is not NULL:
            if is_named(node, b"p"):
                inner = following(node, node, True)
                while inner is not NULL:
                    if is_text(inner):
                        chars += chars_of(inner)
                    inner = following(inner, node, True)
                if chars >= least:
                    return True
                node = following(node, root, False)
            else:
                node = following(node, root, True)
        root = root.next
    return False


def is_of(_Element element not None, _Element root not None) -> bool:
    """Whether an element is in the document of another: `element.getroottree().getroot() is root`."""
    return element._doc is root._doc


cdef bint is_inline(tree.xmlNode* node) noexcept nogil:
    return is_named(node, b"hi") or is_named(node, b"ref") or is_named(node, b"del") or is_named(node, b"code")


cdef bint is_handled(tree.xmlNode* node) noexcept nogil:
    """Whether `handle_textelem` may have a use for it; a div it has for some trees only."""
    return (
        is_named(node, b"p") or is_named(node, b"lb") or is_named(node, b"head") or is_named(node, b"list")
        or is_named(node, b"quote") or is_named(node, b"table") or is_inline(node)
    )


def handled(_Element top not None, bint with_div):
    """The elements below one that `handle_textelem` may have a use for, and whether all are as INLINE says.

    The latter: 2 if there are line breaks alone, 1 if there are none but these and inline ones, else 0.
    """
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = following(root, root, True)
    cdef list found = []
    cdef bint breaks_alone = True, inline_alone = True, is_any = False
    while node is not NULL:
        if is_element(node):
            is_any = True
            if not is_named(node, b"lb"):
                breaks_alone = False
                if inline_alone and not is_inline(node):
                    inline_alone = False
            if is_handled(node) or is_named(node, b"div") and (with_div or has_class(node, b"w3-code")):
                found.append(elementFactory(top._doc, node))
        node = following(node, root, True)
    return found, 2 if breaks_alone and is_any else inline_alone


def candidates(_Element top not None) -> list:
    """What `recover_wild_text` may look at, in the order of the document, of a tree that was converted here."""
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = following(root, root, True)
    cdef list found = []
    while node is not NULL:
        if is_named(node, b"p") or is_named(node, b"quote") or is_named(node, b"table") or is_named(node, b"code"):
            found.append(elementFactory(top._doc, node))
        elif is_named(node, b"div") and has_class(node, b"w3-code"):
            found.append(elementFactory(top._doc, node))
        node = following(node, root, True)
    return found


# readability


def text_length(_Element top not None) -> int:
    return trimmed_chars(top._c_node)


def length_and_commas(_Element top not None) -> tuple:
    """Length of the text of an element, white space made one blank, and how many commas are in it."""
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = following(root, root, True)
    cdef const unsigned char* at
    cdef Py_ssize_t commas = 0
    while node is not NULL:
        if is_text(node):
            at = <const unsigned char*>node.content
            while at is not NULL and at[0] != 0:
                commas += at[0] == 44
                at += 1
        node = following(node, root, True)
    return trimmed_chars(root), commas


def link_density(_Element top not None) -> float:
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = following(root, root, True)
    cdef Py_ssize_t links = 0
    while node is not NULL:
        if is_named(node, b"a"):
            links += trimmed_chars(node)
        node = following(node, root, True)
    return <double>links / <double>(trimmed_chars(root) or 1)


def divs_as_paragraphs(_Element top not None):
    """The first half of `transform_misused_divs_into_paragraphs`."""
    cdef Names names = names_for(top)
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = following(root, root, True)
    while node is not NULL:
        if is_named(node, b"div") and is_misused(node):
            node.name = names.p
        node = following(node, root, True)


cdef bint is_misused(tree.xmlNode* div) noexcept nogil:
    """No block is in it, and it has text of its own if a link is."""
    cdef tree.xmlNode* node = following(div, div, True)
    cdef const char** prefix
    cdef const unsigned char* at
    cdef bint has_link = False
    while node is not NULL:
        if is_element(node):
            prefix = BLOCK_PREFIXES
            while prefix[0] is not NULL:
                if strncmp(<const char*>node.name, prefix[0], strlen(prefix[0])) == 0:
                    return False
                prefix += 1
            has_link = has_link or strcmp(<const char*>node.name, b"a") == 0
        node = following(node, div, True)
    if not has_link:
        return True
    node = div.children
    while node is not NULL:
        if is_text(node):
            at = <const unsigned char*>node.content
            while at is not NULL and at[0] != 0:
                if at[0] != 32 and at[0] != 9 and at[0] != 10 and at[0] != 13:
                    return True
                at += 1
        node = node.next
    return False
