"""Numbered events, and their delivery to webhooks."""
