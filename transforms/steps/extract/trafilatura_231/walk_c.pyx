# cython: language_level=3, boundscheck=False, wraparound=False
"""walk.py over libxml2's nodes: Python objects are made for elements that meet a rule, and for no others.

Built where the installation finds Cython and a C compiler. It reads the nodes of the lxml that it was built with, so an
lxml of another version, or with another libxml2, is refused at import.
"""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from cpython.bytes cimport PyBytes_FromStringAndSize
cdef extern from *:
    Py_ssize_t PY_SSIZE_T_MAX

from libc.string cimport memcpy, strcmp, strlen
from lxml.includes cimport tree
from lxml.includes.etreepublic cimport _Element, elementFactory, import_lxml__etree

import lxml.etree

cdef extern from "lxml-version.h":
    const char* LXML_VERSION_STRING

cdef extern from "libxml/xmlversion.h":
    int LIBXML_VERSION

MAX_VERDICTS = 4096  # as in walk.py
cdef enum:
    MAX_KEY_BYTES = 300

HEADERS = LXML_VERSION_STRING.decode(), (LIBXML_VERSION // 10000, LIBXML_VERSION // 100 % 100, LIBXML_VERSION % 100)
if HEADERS != (lxml.etree.__version__, lxml.etree.LIBXML_VERSION):
    raise ImportError(
        f"built for lxml {HEADERS[0]} with libxml2 {HEADERS[1]}, not for {lxml.etree.__version__} with "
        f"{lxml.etree.LIBXML_VERSION}"
    )
import_lxml__etree()

cdef const char* EMPTY = b""
cdef const char* NO_TEXT[4]
NO_TEXT[:] = [b"script", b"style", b"fencedframe", NULL]
cdef const char* FRAME[3]
FRAME[:] = [b"html", b"body", NULL]
cdef const char* RAW_TEXT[5]
RAW_TEXT[:] = [b"xmp", b"plaintext", b"noembed", b"iframe", NULL]


cdef class Finder:
    """What a rule said of attributes, and how it judges others."""

    # kept_alive: the bytes that tags and names point into

    def __init__(self, rule):
        cdef bytes encoded
        if max(len(rule.tags), len(rule.attributes)) > MAX_RULE_NAMES:
            raise ValueError(f"a rule with more than {MAX_RULE_NAMES} tags or attributes: {rule}")
        self.rule = rule
        self.verdicts = {}
        self.kept_alive = [name.encode() for name in (*rule.tags, *rule.attributes)]
        self.tag_count, self.name_count = len(rule.tags), len(rule.attributes)
        for index, encoded in enumerate(self.kept_alive):
            if index < self.tag_count:
                self.tags[index] = encoded
            else:
                self.names[index - self.tag_count] = encoded

    cdef bint may_meet(self, tree.xmlNode* node) noexcept nogil:
        cdef int index
        if node.type != tree.XML_ELEMENT_NODE or node.ns is not NULL or node.properties is NULL:
            return False
        if self.tag_count == 0:
            return True
        for index in range(self.tag_count):
            if strcmp(<const char*>node.name, self.tags[index]) == 0:
                return True
        return False

    cdef int name_index(self, tree.xmlAttr* attribute) noexcept nogil:
        """Which of the rule's attributes this is, or -1."""
        cdef int index
        if attribute.ns is NULL:
            for index in range(self.name_count):
                if strcmp(<const char*>attribute.name, self.names[index]) == 0:
                    return index
        return -1

    cdef bint meets(self, tree.xmlNode* node) except -1:
        """Whether an element that may meet the rule does."""
        cdef tree.xmlAttr* attribute = node.properties
        cdef char key[MAX_KEY_BYTES]
        cdef size_t used = 0, length
        cdef bint is_short = True, is_empty = True
        cdef const char* value
        cdef int index
        while attribute is not NULL:
            index = self.name_index(attribute)
            if index >= 0:
                is_empty = False
                value = text_of(attribute)
                length = 0 if value is NULL else strlen(value)
                if value is NULL or used + length + 2 > MAX_KEY_BYTES:
                    is_short = False
                    break
                key[used] = index + 1  # a value holds no byte 0, so keys are as distinct as the attributes
                memcpy(&key[used + 1], value, length)
                key[used + 1 + length] = 0
                used += length + 2
            attribute = attribute.next
        if is_empty:
            return False
        if not is_short:
            return self.judged(node)
        known = PyBytes_FromStringAndSize(key, used)
        verdict = self.verdicts.get(known)
        if verdict is None:
            verdict = self.judged(node)
            if len(self.verdicts) >= MAX_VERDICTS:
                self.verdicts.clear()
            self.verdicts[known] = verdict
        return verdict

    cdef bint judged(self, tree.xmlNode* node) except -1:
        cdef tree.xmlAttr* attribute = node.properties
        cdef dict attributes = {}
        cdef int index
        while attribute is not NULL:
            index = self.name_index(attribute)
            if index >= 0:
                attributes[self.names[index].decode()] = joined(attribute).decode("utf-8")
            attribute = attribute.next
        return bool(self.rule.test(attributes))


def finder_of(rule):
    """A rule's finder; a finder stands for itself, so that several walks may share what it remembers."""
    return rule if isinstance(rule, Finder) else Finder(rule)


cdef inline const char* text_of(tree.xmlAttr* attribute) noexcept nogil:
    """An attribute's value, NULL if it is in several pieces."""
    cdef tree.xmlNode* text = attribute.children
    if text is NULL:
        return EMPTY
    if text.next is not NULL or text.type != tree.XML_TEXT_NODE:
        return NULL
    if text.content is NULL:
        return EMPTY
    return <const char*>text.content


cdef bytes joined(tree.xmlAttr* attribute):
    cdef tree.xmlNode* text = attribute.children
    cdef list pieces = []
    while text is not NULL:
        if text.content is not NULL:
            pieces.append(<bytes><const char*>text.content)
        text = text.next
    return b"".join(pieces)


cdef class FindAll(Finder):
    """The elements below one that meet a rule, in the order of the document."""

    def __call__(self, _Element top not None):
        cdef tree.xmlNode* root = top._c_node
        cdef tree.xmlNode* node = following(root, root, True)
        cdef list found = []
        while node is not NULL:
            if self.may_meet(node) and self.meets(node):
                found.append(elementFactory(top._doc, node))
            node = following(node, root, True)
        return found


cdef class FindFirst(Finder):
    """The first of these elements alone, in a list that is empty without one."""

    def __call__(self, _Element top not None):
        cdef tree.xmlNode* root = top._c_node
        cdef tree.xmlNode* node = following(root, root, True)
        while node is not NULL:
            if self.may_meet(node) and self.meets(node):
                return [elementFactory(top._doc, node)]
            node = following(node, root, True)
        return []


cdef class MostChars:
    """A bound on the length of a text that is made of parts of a tree's text, in order, white space made one blank.

    left_out: rules, or their finders, on elements whose text is no part of it; html and body are exempt
    """

    cdef tuple left_out

    def __init__(self, *left_out):
        self.left_out = tuple(finder_of(rule) for rule in left_out)

    def __call__(self, _Element top not None, Py_ssize_t enough=PY_SSIZE_T_MAX):
        """None where there is no bound: text may be written there that becomes another when it is read.

        enough: a bound from which on it doesn't matter how much more it is, so the count ends there
        """
        cdef tree.xmlNode* root = top._c_node
        cdef tree.xmlNode* node = following(root, root, True)
        cdef const unsigned char* byte
        cdef Py_ssize_t chars = 0
        cdef bint after_space = True, into
        cdef Finder finder
        while node is not NULL:
            into = True
            if node.type == tree.XML_TEXT_NODE or node.type == tree.XML_CDATA_SECTION_NODE:
                byte = <const unsigned char*>node.content
                while byte is not NULL and byte[0] != 0:
                    if byte[0] == 32 or 9 <= byte[0] <= 13:
                        chars += not after_space
                        after_space = True
                    else:
                        chars += (byte[0] & 0xC0) != 0x80  # not a later byte of a character
                        after_space = False
                    byte += 1
                if chars >= enough:
                    break
            elif node.type == tree.XML_ELEMENT_NODE:
                if is_one_of(node, RAW_TEXT):
                    return None
                into = not is_one_of(node, NO_TEXT)
                if into and node.properties is not NULL and not is_one_of(node, FRAME):
                    for finder in self.left_out:
                        if finder.may_meet(node) and finder.meets(node):
                            into = False
                            break
            else:
                return None  # a reference: its text is elsewhere
            node = following(node, root, into)
        return chars


cdef inline bint is_one_of(tree.xmlNode* node, const char** names) noexcept nogil:
    while names[0] is not NULL:
        if strcmp(<const char*>node.name, names[0]) == 0:
            return True
        names += 1
    return False
