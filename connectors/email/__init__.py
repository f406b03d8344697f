"""The e-mail channel: poll IMAP, listen for SMTP and LMTP, send by SMTP, import files."""
