"""Calls to hotlines: their state, and the wishes to be called back."""
