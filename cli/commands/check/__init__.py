"""`omniyard check`: the content of a configuration, and whether it can be used."""
