# What layout_c.pyx takes from texts_c.pyx.

from cpython.mem cimport PyMem_Realloc

cdef struct Numbers:
    Py_ssize_t* at
    Py_ssize_t size
    Py_ssize_t room


cdef inline int make_room(Numbers* numbers, Py_ssize_t room) except -1:
    cdef Py_ssize_t* larger
    if numbers.room < room:
        larger = <Py_ssize_t*>PyMem_Realloc(numbers.at, 2 * room * sizeof(Py_ssize_t))
        if larger is NULL:
            raise MemoryError
        numbers.at = larger
        numbers.room = 2 * room
    return 0


cdef inline int push(Numbers* numbers, Py_ssize_t value) except -1:
    if numbers.size == numbers.room:
        make_room(numbers, numbers.size + 16)
    numbers.at[numbers.size] = value
    numbers.size += 1
    return 0


cdef inline Py_ssize_t top(Numbers* numbers) noexcept nogil:
    return numbers.at[numbers.size - 1]

cdef enum:
    # What stands in a block for a piece of the page
    SPACE = -1
    LINE = -2
    FORMULA = -3

cdef class Pieces:
    cdef str page
    cdef int kind
    cdef void* data
    cdef list formulas
    cdef Numbers places  # of each piece where it begins and ends, or what stands for it and a number
    cdef unsigned int* letters  # of a text
    cdef Py_ssize_t room  # for them

    cdef int add(self, Py_ssize_t begin, Py_ssize_t end) except -1
    cdef int add_formula(self, str tex) except -1
    cdef int end(self, bint is_code, Py_ssize_t linked, list texts, Numbers* links) except -1
    cdef str raw(self)
    cdef bint tidied(self, Py_ssize_t linked, list texts, Numbers* links) except -1
    cdef int put(self, Py_ssize_t size, Py_ssize_t linked, list texts, Numbers* links) except -1
