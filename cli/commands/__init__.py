"""The commands of `omniyard`, one module each."""
