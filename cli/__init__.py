"""THE KEYS. The `omniyard` command."""
