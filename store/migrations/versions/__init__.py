"""Alembic's scripts: one file a step, never changed once released."""
