"""What agents sign with: signatures by team and language, and their displayed names by language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.replies.autoreply import choose
from store.db.bulk import table_of
from store.db.engine import upsert
from store.db.plain_rows import KnownRows, PlainStatement, Question
from store.tables.composer import DisplayNameRow, SignatureRow

# As many names as a large desk has agents.
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBy:
    """What an answer is signed with. name: the agent's, as customers read it.  signature: with placeholders."""

    name: str
    signature: str


def signatures(connection: Connection) -> Mapping[tuple[str, str], str]:
    """Return the signatures by team and language; the team is empty for those of all."""
    return {(team, language): text for team, language, text in _signatures().rows(connection, {})}


def display_names(connection: Connection) -> Mapping[tuple[UUID, str], str]:
    """Return the agents' displayed names by language."""
    rows = _known_names()(connection, _display_names().rows(connection, {}))
    return {(agent_id, language): name for agent_id, language, name in rows}


def all_signatures() -> list[Question]:
    """Return the questions of `signed_by`."""
    return [(_signatures(), {}), (_display_names(), {})]


@cache
def _signatures() -> PlainStatement:
    columns = table_of(SignatureRow).c
    return PlainStatement(sa.select(columns.team, columns.language, columns.text))


@cache
def _display_names() -> PlainStatement:
    columns = table_of(DisplayNameRow).c
    return PlainStatement(sa.select(columns.agent_id, columns.language, columns.name))


@cache
def _known_names() -> KnownRows[tuple[UUID, str, str]]:
    columns = table_of(DisplayNameRow).c
    return KnownRows([columns.agent_id.type, columns.language.type, columns.name.type], tuple, most=_REMEMBERED)


def signed_by(connection: Connection, *, agent_id: UUID, agent: str, team: str, language: str) -> SignedBy:
    """Return what an agent's answer is signed with. agent: the name that is used without a displayed one."""
    all_of_them, named = signatures(connection), display_names(connection)
    texts = {lang: text for (owner, lang), text in all_of_them.items() if owner == team}
    texts = texts or {lang: text for (owner, lang), text in all_of_them.items() if not owner}
    names = {lang: name for (owner, lang), name in named.items() if owner == agent_id}
    return SignedBy(
        name=choose(names, language=language)[1] if names else agent,
        signature=choose(texts, language=language)[1] if texts else "",
    )


def write_signature(connection: Connection, *, team: str, language: str, text: str) -> None:
    """Set a signature; an empty text removes it."""
    row = {"team": team, "language": language, "text": text}
    if text:
        upsert(connection, SignatureRow, row=row, keys=("team", "language"), changed=("text",))
        return
    table = table_of(SignatureRow)
    connection.execute(sa.delete(table).where(table.c.team == team, table.c.language == language))


def write_display_name(connection: Connection, *, agent_id: UUID, language: str, name: str) -> None:
    """Set an agent's displayed name in a language; an empty one removes it."""
    row = {"agent_id": agent_id, "language": language, "name": name}
    if name:
        upsert(connection, DisplayNameRow, row=row, keys=("agent_id", "language"), changed=("name",))
        return
    table = table_of(DisplayNameRow)
    connection.execute(sa.delete(table).where(table.c.agent_id == agent_id, table.c.language == language))
