"""The online chat: visitors' sessions, their lines, and the queue."""
