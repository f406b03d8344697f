"""How the desk does while its database grows to millions of messages; see `benchmarks.growth.__main__`."""
