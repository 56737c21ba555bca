# What layout_c.pyx takes from tags_c.pyx.

cdef enum:
    OTHER = -1  # a name that says nothing
    ODD = -2  # one that Python has to read

cdef int LINK_NAME, BREAK_NAME, RULE_NAME, IMAGE_NAME, SPAN_NAME, FORMULA_NAME

cdef int find_name(int kind, void* data, Py_ssize_t at, Py_ssize_t end, Py_ssize_t* name_end) noexcept nogil
cdef bint may_be_formula(int kind, void* data, Py_ssize_t at, Py_ssize_t end) noexcept nogil
cdef object block_tag(str page, int kind, void* data, Py_ssize_t at, Py_ssize_t name_end, Py_ssize_t end, int code,
                      long long* mask)
