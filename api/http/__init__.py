"""Around each request: who asks, may they, errors, preconditions, pages of rows, forms, files."""
