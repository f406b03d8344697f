"""`omniyard check`: what a configuration says, and whether it may be used."""
