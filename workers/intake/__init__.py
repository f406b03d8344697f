"""Accepts batches of messages, and the webhooks of providers."""
