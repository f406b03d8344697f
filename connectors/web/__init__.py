"""The gate of forms: what visitors of the desk's own pages write."""
