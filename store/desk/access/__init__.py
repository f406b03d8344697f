"""How agents get in besides by token and password: accounts at a sign-in provider, and recovery codes."""
