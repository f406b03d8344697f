"""The SMS gate."""
