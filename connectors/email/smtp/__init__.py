"""Mail that is taken by SMTP and LMTP, and mail that is sent."""
