"""What sheet_c.pyx gives columns_c.pyx."""

cdef enum:
    # Rows of blocks, as shape.BLOCK_ROWS names them.
    ENDS = 2, DIGITS = 6, MONEY, LENGTH, SIZE, WORDS, LINKED, NODE, LAST, TEXT, TITLED, KNOWN, OF_BLOCKS = 24
    # Rows of containers, as shape.NODE_ROWS names them.
    PARENT = 0, CODE, DEPTH, FIRST, END, SIGN, MASK, ABOVE, SAID, OF_NODES = 11
    FAR = 9999  # as in features.py
    LEVELS = 5  # as in shape.py
    CHAIN = 12
    PARTS = 3  # as in alike.py
    RECORDS = 2
    ROOMS = 40
    TAGS = 64  # more than there are names of blocks


cdef struct Sums:
    # Of all blocks before one, or of a container: characters (wide ones threefold), those in links, those in prose;
    # blocks of prose, headings, paragraphs; size times chance, in characters and in thousandths of them.
    long long size, linked, prose, proses, headings, paragraphs, mass, weight


cdef struct Group:
    # Of blocks of one part, or of containers side by side or of one sign: how many, sums over them, different texts,
    # blocks held, the largest size; `met` is what was last counted.
    long long count, size, linked, prose, mass, weight, distinct, blocks, largest, met


cdef class Sheet:
    cdef const long long[:, ::1] blocks, nodes
    cdef list kinds
    cdef Py_ssize_t n, m, rooms
    cdef void* room[ROOMS]
    cdef const long long* size
    cdef const long long* node
    cdef const long long* parent
    cdef const long long* first
    cdef const long long* end
    cdef const long long* sign
    cdef long long* own
    cdef long long* times
    cdef long long* at_heading
    cdef long long* sibling
    cdef long long* chance
    cdef long long* since
    cdef long long* until
    cdef long long* line[LEVELS]
    cdef long long* part[PARTS]
    cdef long long* record[RECORDS]
    cdef long long largest[LEVELS]
    cdef Sums* total
    cdef Group* of_part
    cdef Group* of_sibling
    cdef Group* of_sign
    cdef long long signs, known, words, longest, top, titled, begin, stop, middle, centre, cut, best, likely, certain
    cdef long long likely_begin, likely_stop

    cdef void* new(self, Py_ssize_t count, Py_ssize_t size) except NULL
    cdef long long* new_row(self, Py_ssize_t count) except NULL
    cdef Sums held(self, Py_ssize_t node) noexcept
    cdef int sum_up(self) except -1
    cdef int find_lines(self) except -1
    cdef int find_headings(self) except -1
    cdef int count_texts_and_parts(self) except -1
    cdef int find_siblings(self) except -1
    cdef int find_records(self) except -1


cdef inline long long over(long long part, long long whole) noexcept nogil:
    """part divided by whole, at least 1, rounded down.

    Both are below 2^53 and no less than 0. Of such numbers the quotient in doubles is never rounded up to an integer,
    and a division of doubles takes a fraction of the time of one of integers.
    """
    return <long long>(<double>part / <double>(whole if whole > 1 else 1))


cdef inline long long share(long long part, long long whole) noexcept nogil:
    """Thousandths."""
    return over(part * 1000, whole)
