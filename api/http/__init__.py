"""Around each request: authentication, permissions, errors, preconditions, pagination, forms, files."""
