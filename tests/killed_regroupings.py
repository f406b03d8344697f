"""Merge, split, undo and repair cases with alarms in processes that die at each write and commit. A plain module.

    python -m tests.killed_regroupings URL FOLDER

Each deed is done by a forked process with connections of its own, which dies at a later step each time, until one has
done it. A killed deed has changed nothing, or is done; a second time it is refused. What is wrong is printed as JSON,
by deed, with the number of the steps.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, OmniyardError
from store.conversations import merge as merging
from store.conversations.regroupings.stuck_alarms import find_stuck_alarms
from store.conversations.regroupings.undo import undo_regrouping
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.tables.case_records import RegroupingRow
from store.tables.desk import PauseRow
from store.tables.emergencies import DangerQuestionRow, EmergencyRow
from store.tables.messages import ConversationRow, MessageRow, ThreadKeyRow
from store.tables.operations import EventRow, OutboundRow
from tests.desk import TOML, Desk, envelope
from tests.killed_writes import arm, forked
from tests.older_merge import merge_as_the_older_version

_TABLES: Final = (
    *(ConversationRow, MessageRow, ThreadKeyRow, EmergencyRow, DangerQuestionRow, OutboundRow, PauseRow),
    *(RegroupingRow, EventRow),
)
_MAILS: Final = (
    ("calm", "Refund please", "Please refund order 11.", ()),
    ("danger", "Help", "I was hacked", ()),
    ("again", "Re: Help", "I was hacked again", ("danger@customer.example",)),
)
_MOST_STEPS: Final = 80


@dataclass(frozen=True)
class Books:
    """All rows of the tables that a regrouping may write, by table."""

    rows: dict[str, list[str]]

    @classmethod
    def of(cls, database: Database) -> Books:
        with database.read() as connection:
            found = {
                model.__tablename__: sorted(repr(row) for row in connection.execute(sa.select(table_of(model))))
                for model in _TABLES
            }
        return cls({str(name): rows for name, rows in found.items()})

    def numbers(self) -> dict[str, int]:
        return {name: len(rows) for name, rows in self.rows.items()}


@dataclass(frozen=True)
class Deed:
    """do: the deed.  homes: where the messages are afterwards, by key, as names of cases.  alarms: of which cases.

    before: what is done ahead of it, without a crash.  fewest: steps at which it is killed.
    """

    name: str
    do: Callable[[Connection], Any]
    homes: dict[str, str]
    alarms: frozenset[str]
    before: Callable[[Connection], Any] | None = None
    fewest: int = 8


def _home(connection: Connection, key: str) -> UUID:
    columns = table_of(MessageRow).c
    found = sa.select(columns.conversation_id).where(columns.rfc_message_id == f"{key}@customer.example")
    return UUID(str(connection.execute(found).scalar_one()))


def _merge(connection: Connection) -> None:
    source, target = (_opened_by(connection, key) for key in ("danger", "calm"))
    merging.merge(connection, source_id=source, target_id=target, by="Ann", now=read_clock(connection))


def _split(connection: Connection) -> None:
    columns, home = table_of(MessageRow).c, _opened_by(connection, "danger")
    ids = connection.execute(sa.select(columns.id).where(columns.rfc_message_id == "again@customer.example"))
    merging.split(connection, conversation_id=home, message_ids=[*ids.scalars()], by="Ann", now=read_clock(connection))


def _undo(connection: Connection) -> None:
    columns = table_of(RegroupingRow).c
    newest = connection.execute(sa.select(columns.id).order_by(columns.id.desc()).limit(1)).scalar_one()
    undo_regrouping(connection, newest, by="Ann", now=read_clock(connection))


def _merge_as_before(connection: Connection) -> None:
    merge_as_the_older_version(connection, _opened_by(connection, "danger"), _opened_by(connection, "calm"))


def _repair(connection: Connection) -> None:
    (stuck,) = find_stuck_alarms(connection) or (None,)
    if stuck is None or not merging.mend_merge(connection, stuck, now=read_clock(connection)):
        raise Conflict("no alarm is stuck")


def _opened_by(connection: Connection, key: str) -> UUID:
    message, case = table_of(MessageRow).c, table_of(ConversationRow).c
    first = sa.select(message.inbound_id).where(message.rfc_message_id == f"{key}@customer.example")
    return UUID(str(connection.execute(sa.select(case.id).where(case.opened_by_inbound == first)).scalar_one()))


_APART: Final = {"calm": "calm", "danger": "danger", "again": "danger"}
DEEDS: Final = (
    Deed("a merge", _merge, dict.fromkeys(_APART, "calm"), frozenset({"calm"})),
    Deed("an undone merge", _undo, _APART, frozenset({"danger"})),
    Deed("a split", _split, _APART | {"again": "again"}, frozenset({"danger", "again"})),
    Deed("an undone split", _undo, _APART, frozenset({"danger"})),
    Deed("a repair", _repair, dict.fromkeys(_APART, "calm"), frozenset({"calm"}), before=_merge_as_before, fewest=4),
)


def _name_of(connection: Connection, conversation_id: UUID) -> str:
    """Return the key of the message that opened a case, or for which it was split off."""
    for key, _, _, _ in _MAILS:
        opened = sa.select(table_of(ConversationRow).c.opened_by_inbound).where(
            table_of(ConversationRow).c.id == conversation_id
        )
        message = table_of(MessageRow).c
        theirs = sa.select(message.inbound_id).where(message.rfc_message_id == f"{key}@customer.example")
        if connection.execute(opened).scalar() == connection.execute(theirs).scalar():
            return key
    return ""


def _wrong(database: Database, deed: Deed, *, before: Books) -> str:
    """Return what is wrong after a deed was done; nothing if it is right."""
    after = Books.of(database)
    with database.read() as connection:
        homes = {key: _name_of(connection, _home(connection, key)) for key, _, _, _ in _MAILS}
        live = sa.select(table_of(EmergencyRow).c.conversation_id).join(
            table_of(ConversationRow), table_of(ConversationRow).c.id == table_of(EmergencyRow).c.conversation_id
        )
        live = live.where(table_of(ConversationRow).c.emergency, table_of(ConversationRow).c.merged_into.is_(None))
        paged = sorted(_name_of(connection, each) for each in connection.execute(live).scalars())
    same = {name: (was, after.numbers()[name]) for name, was in before.numbers().items() if name in _KEPT}
    doubled = {name: pair for name, pair in same.items() if pair[0] != pair[1]}
    if homes != deed.homes or paged != sorted(deed.alarms) or doubled:
        return f"{homes} {paged} {doubled}"
    return ""


_KEPT: Final = ("message", "outbound", "thread_key")


def _do(url: str, deed: Deed, *, at: int = 0) -> str:
    """Do the deed with connections of this process, which dies at a step; return why it was refused."""
    database = Database(url)
    if at:
        arm(database, at)
    try:
        with database.write() as connection:
            deed.do(connection)
    except OmniyardError as error:
        return type(error).__name__
    return ""


def kill_everywhere(database: Database, url: str, deed: Deed) -> tuple[int, list[str]]:
    """Return at how many steps a process was killed, and what was wrong."""
    if deed.before:
        with database.write() as connection:
            deed.before(connection)
    before = Books.of(database)
    for at in range(1, _MOST_STEPS):
        database.close()
        was_killed, said = forked(lambda at=at: _do(url, deed, at=at))  # type: ignore[misc]
        if said:
            return at, [f"step {at}: {said}"]
        after = Books.of(database)
        if after == before:
            if not was_killed:
                return at, ["it did nothing"]
            continue
        wrong = [each for each in (_wrong(database, deed, before=before),) if each]
        database.close()
        _, refused = forked(lambda: _do(url, deed))
        if not refused or Books.of(database) != after:
            wrong.append(f"step {at}: it was done twice")
        return at, wrong if was_killed else [*wrong, "no process died after the commit"]
    return _MOST_STEPS, ["it never ends"]


def main() -> None:
    """Do every deed, one after the other; print what was wrong."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    database = Database(url)
    desk = Desk(database, folder, toml=TOML)
    for key, subject, text, parents in _MAILS:
        desk.route(envelope(key, subject=subject, text=text, in_reply_to=parents))
    found = {deed.name: kill_everywhere(database, url, deed) for deed in DEEDS}
    sys.stdout.write(f"\n{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
