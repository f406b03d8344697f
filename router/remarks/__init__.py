"""What a message is for that says nothing of a matter: thanks, a greeting, a call for a person, or nothing at all."""
