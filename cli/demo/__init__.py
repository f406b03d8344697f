"""A desk to look at: providers that exist on this machine only, and customers who write to them."""
