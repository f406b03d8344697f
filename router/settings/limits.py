"""`[limits]`: how much of one web process's memory and places its clients may take, known or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pydantic import Field, model_validator

from router.settings.values import Frozen, Pause, Whole, WrongKeys

_NO_PLACES: Final = "all streams would be kept for administrators; expected fewer than `streams`"


class LimitSettings(Frozen):
    """`[limits]`: of each web process.

    connections: open at once; a new one takes the place of the oldest that has no request.
    connections_per_address: of one address; a trusted proxy, which stands for many, is not counted.
    request_within: the time for a request's header, and for a body up to 64 KiB.  upload_within: for a larger body.
    answer_within: how long a client may leave an answer unread.
    uploads: bodies beyond 64 KiB at once.  uploads_per_address: of one address.
    upload_memory: bytes of all bodies that wait in memory; of one body no more than 1 MiB does.
    streams: open event streams.  streams_per_token: of one agent.  streams_for_admins: kept for that role.
    chat_streams: of visitors of the chat, for which there are more `connections`; beyond, their pages poll.
    chat_streams_per_address: of one address.
    pages_per_minute: pages of help and of the contact form for one address; 0 for no limit.
    questions_per_second: texts of all visitors that answers are searched for; 0 for no limit.
    searches_per_minute: searches of one address; 0 for no limit.
    agent_reads_per_minute: searches, reports and other costly reads of one agent; 0 for no limit.
    """

    connections: Whole = Field(default=1000, ge=10)
    connections_per_address: Whole = Field(default=100, ge=1)
    request_within: Pause = timedelta(seconds=10)
    upload_within: Pause = timedelta(minutes=2)
    answer_within: Pause = timedelta(minutes=1)
    uploads: Whole = Field(default=20, ge=1)
    uploads_per_address: Whole = Field(default=4, ge=1)
    upload_memory: Whole = Field(default=33_554_432, ge=1_048_576)
    streams: Whole = Field(default=500, ge=1)
    streams_per_token: Whole = Field(default=12, ge=1)
    streams_for_admins: Whole = Field(default=20, ge=0)
    chat_streams: Whole = Field(default=2000, ge=0)
    chat_streams_per_address: Whole = Field(default=30, ge=1)
    pages_per_minute: Whole = Field(default=120, ge=0)
    questions_per_second: Whole = Field(default=5, ge=0)
    searches_per_minute: Whole = Field(default=240, ge=0)
    agent_reads_per_minute: Whole = Field(default=240, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> LimitSettings:
        if self.streams_for_admins >= self.streams:
            raise WrongKeys([("streams_for_admins", _NO_PLACES)])
        return self
