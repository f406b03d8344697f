"""Everything is killed at random while customers write on every channel: `python -m benchmarks.chaos`."""
