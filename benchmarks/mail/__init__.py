"""How well and how fast mail is read: `python -m benchmarks.mail`."""
