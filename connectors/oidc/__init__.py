"""Sign-in of agents at the company's provider, by OpenID Connect."""
