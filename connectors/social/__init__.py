"""The gate for direct messages of social networks."""
