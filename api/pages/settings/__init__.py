"""People and settings: agents, sign-in, ledgers and lists for those who run the desk."""
