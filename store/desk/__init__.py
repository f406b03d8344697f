"""Agents, assignment, audit trail, idempotency keys and reports."""
