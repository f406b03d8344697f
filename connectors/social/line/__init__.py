"""LINE official accounts, by the Messaging API."""
