"""Channels without a connection, for the open pages: one query for the whole desk, a few times a minute."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Final

from sqlalchemy.engine import Connection

from api.desk import Desk
from api.services.desk_stream import DeskLook, DeskNotice, DeskReader
from api.text.phrases import LANGUAGES, Language, Words
from api.text.times import Moments
from store.desk.channel_status import ChannelFault, channel_faults

CHANNELS: Final = "channels"
_EVERY: Final = timedelta(seconds=15)
# A single failed poll is no news.
_DEAD_AFTER: Final = timedelta(minutes=1)


class DeadChannels:
    """See `DeskSource`."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._next_at = desk, 0.0
        self._last_seen: dict[frozenset[str] | None, tuple[str, ...]] = {}

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return the channels in trouble, for the agents to whom this is new."""
        if monotonic() < self._next_at and not look.fresh:
            return ()
        self._next_at = monotonic() + _EVERY.total_seconds()
        faults = self._faults(connection, look)
        known, self._last_seen = self._last_seen, {}
        fresh = {reader.sees_only for reader in look.fresh}
        notices = []
        for sight in {reader.sees_only for reader in look.readers}:
            seen = [each for each in faults if sight is None or self._team_of(each) in sight]
            self._last_seen[sight] = tuple(each.channel for each in seen)
            if self._last_seen[sight] != known.get(sight, ()) or (seen and sight in fresh):
                data = {language: self._strip_json(seen, language=language, look=look) for language in LANGUAGES}
                notices.append(DeskNotice(kind=CHANNELS, key="", data=data, is_for=partial(_sees_as, sight)))
        return notices

    def _faults(self, connection: Connection, look: DeskLook) -> list[ChannelFault]:
        found = [each for each in channel_faults(connection) if each.channel in self._desk.settings.channels]
        return [each for each in found if look.now - (each.polled_at or each.since) > _DEAD_AFTER]

    def _team_of(self, fault: ChannelFault) -> str | None:
        return self._desk.settings.team_of_channel(fault.channel)

    def _strip_json(self, faults: Sequence[ChannelFault], *, language: Language, look: DeskLook) -> str:
        words = Words(language)
        moments = Moments(now=look.now, zone=self._desk.settings.omniyard.timezone, words=words)
        lines = [
            words("strip_dead", channel=each.channel, at=moments.short(each.polled_at or each.since)) for each in faults
        ]
        return json.dumps({"lines": lines, "look": words("strip_look")}, ensure_ascii=False)


def _sees_as(sight: frozenset[str] | None, reader: DeskReader) -> bool:
    return reader.sees_only == sight
