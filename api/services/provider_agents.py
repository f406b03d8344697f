"""The agent whom a provider's token names: found, bound to the account, with the role and teams that its claims say."""

from __future__ import annotations
