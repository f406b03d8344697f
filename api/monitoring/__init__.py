"""Endpoints for machines: health and metrics."""
