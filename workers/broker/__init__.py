"""The bell (one Dramatiq message for a batch of rows) and the embedded Valkey."""
