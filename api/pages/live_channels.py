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
        self._told: dict[frozenset[str] | None, tuple[int, tuple[str, ...]]] = {}

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return the channels in trouble, for the agents to whom this is new."""
        sights = [reader.sees_only for reader in look.readers]
        is_new = any(sights.count(sight) > self._told.get(sight, (0, ()))[0] for sight in sights)
        if monotonic() < self._next_at and not is_new:
            return ()
        self._next_at = monotonic() + _EVERY.total_seconds()
        settings = self._desk.settings
        faults = [
            fault
            for fault in channel_faults(connection)
            if fault.channel in settings.channels and look.now - (fault.polled_at or fault.since) > _DEAD_AFTER
        ]
        notices, told = [], {}
        for sight in set(sights):
            seen = [each for each in faults if sight is None or settings.team_of_channel(each.channel) in sight]
            told[sight] = (sights.count(sight), tuple(each.channel for each in seen))
            if told[sight] != self._told.get(sight, (0, ())):
                data = {language: self._said(seen, language=language, look=look) for language in LANGUAGES}
                notices.append(DeskNotice(kind=CHANNELS, key="", data=data, is_for=partial(_sees_as, sight)))
        self._told = told
        return notices

    def _said(self, faults: Sequence[ChannelFault], *, language: Language, look: DeskLook) -> str:
        words = Words(language)
        moments = Moments(now=look.now, zone=self._desk.settings.omniyard.timezone, words=words)
        lines = [
            words("strip_dead", channel=each.channel, at=moments.short(each.polled_at or each.since)) for each in faults
        ]
        return json.dumps({"lines": lines, "look": words("strip_look")}, ensure_ascii=False)


def _sees_as(sight: frozenset[str] | None, reader: DeskReader) -> bool:
    return reader.sees_only == sight
