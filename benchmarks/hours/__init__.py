"""How fast and how rightly calendars answer: `python -m benchmarks.hours`."""
