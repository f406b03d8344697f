"""Channels of messengers, one module a provider."""
