"""The e-mail gate: IMAP polled, SMTP and LMTP listened to, files imported."""
