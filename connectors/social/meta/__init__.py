"""What WhatsApp, Messenger and Instagram have in common: signatures, challenges, and the Graph interface."""
