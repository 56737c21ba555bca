# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""`prune_unwanted_nodes`, and `prune_unwanted_sections` for precision, of trees that clean_c converted."""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from libc.string cimport strcmp
from lxml.includes cimport tree
from lxml.includes.etreepublic cimport _Document, _Element, elementFactory, import_lxml__etree

from transforms.steps.extract.trafilatura_231.nodes_c cimport (
    Cuts, Nodes, all_chars, chars_of, children_of, cut, has_element_after, is_below, is_element, is_named, is_text,
    parent_of, take_out, trimmed_chars, unwrap,
)
from transforms.steps.extract.trafilatura_231.walk_c cimport Finder, following

from trafilatura.utils import LINK_FARM_RATIO
from trafilatura.xml import delete_element

from transforms.steps.extract.trafilatura_231 import walk_c

import_lxml__etree()

cdef double FARM = LINK_FARM_RATIO


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
