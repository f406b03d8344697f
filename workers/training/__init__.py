"""Learns a model from examples and corrections."""
