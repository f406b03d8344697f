"""The fixtures of the API's tests: the real application over a real database, and clients of each role."""

from __future__ import annotations

from tests.api.conftest import anonymous, app, browser, client, client_of, clock, portal, settings, token_of

__all__ = ["anonymous", "app", "browser", "client", "client_of", "clock", "portal", "settings", "token_of"]
