"""Rows of the list for the open pages: a changed row is rendered once a change and language, for all who may see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from jinja2 import Environment
from sqlalchemy.engine import Connection

from api.desk import Desk
from api.pages.live.row_painter import RowPainter
from api.pages.people.faces import handle_kind
from api.rest.queries import Listed, read_list
from api.services.desk_stream import DeskLook, DeskNotice, DeskReader
from api.text.phrases import LANGUAGES, Language, Words
from api.text.times import Moments
from router.event_kinds import EventKind
from router.masking.mask import mask_address
from router.text.customer_name import in_language
from router.text.own_lines import own_lines_in
from store.conversations.lists import Filter
from store.events.feed import FeedEvent

ROW: Final = "row"
# The conversation is not to be shown any more: it belongs to another team now, or was merged.
GONE: Final = "gone"


class ChangedRows:
    """See `DeskSource`."""

    def __init__(self, desk: Desk, templates: Environment) -> None:
        self._desk, self._paint = desk, RowPainter(desk.settings, templates)

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return the rows that changed, and what is no longer to be shown."""
        changes: dict[UUID, list[FeedEvent]] = {}
        for event in look.events:
            if event.conversation_id is not None:
                changes.setdefault(event.conversation_id, []).append(event)
        if not changes:
            return ()
        listed, _ = read_list(connection, Filter(ids=changes.keys()), after=None, limit=len(changes))
        languages = [language for language in LANGUAGES if language in look.languages]
        found = {each[0].id: self._notices(each, changes[each[0].id], languages=languages) for each in listed}
        merged = [
            _gone(key, events, is_for=partial(_sees, events[-1].team))
            for key, events in changes.items()
            if key not in found
        ]
        ordered = [*merged, *(notice for notices in found.values() for notice in notices)]
        # A browser resumes from the last number that it has read.
        return sorted(ordered, key=lambda notice: notice.number)

    def _notices(
        self, listed: Listed, events: Sequence[FeedEvent], *, languages: Sequence[Language]
    ) -> Iterator[DeskNotice]:
        row, number = listed[0], events[-1].number
        is_chat = row.channel in self._desk.chats.pages
        data = {
            language: json.dumps(
                {
                    **_facts(listed, language, kind=handle_kind(self._desk.settings, row.channel)),
                    "chat": is_chat,
                    "kinds": [event.kind for event in events],
                    "html": self._html(listed, language),
                },
                ensure_ascii=False,
            )
            for language in languages
        }
        yield DeskNotice(kind=ROW, key=row.id.hex, data=data, is_for=partial(_sees, row.team), number=number)
        if any(event.kind == EventKind.CONVERSATION_MOVED for event in events):
            yield _gone(row.id, events, is_for=partial(_sees_not, row.team))

    def _html(self, listed: Listed, language: Language) -> str:
        words = Words(language)
        zone = self._desk.settings.omniyard.timezone
        return self._paint(listed, moments=Moments(now=self._desk.now(), zone=zone, words=words))


def _facts(listed: Listed, language: Language, *, kind: str) -> Mapping[str, object]:
    """Return what a page needs to know whether the row belongs into its list. kind: of the channel's handles."""
    row, handles, _ = listed
    name = row.contact_name or mask_address(next(iter(handles), ""))
    return {
        "id": str(row.id),
        "reference": row.reference,
        "version": row.version,
        "status": row.status,
        "team": row.team,
        "assignee": row.assignee,
        "category": row.category,
        "channel": row.channel,
        "priority": row.priority,
        "labels": row.labels,
        "emergency": row.emergency,
        "possible_danger": row.possible_danger,
        "at": row.last_message_at.isoformat(),
        "due": row.due_at.isoformat() if row.due_at else None,
        "title": own_lines_in(row.subject, language=language),
        "name": in_language(name, language=language, kind=kind),
    }


def _gone(key: UUID, events: Sequence[FeedEvent], *, is_for: Callable[[DeskReader], bool]) -> DeskNotice:
    data = dict.fromkeys(LANGUAGES, json.dumps({"id": str(key)}))
    return DeskNotice(kind=GONE, key=key.hex, data=data, is_for=is_for, number=events[-1].number)


def _sees(team: str | None, reader: DeskReader) -> bool:
    return reader.sees(team)


def _sees_not(team: str, reader: DeskReader) -> bool:
    return not reader.sees(team)
