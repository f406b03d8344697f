"""Secrets are replaced before anything keeps a text."""
