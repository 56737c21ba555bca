"""A page's main text by a small model that looks at its blocks of text: the extraction of our own."""
