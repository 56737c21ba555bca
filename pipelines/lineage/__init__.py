"""From a page to its tokens and back."""
