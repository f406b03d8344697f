"""Answers questions from the operator's FAQ: loads it, trains its thresholds, and sends what may be sent."""
