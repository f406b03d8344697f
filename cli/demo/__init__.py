"""A demo desk: providers that run only on this machine, and customers who write to them."""
