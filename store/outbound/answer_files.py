"""The files of agents' answers: in a draft first, then with the answer that was sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound
from store.conversations.messages import PICTURES
from store.db.bulk import among, columns_of, insert_rows, table_of
from store.db.encryption import sealer_of
from store.db.ids import new_id
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.tables.composer import AnswerFileRow

# Files of the drafts that agents have open.
_REMEMBERED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFile:
    """A file, without its bytes. See `AnswerFileRow`."""

    id: UUID
    agent_id: UUID
    conversation_id: UUID
    outbound_id: UUID | None
    name: str
    media_type: str
    size: int

    @property
    def is_picture(self) -> bool:
        """Whether its name is that of a picture that pages may show; its bytes decide when it is asked for."""
        return self.media_type in PICTURES


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """A file as it is sent."""

    name: str
    media_type: str
    content: bytes


def add_file(connection: Connection, file: FileContent, *, agent_id: UUID, conversation_id: UUID) -> UUID:
    """Add a file to an agent's draft; return its id."""
    sealed = sealer_of(connection).seal(file.content)
    file_id = new_id()
    row: dict[str, object] = {"id": file_id, "agent_id": agent_id, "conversation_id": conversation_id}
    row |= {
        "outbound_id": None,
        "name": file.name,
        "media_type": file.media_type,
        "size": len(file.content),
        "content": sealed,
    }
    insert_rows(connection, AnswerFileRow, rows=[row])
    return file_id


def draft_files(connection: Connection, *, agent_id: UUID, conversation_id: UUID) -> list[AnswerFile]:
    """Return the files of an agent's draft, in the order in which they were added."""
    statement, values = files_of_draft(agent_id=agent_id, conversation_id=conversation_id)
    return _known()(connection, statement.rows(connection, values))


def files_of_draft(*, agent_id: UUID, conversation_id: UUID) -> Question:
    """Return the question of `draft_files`."""
    return _plain_of_draft(), {"agent": agent_id, "conversation": conversation_id}


@cache
def _plain_of_draft() -> PlainStatement:
    return PlainStatement(_of_draft())


@cache
def _known() -> KnownRows[AnswerFile]:
    names = [field.name for field in fields(AnswerFile)]
    return KnownRows(
        types_of(_of_draft()), lambda row: AnswerFile(**dict(zip(names, row, strict=True))), most=_REMEMBERED
    )


def _of_draft() -> sa.Select[Any]:
    table = table_of(AnswerFileRow)
    theirs = (table.c.agent_id == sa.bindparam("agent"), table.c.conversation_id == sa.bindparam("conversation"))
    unsent = sa.select(*columns_of(AnswerFileRow, AnswerFile)).where(*theirs, table.c.outbound_id.is_(None))
    return unsent.order_by(table.c.id)


def sent_files(connection: Connection, outbound_ids: Collection[UUID]) -> dict[UUID, list[AnswerFile]]:
    """Return the files of answers, by the answer's id; answers without files are left out."""
    table = table_of(AnswerFileRow)
    statement = sa.select(*columns_of(AnswerFileRow, AnswerFile)).where(among(table.c.outbound_id, outbound_ids))
    statement = statement.order_by(table.c.id)
    found: dict[UUID, list[AnswerFile]] = {}
    for row in connection.execute(statement).mappings():
        found.setdefault(row["outbound_id"], []).append(AnswerFile(**row))
    return found


def drop_file(connection: Connection, file_id: UUID, *, agent_id: UUID) -> None:
    """Delete a file of the agent's draft; what was sent stays."""
    table = table_of(AnswerFileRow)
    statement = sa.delete(table).where(
        table.c.id == file_id, table.c.agent_id == agent_id, table.c.outbound_id.is_(None)
    )
    connection.execute(statement)


def read_file(connection: Connection, file_id: UUID) -> tuple[AnswerFile, bytes]:
    """Return a file with its bytes. Raises NotFound when there is none."""
    table = table_of(AnswerFileRow)
    statement = sa.select(*columns_of(AnswerFileRow, AnswerFile), table.c.content).where(table.c.id == file_id)
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("there is no file with that id")
    values = dict(row)
    return AnswerFile(**{name: value for name, value in values.items() if name != "content"}), sealer_of(
        connection
    ).open(bytes(values["content"]))


def files_of(connection: Connection, outbound_id: UUID) -> list[FileContent]:
    """Return the files of an answer, as they are sent."""
    table = table_of(AnswerFileRow)
    names = (table.c.name, table.c.media_type, table.c.content)
    rows = connection.execute(sa.select(*names).where(table.c.outbound_id == outbound_id).order_by(table.c.id))
    sealer = sealer_of(connection)
    return [
        FileContent(name=row.name, media_type=row.media_type, content=sealer.open(bytes(row.content))) for row in rows
    ]
