"""Work that becomes due by itself: sweep, SLA, assignment, events, webhooks, retention."""
