"""Accepted messages: claim, history, outcome, quarantine, retention."""
