"""WhatsApp Cloud API, direct at Meta."""
