"""SMS providers with JSON over HTTP."""
