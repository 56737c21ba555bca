"""What several rooms of steps ask of a text: words, n-grams, language, hashes."""
