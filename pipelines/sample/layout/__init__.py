"""How the pages of the sample look: templates by site, their parts, and the words around an article."""
