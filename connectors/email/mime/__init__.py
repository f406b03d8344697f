"""The bytes of a mail into an Envelope."""
