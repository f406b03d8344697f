"""Hostile mail is parsed in a child process with limits."""
