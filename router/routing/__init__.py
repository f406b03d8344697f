"""The decision: emergency, route, SLA, assignee, and the trace of all of them."""
