"""What leaves: ledger, replies, limits, and what a person must review."""
