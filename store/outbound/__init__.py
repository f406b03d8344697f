"""Outgoing messages: ledger, replies, limits, and review by agents."""
