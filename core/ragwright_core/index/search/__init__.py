"""The best chunks of a version for a question."""
