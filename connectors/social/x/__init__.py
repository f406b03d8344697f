"""Direct messages of X."""
