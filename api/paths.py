"""Paths and headers that more than one module names."""

from __future__ import annotations

from typing import Final

API: Final = "/api/v1"
SIGN_IN: Final = "/sign-in"
CONTACT: Final = "/contact"
HELP: Final = "/help"
ANSWER: Final = "/answer"
# The page polls itself every few seconds; a poll is no activity of a person.
POLL_HEADER: Final = "X-Omniyard-Poll"
