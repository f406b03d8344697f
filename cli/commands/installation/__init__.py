"""Commands for those who install and keep a desk: tables, units, keys."""
