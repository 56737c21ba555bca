"""The command line: options in, what is told out."""
