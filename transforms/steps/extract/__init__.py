"""Main text out of HTML, in a child process that can be killed."""
