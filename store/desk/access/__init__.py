"""How agents sign in other than by token and password: accounts at a sign-in provider, and recovery codes."""
