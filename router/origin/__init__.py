"""Who wrote: a person, a machine or a bounce, and what speaks for and against the sender."""
