"""Another voice for the same words: pure functions on arrays."""
