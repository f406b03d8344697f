"""How soon a mail is visible: `python -m benchmarks.latency`."""
