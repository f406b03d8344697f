"""Conversations and their messages: read, list, change, merge, search."""
