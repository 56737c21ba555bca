"""Lines that a site repeats on its pages: how they are known, and how they are taken out."""
