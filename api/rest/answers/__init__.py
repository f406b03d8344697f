"""Answers of the FAQ over REST: what fits, what was answered, and what agents say of it."""
