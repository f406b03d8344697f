"""Calls to hotlines: answered step by step, and turned into messages."""
