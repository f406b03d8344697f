"""The hotline: what agents note about calls."""
