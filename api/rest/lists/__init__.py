"""`/views`: lists that agents keep under a name, and the query that a list is asked with."""
