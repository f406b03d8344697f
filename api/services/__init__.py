"""Objects that the web process creates once: sessions, rate limits, audit trail, event stream and others."""
