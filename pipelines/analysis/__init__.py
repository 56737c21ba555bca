"""One page, one text, some tokenizers, looked at closely."""
