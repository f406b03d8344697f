"""Contacts and their identities: find, read, merge, erase."""
