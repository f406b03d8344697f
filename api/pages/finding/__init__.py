"""Find people, conversations and files; views and filters of the list."""
