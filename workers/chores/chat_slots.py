"""Assign chats by places: an agent talks to a limited number of visitors at once, whatever mail waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.engine import Connection

from router.routing.assignment import OnDuty
from router.settings import Settings
from store.chat.slots import chats_by_agent, live_cases
from store.desk.assignment import Waiting


class ChatSlots:
    """The places of the desk's chats."""

    def __init__(self, settings: Settings) -> None:
        pages = ((name, each.chat_page) for name, each in settings.channels.items())
        self._slots = {name: page.slots for name, page in pages if page}

    def counted(self, connection: Connection, agents: Sequence[OnDuty]) -> list[OnDuty]:
        """Return the locked agents with the number of visitors that each talks to."""
        has = chats_by_agent(connection) if self._slots else {}
        return [replace(agent, chats=has.get(agent.name, 0)) for agent in agents]

    def of(self, connection: Connection, waiting: Sequence[Waiting]) -> Mapping[UUID, int]:
        """Return the places that the channels of waiting chats give an agent; other conversations are left out."""
        chats = {case.id: self._slots[case.channel] for case in waiting if case.channel in self._slots}
        live = live_cases(connection, chats) if chats else set()
        return {case_id: slots for case_id, slots in chats.items() if case_id in live}
