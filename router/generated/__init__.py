"""Texts that a model writes: what is asked, in which form, and whether what comes back may be shown."""
