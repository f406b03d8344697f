"""What an error of the database means: whether a later try may succeed, and what the operator can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from router.errors import Contended, PermanentError, TransientError

# A lock that is held longer is a sign of a bug or a crash: give up and let a later run try again.
LOCK_SECONDS: Final = 5
DATABASE_KEY: Final = "[omniyard] database"

# What a pooler in transaction mode would break: the time limits of each session, and prepared statements.
NO_POOLER: Final = "connect to PostgreSQL itself, because a pooler takes away the time limits of our sessions"

# What libpq says, and what the operator can do about it.
_MENDS: Final = (
    ("unsupported startup parameter", f"a pooler such as PgBouncer stands before it; {NO_POOLER}"),
    ("does not support SSL", f"turn `ssl` on in the server's postgresql.conf, or correct sslmode in {DATABASE_KEY}"),
    ("root certificate file", f"correct sslrootcert in {DATABASE_KEY}"),
    ("does not match host name", f"use a name that its certificate has as the host in {DATABASE_KEY}"),
    ("certificate verify failed", f"name its authority's certificate by sslrootcert in {DATABASE_KEY}"),
    ("password authentication failed", f"correct the user or the password in {DATABASE_KEY}"),
    ("no password supplied", f"write the password into {DATABASE_KEY}"),
    ("no pg_hba.conf entry", f"admit this user from here in the server's pg_hba.conf, or correct {DATABASE_KEY}"),
    ("on socket", f"start the server, or correct the socket's folder and the port in {DATABASE_KEY}"),
)

# SQLSTATEs (PostgreSQL's Appendix A): connections, resources, administrators, system errors; then read-only servers,
# transactions that idled too long; then serialisation, deadlocks, lock timeouts.
_PASSING_CLASSES: Final = ("08", "53", "57P", "58")
_PASSING: Final = frozenset({"25006", "25P03"})
_CONTENDED: Final = frozenset({"40001", "40P01", "55P03"})


@contextmanager
def translated() -> Iterator[None]:
    """Turn each error of the database inside into a TransientError or a PermanentError, without a customer's words."""
    try:
        yield
    except DBAPIError as error:
        if _is_contended(error):
            raise Contended(_sentence(error)) from error
        if _passes(error):
            raise TransientError(_sentence(error)) from error
        # Not chained: PostgreSQL's DETAIL repeats the row, which contains customer data.
        raise PermanentError(f"the database refused: {_first_line(error)}") from None


def _is_contended(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _CONTENDED or "database is locked" in str(error.orig)


def _passes(error: DBAPIError) -> bool:
    """Return whether the database caused the error, not the statement, which would always fail."""
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return state.startswith(_PASSING_CLASSES) or state in _PASSING
    # SQLite has no SQLSTATE; psycopg has none for failed connections, nor for statements that it refuses to send.
    said = str(error.orig)
    return isinstance(error, OperationalError | InterfaceError) and "number of parameters" not in said


def _sentence(error: DBAPIError) -> str:
    # str(error.orig) contains no parameters; str(error) would repeat message text.
    said = _first_line(error)
    if "disk is full" in said or "No space left" in said:
        return f"the database has no room left ({said}): free some space on its disk; mail stays where it is until then"
    if "database is locked" in said or "lock timeout" in said:
        return f"the database stayed locked for {LOCK_SECONDS} s ({said}); the work will be tried again"
    if "unable to open database file" in said:
        return f"the database file cannot be opened ({said}): look at its folder, and at who may write there"
    if "FATAL" in said and "does not exist" in said:
        return (
            f"the database server has none of that name or no such user ({said}): create it, or correct {DATABASE_KEY}"
        )
    mend = next((f": {mend}" for sign, mend in _MENDS if sign in said), "; the work will be tried again")
    return f"the database did not answer ({said}){mend}"


def _first_line(error: DBAPIError) -> str:
    said = str(error.orig).strip()
    return said.splitlines()[0] if said else type(error.orig).__name__
