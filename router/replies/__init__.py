"""The automatic replies and their phrases."""
