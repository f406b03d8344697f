"""Receive mail by SMTP and LMTP, and send mail."""
