"""Texts that a model wrote, and the day's budget for them."""
