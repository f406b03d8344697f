"""Pages about telephone calls: notes, wishes to be called back, and recordings to listen to."""
