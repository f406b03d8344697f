"""Sign-in: the form, the provider and back, the second step, and what was typed before."""
