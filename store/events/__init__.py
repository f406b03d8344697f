"""Numbered changes, and the webhooks that they leave by."""
