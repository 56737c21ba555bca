# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What content.py and readability.py ask of a tree's text and elements."""

from transforms.steps.extract.built import require_current

cdef extern from *:
    const char* BUILT_OF  # digest of this file, which setup.py gives to the compiler

require_current(__name__, BUILT_OF.decode())

from libc.string cimport strcmp, strlen, strncmp
from lxml.includes cimport tree
from lxml.includes.etreepublic cimport _Element, elementFactory, import_lxml__etree

from transforms.steps.extract.trafilatura_231.nodes_c cimport (
    Names, chars_of, has_class, is_element, is_named, is_text, names_for, trimmed_chars,
)
from transforms.steps.extract.trafilatura_231.walk_c cimport following

from trafilatura.readability_lxml import DIV_TO_P_PREFIXES

import_lxml__etree()

cdef enum:
    MAX_PREFIXES = 20
cdef const char* BLOCK_PREFIXES[MAX_PREFIXES]
PREFIXES = [name.encode() for name in DIV_TO_P_PREFIXES]
assert len(PREFIXES) < MAX_PREFIXES
for number, prefix in enumerate(PREFIXES):
    BLOCK_PREFIXES[number] = prefix
BLOCK_PREFIXES[len(PREFIXES)] = NULL


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
