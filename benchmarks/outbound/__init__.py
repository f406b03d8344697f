"""Whether killed senders lose or repeat a message: `python -m benchmarks.outbound`."""
