"""The numbers next to the views, for the open pages: a few queries for all agents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from api.pages.bell import CALLS_PREFERENCE, DEFAULT_CALLS
from api.services.desk_stream import DeskLook, DeskNotice, DeskReader
from api.text.phrases import LANGUAGES
from store.desk.notices import count_unread, preferences_of
from store.desk.view_counts import count_waiting, unread_by_assignee, views_of

COUNTS: Final = "counts"
# Not more often than this, nor for more than this share of the time: a desk may have many waiting conversations.
_EVERY: Final = timedelta(seconds=1)
_SHARE: Final = 0.05
# Due times pass, and mail is read, without an event.
_AT_LEAST_EVERY: Final = timedelta(seconds=10)


class ViewCounts:
    """See `DeskSource`."""

    def __init__(self) -> None:
        self._last_sent: dict[UUID, str] = {}
        self._next_at = self._last_at = 0.0
        self._is_due = False
        self._fresh: set[UUID] = set()

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return the numbers of the agents whose numbers changed, or who opened a page."""
        self._fresh |= {reader.agent_id for reader in look.fresh}
        began = monotonic()
        self._is_due |= bool(look.events) or began - self._last_at > _AT_LEAST_EVERY.total_seconds()
        if began < self._next_at or not (self._is_due or self._fresh):
            return ()
        changed = self._changed(connection, look)
        self._last_at, self._is_due, self._fresh = began, False, set()
        self._next_at = began + max(_EVERY.total_seconds(), (monotonic() - began) / _SHARE)
        return changed

    def _changed(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        known, self._last_sent = self._last_sent, _numbers_json(connection, look)
        return [
            DeskNotice(kind=COUNTS, key="", data=dict.fromkeys(LANGUAGES, said), is_for=partial(_is, agent_id))
            for agent_id, said in self._last_sent.items()
            if said != known.get(agent_id) or agent_id in self._fresh
        ]


def _numbers_json(connection: Connection, look: DeskLook) -> dict[UUID, str]:
    """Return each agent's numbers and choices: a few queries for all."""
    readers = {reader.agent_id: reader for reader in look.readers}
    groups = count_waiting(connection, now=look.now)
    unread = unread_by_assignee(connection, {reader.name for reader in readers.values()})
    bells = count_unread(connection, readers.keys())
    calls = preferences_of(connection, readers.keys(), name=CALLS_PREFERENCE)
    said = {
        agent_id: {
            "views": views_of(groups, agent=reader.name, teams=reader.sees_only),
            "unread": unread[reader.name],
            "bell": bells[agent_id],
            "calls": calls.get(agent_id, DEFAULT_CALLS).split(),
        }
        for agent_id, reader in readers.items()
    }
    return {agent_id: json.dumps(each, sort_keys=True) for agent_id, each in said.items()}


def _is(agent_id: UUID, reader: DeskReader) -> bool:
    return reader.agent_id == agent_id
