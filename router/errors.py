"""All errors of Omniyard, in two families, so that a retry rule is one line.

    OmniyardError
    +-- ConfigError        the operator's file contains something that we cannot run
    +-- NotFound           nothing has that id
    +-- Conflict           the object has changed since the caller read it
    |   +-- Stale          the caller named the version that it read, and a newer version exists
    +-- TransientError     a retry follows: network, lock, rate limit, full disk
    |   +-- Contended      another session held the locks; the same transaction may succeed at once
    |   +-- LeaseLost      another process owns the work now; this one must write nothing
    |   +-- RateLimited    the provider says how long to wait
    |   +-- SealKeyMissing what it was sealed under is not among this process's keys
    +-- PermanentError     a retry would fail in the same way: refused, malformed, gone

A connector translates a library's error into one of these with `raise ... from error`.
An error message says what, where and what was expected, with ids; never message text, addresses or secrets.
"""

from __future__ import annotations


class OmniyardError(Exception):
    """Something went wrong in Omniyard."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class ConfigError(OmniyardError):
    """The configuration cannot be used."""


class NotFound(OmniyardError):
    """There is nothing with that id."""


class Conflict(OmniyardError):
    """It changed since you read it."""


class Stale(Conflict):
    """It has a newer version than the one that was named."""


class TransientError(OmniyardError):
    """That did not work; another attempt follows."""


class Contended(TransientError):
    """Another session of the database was in the way."""


class LeaseLost(TransientError):
    """Another process owns this work now."""


class RateLimited(TransientError):
    """The provider asks us to wait."""

    def __init__(self, message: str | None = None, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class SealKeyMissing(TransientError):
    """This process does not have the key that it was sealed with."""


class PermanentError(OmniyardError):
    """The operation cannot succeed; another attempt would fail in the same way."""
