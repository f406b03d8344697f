"""Calls to hotlines: their state, and the call-back requests."""
