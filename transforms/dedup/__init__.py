"""From signed documents to a corpus: shuffles of packed keys, never of text."""
