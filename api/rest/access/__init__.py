"""`/agents` and `/tokens`: who gets in, for administrators."""
