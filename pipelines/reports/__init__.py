"""What a run came to, as JSON and as a page."""
