"""Language, script, facts, search terms and SMS segments of a text."""
