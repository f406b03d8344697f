"""`/agents` and `/tokens`: who has access, for administrators."""
