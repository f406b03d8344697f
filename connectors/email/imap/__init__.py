"""A mailbox that is polled by IMAP."""
