"""The numbers next to the views, for the open pages: a few queries for all agents."""

from __future__ import annotations

import json
from collections import Counter
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
        self._told: dict[UUID, tuple[int, str]] = {}
        self._next_at = self._last_at = 0.0
        self._is_due = False

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return the numbers of the agents whose numbers changed, or who opened a page."""
        open_pages = Counter(reader.agent_id for reader in look.readers)
        is_new = any(number > self._told.get(agent, (0, ""))[0] for agent, number in open_pages.items())
        began = monotonic()
        self._is_due |= bool(look.events) or began - self._last_at > _AT_LEAST_EVERY.total_seconds()
        if began < self._next_at or not (self._is_due or is_new):
            return ()
        told = list(self._changed(connection, look, open_pages))
        self._last_at, self._is_due = began, False
        self._next_at = began + max(_EVERY.total_seconds(), (monotonic() - began) / _SHARE)
        return told

    def _changed(self, connection: Connection, look: DeskLook, open_pages: Counter[UUID]) -> Sequence[DeskNotice]:
        readers = {reader.agent_id: reader for reader in look.readers}
        groups = count_waiting(connection, now=look.now)
        unread = unread_by_assignee(connection, {reader.name for reader in readers.values()})
        bells = count_unread(connection, readers.keys())
        calls = preferences_of(connection, readers.keys(), name=CALLS_PREFERENCE)
        notices, told = [], {}
        for agent_id, reader in readers.items():
            views = views_of(groups, agent=reader.name, teams=reader.sees_only)
            chosen = calls.get(agent_id, DEFAULT_CALLS).split()
            said = json.dumps(
                {"views": views, "unread": unread[reader.name], "bell": bells[agent_id], "calls": chosen},
                sort_keys=True,
            )
            told[agent_id] = (open_pages[agent_id], said)
            known_pages, known = self._told.get(agent_id, (0, ""))
            if said != known or open_pages[agent_id] > known_pages:
                data = dict.fromkeys(LANGUAGES, said)
                notices.append(DeskNotice(kind=COUNTS, key="", data=data, is_for=partial(_is, agent_id)))
        self._told = told
        return notices


def _is(agent_id: UUID, reader: DeskReader) -> bool:
    return reader.agent_id == agent_id
