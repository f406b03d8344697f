"""Where things are: the addresses that more than one module names."""

from __future__ import annotations

from typing import Final

API: Final = "/api/v1"
SIGN_IN: Final = "/sign-in"
# The page asks for itself again every few seconds; that is no sign of a person.
POLL_HEADER: Final = "X-Omniyard-Poll"
