"""Checks across tables: references, overlapping hours, routes that never match."""
