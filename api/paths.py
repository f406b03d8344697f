"""Paths and headers that more than one module names."""

from __future__ import annotations

from typing import Final

API: Final = "/api/v1"
SIGN_IN: Final = "/sign-in"
CONTACT: Final = "/contact"
HELP: Final = "/help"
CHAT: Final = "/chat"
NOTICES: Final = "/notices"
DESK_STREAM: Final = "/desk/stream"
CASE: Final = "/case"
# What a customer writes on the page of a case; * stands for the token of its link.
CASE_ANSWER: Final = f"{CASE}/*/answer"
ANSWER: Final = "/answer"
# The page polls itself every few seconds; a poll is no activity of a person.
POLL_HEADER: Final = "X-Omniyard-Poll"
# A script wants only the page's own part, to show it in a page that is already open.
PART_HEADER: Final = "X-Omniyard-Part"
