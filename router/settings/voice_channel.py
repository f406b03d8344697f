"""`[channels.NAME]` of the kind `voice`: a hotline, whose calls agents note on the desk."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import timedelta
from typing import Final, Literal

from pydantic import field_validator, model_validator

from router.settings.channel_base import CallNotes, ChannelSettings, PhoneNumber
from router.settings.values import Duration, WrongKeys

_NO_WAY_OUT: Final = "nothing is sent to a caller; remove the table"
_REGION: Final = re.compile(r"[A-Z]{2}")


class VoiceSettings(ChannelSettings):
    """A hotline. It has no way out: agents call back by telephone.

    number: ours.  region: ISO 3166, for numbers that agents type without a country code.
    join_within: see `ChatSettings`.
    """

    kind: Literal["voice"]
    number: PhoneNumber
    region: str | None = None
    join_within: Duration = timedelta(days=7)

    @field_validator("region")
    @classmethod
    def _country(cls, value: str | None) -> str | None:
        if value is not None and not _REGION.fullmatch(value):
            raise ValueError('expected a country (ISO 3166) such as "CN"')
        return value

    @model_validator(mode="after")
    def _consistent(self) -> VoiceSettings:
        if self.send is not None:
            raise WrongKeys([("send", _NO_WAY_OUT)])
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`."""
        return "number", (self.kind, self.number)

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return self.number

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        return f"takes agents' notes of calls to {self.number}"

    @property
    def call_notes(self) -> CallNotes | None:
        """See `ChannelSettings`."""
        return CallNotes(self.region)

    @property
    def joins_within(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return self.join_within
