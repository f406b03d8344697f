"""Turn the bytes of a mail into an Envelope."""
