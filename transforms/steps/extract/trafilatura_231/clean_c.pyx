# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""`tree_cleaning` and `convert_tags` for precision, without links, images and formatting."""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from libc.string cimport strcmp
from lxml.includes cimport tree
from lxml.includes.etreepublic cimport _Document, _Element, elementFactory, makeSubElement, import_lxml__etree

from transforms.steps.extract.trafilatura_231.nodes_c cimport (
    CLEANED, STRIPPED, CUT_IF_EMPTY, LINK, HOLDS_LINKS, RAISED, RENDERED, LIST, HEADING, BREAK, CONVERTED, ITEM,
    DEFINITION, TABLE, FIGURE, FORM, STRONG, FORMULA, ATTRIBUTE, Cuts, Names, Nodes, all_chars, cut, has_class,
    is_below, is_element, is_text, kind_of, names_for, slot_of, parent_of, take_out, unwrap,
)
from transforms.steps.extract.trafilatura_231.walk_c cimport following

from trafilatura import htmlprocessing

import_lxml__etree()

CONVERSIONS = htmlprocessing.CONVERSIONS


def is_plain(_Element top not None) -> bool:
    """Whether a tree has elements and text alone, none of a namespace, no formulas or TEI's images."""
    cdef Names names = names_for(top)
    cdef tree.xmlNode* root = top._c_node
    cdef tree.xmlNode* node = root
    if root.parent is NULL or is_element(root.parent):
        return False
    while node is not NULL:
        if is_element(node):
            if node.ns is not NULL or kind_of(names, node) & FORMULA:
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
                if attribute.ns is NULL and not names.kinds[slot_of(names, attribute.name)] & ATTRIBUTE:
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
                kind = kind_of(names, node)
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
        if is_element(node) and kind_of(names, node) & STRIPPED:
            unwrap(copied._doc, node)
        node = after
    node = following(root, root, True)
    while node is not NULL:
        after = following(node, root, True)
        if is_element(node) and node.children is NULL and kind_of(names, node) & CUT_IF_EMPTY:
            while after is not NULL and is_text(after) and after.parent is node.parent:  # its tail goes too
                after = following(after, root, True)
            take_out(copied._doc, node, True)
        node = after
    return copied


cdef bint holds_table(tree.xmlNode* top, Names names) noexcept nogil:
    cdef tree.xmlNode* node = following(top, top, True)
    while node is not NULL:
        if is_element(node) and kind_of(names, node) & TABLE:
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
        if is_element(node) and kind_of(names, node) & CLEANED:
            found.append(node)
            rank = names.ranks[slot_of(names, node.name)]
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
        if names.ranks[slot_of(names, found.at[start].name)] == rank and is_below(found.at[start], root):
            break
        start += 1
    return start


cdef int settle_forms(tree.xmlNode* root, Names names, Cuts cuts) except -1:
    """`_handle_forms`: one that holds most of the page's text is a wrapper, others go."""
    cdef tree.xmlNode* node = root
    cdef Nodes forms = Nodes()
    cdef Py_ssize_t total, index
    while node is not NULL:
        if is_element(node) and kind_of(names, node) & FORM:
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
        if is_element(node) and kind_of(names, node) & LINK:
            if is_in_container(node, root, names):
                node.name = names.ref
            elif node is not root:
                unwrap(document, node)
        node = after
    node = root
    while node is not NULL:
        after = following(node, root, True)
        if is_element(node):
            kind = kind_of(names, node)
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
            kind = kind_of(names, node)
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
    while node is not NULL and not kind_of(names, node) & HOLDS_LINKS:
        node = parent_of(node)
    return node is not NULL and node is not root


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
            kind = kind_of(names, node)
            if kind & DEFINITION:
                item = elementFactory(document, node)
                item.set("rend", f"{item.tag}-{number}")
                number += item.tag == "dd"
                item.tag = "item"
            elif kind & ITEM:
                node.name = names.item
        node = following(node, top, True)
    return 0
