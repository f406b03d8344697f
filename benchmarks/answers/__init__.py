"""How well the FAQ answers: `python -m benchmarks.answers`."""
