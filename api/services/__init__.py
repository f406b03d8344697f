"""Parts that the web process makes once: sessions, rate limits, audit trail, event stream."""
