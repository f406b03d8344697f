"""Parse hostile mail in a child process with limits."""
