"""Calls through Twilio Voice."""
