# What edit_c.pyx takes from walk_c.pyx.

from lxml.includes cimport tree

cdef enum:
    MAX_RULE_NAMES = 8


cdef inline tree.xmlNode* following(tree.xmlNode* node, tree.xmlNode* root, bint into) noexcept nogil:
    """The next node in the order of the document below root, or NULL. into: first those in this node."""
    if into and node.type == tree.XML_ELEMENT_NODE and node.children is not NULL:
        return node.children
    while node is not root and node.next is NULL:
        node = node.parent
    return NULL if node is root else node.next


cdef class Finder:
    cdef readonly object rule
    cdef dict verdicts
    cdef list kept_alive
    cdef int tag_count, name_count
    cdef const char* tags[MAX_RULE_NAMES]
    cdef const char* names[MAX_RULE_NAMES]

    cdef bint may_meet(self, tree.xmlNode* node) noexcept nogil
    cdef int name_index(self, tree.xmlAttr* attribute) noexcept nogil
    cdef bint meets(self, tree.xmlNode* node) except -1
    cdef bint judged(self, tree.xmlNode* node) except -1
