"""Which conversation a message joins, and which messages are the same."""
