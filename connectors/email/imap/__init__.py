"""Poll a mailbox by IMAP."""
