"""Mails and connections that are built to do harm: `python -m benchmarks.hostile`."""
