"""The bell (one Dramatiq message for a page of rows) and the embedded Valkey."""
