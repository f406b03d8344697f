"""The gate of the contact form."""
