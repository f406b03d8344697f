"""Drafts: what an agent has written in a conversation and not sent; one for each agent and conversation.

A draft is masked like a message, and it is deleted in the transaction that sends it. A saving that arrives later than
that, because the network held it back, is recognised by the key of its form and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.masking.mask import mask
from router.text.visible import is_visible
from store.db.bulk import among, among_bound, columns_of, table_of
from store.db.engine import read_clock, upsert
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.tables.composer import DraftRow
from store.tables.messages import ConversationRow
from store.tables.operations import IdempotencyRow

_KEYS: Final = ("agent_id", "conversation_id")
# The orders of a page's form that end its draft, as `api.pages.actions` names them.
_ENDING: Final = ("reply", "note")
# How many conversations with drafts are remembered.
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an agent has written. See `DraftRow`."""

    kind: str = "reply"
    text: str = ""
    recipient: str = ""
    copies: list[str] = field(default_factory=list)
    blind_copies: list[str] = field(default_factory=list)
    revision: int = 0
    saved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDraft:
    """What a saving did.

    revision: of the draft now; 0 if there is none.  other: what it replaced, if another tab had written that.
    is_masked: something in the text was masked.  is_sent: the form was sent before, so nothing was saved.
    """

    revision: int
    other: Draft | None = None
    is_masked: bool = False
    is_sent: bool = False


def find_draft(connection: Connection, *, agent_id: UUID, conversation_id: UUID) -> Draft | None:
    """Return the agent's draft in a conversation, or in one that was merged into it; None without one."""
    statement, values = newest_draft(agent_id=agent_id, conversation_id=conversation_id)
    return next(iter(_known_drafts()(connection, statement.rows(connection, values))), None)


def newest_draft(*, agent_id: UUID, conversation_id: UUID) -> Question:
    """Return the question of `find_draft`."""
    return _plain_newest(), {"agent": agent_id, "conversation": conversation_id}


def save_draft(
    connection: Connection, draft: Draft, *, agent_id: UUID, conversation_id: UUID, form: str = ""
) -> SavedDraft:
    """Save what an agent has written; without a visible text the draft is deleted.

    draft.revision: the one that its tab has read or saved last.  form: the key of the page's form.
    """
    before = find_draft(connection, agent_id=agent_id, conversation_id=conversation_id)
    masked = mask(draft.text)
    new = replace(draft, text=masked.text, revision=(before.revision if before else 0) + 1)
    if not is_visible(new.text):
        drop_draft(connection, agent_id=agent_id, conversation_id=conversation_id)
        return SavedDraft(revision=0)
    _write(connection, new, agent_id=agent_id, conversation_id=conversation_id)
    # After the write: it waits for a transaction that is sending the conversation's answer.
    if form and was_sent(connection, agent_id=agent_id, form=form):
        drop_draft(connection, agent_id=agent_id, conversation_id=conversation_id)
        return SavedDraft(revision=0, is_sent=True)
    is_other = before is not None and before.revision != draft.revision and before.text != new.text
    return SavedDraft(revision=new.revision, other=before if is_other else None, is_masked=new.text != draft.text)


def return_to_draft(connection: Connection, draft: Draft, *, agent_id: UUID, conversation_id: UUID) -> None:
    """Put what was not sent after all in front of what the agent has written since."""
    since = find_draft(connection, agent_id=agent_id, conversation_id=conversation_id)
    if since and since.text != draft.text:
        draft = replace(draft, text=f"{draft.text}\n\n{since.text}")
    revision = since.revision if since else 0
    save_draft(connection, replace(draft, revision=revision), agent_id=agent_id, conversation_id=conversation_id)


def drop_draft(connection: Connection, *, agent_id: UUID, conversation_id: UUID) -> None:
    """Delete the agent's draft in a conversation."""
    values = {"agent": agent_id, "conversation": conversation_id}
    connection.execute(sa.delete(table_of(DraftRow)).where(_theirs()), values)


def was_sent(connection: Connection, *, agent_id: UUID, form: str) -> bool:
    """Return whether the form with this key was sent, so that its text is no draft any more."""
    columns = table_of(IdempotencyRow).c
    keys = [f"page-{form}-{order}" for order in _ENDING]
    statement = sa.select(columns.key).where(columns.agent_id == agent_id, among(columns.key, keys))
    return connection.execute(statement.limit(1)).first() is not None


def drafted_among(connection: Connection, ids: Collection[UUID], *, agent_id: UUID) -> frozenset[UUID]:
    """Return those conversations in which the agent has a draft."""
    statement, values = drafts_in(ids, agent_id=agent_id)
    return frozenset(_KNOWN_CASES(connection, statement.rows(connection, values)))


def drafts_in(ids: Collection[UUID], *, agent_id: UUID) -> Question:
    """Return the question of `drafted_among`."""
    return _drafted(), {"agent": agent_id, "ids": ids}


def _write(connection: Connection, draft: Draft, *, agent_id: UUID, conversation_id: UUID) -> None:
    values: dict[str, Any] = {"kind": draft.kind, "text": draft.text, "recipient": draft.recipient}
    values |= {"copies": draft.copies or sa.null(), "blind_copies": draft.blind_copies or sa.null()}
    values |= {"revision": draft.revision, "saved_at": read_clock(connection)}
    row = {"agent_id": agent_id, "conversation_id": conversation_id, **values}
    upsert(connection, DraftRow, row=row, keys=_KEYS, changed=[*values])


@cache
def _plain_newest() -> PlainStatement:
    return PlainStatement(_newest())


@cache
def _known_drafts() -> KnownRows[Draft]:
    return KnownRows(types_of(_newest()), _draft, most=_REMEMBERED)


def _draft(row: Sequence[Any]) -> Draft:
    named = zip((field.name for field in fields(Draft)), row, strict=True)
    return Draft(**{name: [] if value is None else value for name, value in named})


@cache
def _newest() -> sa.Select[Any]:
    newest_first = table_of(DraftRow).c.saved_at.desc()
    return sa.select(*columns_of(DraftRow, Draft)).where(_theirs()).order_by(newest_first).limit(1)


@cache
def _drafted() -> PlainStatement:
    columns = table_of(DraftRow).c
    mine = columns.agent_id == sa.bindparam("agent")
    statement = sa.select(columns.conversation_id).where(mine, among_bound(columns.conversation_id, "ids"))
    return PlainStatement(statement)


_KNOWN_CASES: Final = KnownRows([table_of(DraftRow).c.conversation_id.type], itemgetter(0), most=_REMEMBERED)


def _theirs() -> sa.ColumnElement[bool]:
    """Return the condition for the drafts of the bound `agent` in the bound `conversation`."""
    columns, case = table_of(DraftRow).c, table_of(ConversationRow).c
    conversation_id = sa.bindparam("conversation", type_=case.id.type)
    # From the agent's few drafts to their conversations: no index leads from a conversation to those merged into it.
    merged = sa.exists().where(case.id == columns.conversation_id, case.merged_into == conversation_id)
    here = sa.or_(columns.conversation_id == conversation_id, merged)
    return sa.and_(columns.agent_id == sa.bindparam("agent"), here)
