"""SMS providers that speak JSON over HTTP."""
