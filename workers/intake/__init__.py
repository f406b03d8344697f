"""Accepts pages of messages, and the webhooks of providers."""
