"""Agents' mail addresses, and the accounts at the sign-in provider that they were bound to.

An address may be given to another person; an account may not (OpenID Connect Core 1.0 section 5.7). So the first
sign-in binds the agent to the account, and later ones are of that account alone.
"""

from __future__ import annotations

import re
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from router.errors import Conflict, NotFound, PermanentError
from store.db.bulk import table_of
from store.desk.agents import AgentRecord, find_by_name
from store.tables.agents import AgentRow

_ADDRESS: Final = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}")


def set_email(connection: Connection, *, name: str, email: str) -> None:
    """Set an agent's mail address; an empty one takes it away.

    Raises PermanentError for what is no address, Conflict for another agent's, NotFound for no such agent.
    """
    wanted = email.strip().lower()
    if wanted and not _ADDRESS.fullmatch(wanted):
        raise PermanentError("expected one mail address, such as li.na@wallet.example")
    table = table_of(AgentRow)
    statement = sa.update(table).where(table.c.name == name, table.c.revoked_at.is_(None))
    try:
        changed = connection.execute(statement.values(email=wanted)).rowcount
    except IntegrityError as error:
        raise Conflict("another agent has this mail address") from error
    if not changed:
        raise NotFound("there is no agent of that name")


def email_of(connection: Connection, name: str) -> str:
    """Return an agent's mail address; empty for none."""
    columns = table_of(AgentRow).c
    return str(connection.execute(sa.select(columns.email).where(columns.name == name)).scalar_one_or_none() or "")


def find_by_email(connection: Connection, email: str) -> AgentRecord | None:
    """Return the agent of a mail address, in any letter case; None if there is none, or if revoked or expired."""
    columns, wanted = table_of(AgentRow).c, email.strip().lower()
    if not wanted:
        return None
    name = connection.execute(sa.select(columns.name).where(columns.email == wanted)).scalar_one_or_none()
    return find_by_name(connection, name) if name else None


def bind_account(connection: Connection, agent: AgentRecord, *, issuer: str, subject: str) -> bool:
    """Bind an agent to an account at the provider; return False if the agent is bound to another one there.

    An account of a former issuer is replaced. False, too, if another agent has this account.
    """
    table = table_of(AgentRow)
    bound = connection.execute(sa.select(table.c.provider_subject).where(table.c.id == agent.id)).scalar_one()
    wanted = f"{issuer} {subject}"
    if bound == wanted:
        return True
    if bound.startswith(f"{issuer} ") or _has_other(connection, wanted):
        return False
    # Of two sign-ins at once, one binds.
    statement = sa.update(table).where(table.c.id == agent.id, table.c.provider_subject == bound)
    return bool(connection.execute(statement.values(provider_subject=wanted)).rowcount)


def is_bound(connection: Connection, name: str) -> bool:
    """Return whether the agent is bound to an account."""
    columns = table_of(AgentRow).c
    return bool(
        connection.execute(sa.select(columns.provider_subject).where(columns.name == name)).scalar_one_or_none()
    )


def release_account(connection: Connection, *, name: str) -> None:
    """Forget an agent's account at the provider and end the agent's sessions; the next sign-in there binds again."""
    table = table_of(AgentRow)
    statement = sa.update(table).where(table.c.name == name, table.c.revoked_at.is_(None))
    values = {"provider_subject": "", "session_epoch": table.c.session_epoch + 1}
    if not connection.execute(statement.values(**values)).rowcount:
        raise NotFound("there is no agent of that name")


def _has_other(connection: Connection, subject: str) -> bool:
    columns = table_of(AgentRow).c
    return connection.execute(sa.select(columns.id).where(columns.provider_subject == subject)).first() is not None
