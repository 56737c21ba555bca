# What layout_c.pyx takes from source_c.pyx.

cdef struct Place:
    Py_ssize_t open, end  # of a tag: its "<", and the ">" that ends it
    bint named  # whether it is of an element


cdef bint next_tag(object page, int kind, void* data, Py_ssize_t at, Py_ssize_t size, Place* tag) except -1
