"""Sends what is due in the outbound ledger."""
