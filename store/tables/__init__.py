"""All tables, by noun."""
