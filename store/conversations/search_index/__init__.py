"""The index of masked words that search reads, and how each database finds candidates in it."""
