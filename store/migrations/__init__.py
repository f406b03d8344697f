"""Alembic's migrations: one file per step, never changed after its release."""
