"""Pages about telephone calls: notes, call-back requests, and recordings to listen to."""
