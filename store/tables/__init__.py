"""All tables, by subject."""
