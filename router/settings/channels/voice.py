"""`[channels.NAME]` of the kind `voice`: a hotline, whose calls agents note, and a menu of ours may answer."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from router.settings.channels.base import ApiBase, CallNotes, ChannelConcern, ChannelSettings, PhoneNumber
from router.settings.secret import Secret
from router.settings.values import Duration, Frozen, Number, Pause, Region, Switch, Whole, WrongKeys, is_loopback

_NO_WAY_OUT: Final = "nothing is sent to a caller; remove the table"
_NOWHERE: Final = "Twilio has no address to call; set [omniyard] public_url"
_MAINLAND_CHINA: Final = "+86"
_NO_CHINA: Final = (
    "Twilio hosts no numbers of mainland China for calls; expected a number of another country, or the call records "
    'of a provider there (kind = "custom")'
)
_ENGLISH_ONLY: Final = "transcribe: Twilio writes down English only; Chinese voicemails come without text"


SpokenLanguage = Literal["zh", "en"]
_LONGEST_SPOKEN: Final = 600
# A menu needs a minute; a voicemail of more than ten is no message.
_LONGEST_VOICEMAIL: Final = timedelta(minutes=10)
_NO_CAP: Final = "the machine dials this number by itself, which costs money; expected dials_per_day with it"
_NO_NUMBER: Final = "it limits calls to emergency_number; expected both or neither"


def _spoken(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("expected text without control characters: a voice reads it out")
    if len(value) > _LONGEST_SPOKEN:
        raise ValueError(f"expected at most {_LONGEST_SPOKEN} characters: a caller hears all of it")
    return value


SpokenText = Annotated[str, AfterValidator(_spoken)]


class HotlineMenuSettings(Frozen):
    """Twilio Voice. The menu needs [omniyard] public_url.

    api_base: another address than Twilio's.  languages: of the menu; it starts in the first.
    greeting: said first, by language.  voices: Twilio's names of the reading voices, by language.
    voicemail: the longest.  missed_after: how long after a call's end its voicemail may come in.
    calls_per_caller: in an hour; more are not answered.  blocked: callers who are never answered.
    emergency_number: the danger key connects the caller to it, at any hour.  dials_per_day: at most so often.
    transcribe: let Twilio write down voicemails (English).  poll: how often calls are listed, in case callbacks failed.
    stale_after: a call that is older when we first hear of it gets no automatic reply and no clock.
    least_balance: `doctor` warns below it, in the account's currency.
    """

    account: Secret
    token: Secret
    api_base: ApiBase | None = None
    languages: tuple[SpokenLanguage, ...] = ("zh", "en")
    greeting: dict[SpokenLanguage, SpokenText] = Field(default_factory=dict)
    voices: dict[SpokenLanguage, SpokenText] = Field(default_factory=dict)
    voicemail: Pause = timedelta(minutes=3)
    missed_after: Pause = timedelta(seconds=60)
    calls_per_caller: Whole = Field(default=20, ge=1)
    blocked: tuple[PhoneNumber, ...] = ()
    emergency_number: PhoneNumber | None = None
    dials_per_day: Whole | None = Field(default=None, ge=1)
    transcribe: Switch = False
    poll: Pause = timedelta(minutes=5)
    stale_after: Pause = timedelta(hours=1)
    least_balance: Number | None = None

    @field_validator("languages")
    @classmethod
    def _some(cls, value: tuple[SpokenLanguage, ...]) -> tuple[SpokenLanguage, ...]:
        if not value or len(set(value)) != len(value):
            raise ValueError('expected each language once, such as ["zh", "en"]')
        return value

    @model_validator(mode="after")
    def _consistent(self) -> HotlineMenuSettings:
        rules = (
            ("emergency_number", self.emergency_number is not None and self.dials_per_day is None, _NO_CAP),
            ("dials_per_day", self.dials_per_day is not None and self.emergency_number is None, _NO_NUMBER),
            ("voicemail", self.voicemail > _LONGEST_VOICEMAIL, "expected at most 10m"),
        )
        problems = [(key, message) for key, broken, message in rules if broken]
        if problems:
            raise WrongKeys(problems)
        return self


class VoiceSettings(ChannelSettings):
    """A hotline. It has no way out: agents call back by telephone.

    number: ours.  region: ISO 3166, for numbers that agents type without a country code.
    join_within: see `ChatSettings`.  twilio: the menu that answers its calls; None without one.
    """

    kind: Literal["voice"]
    number: PhoneNumber
    region: Region | None = None
    join_within: Duration = timedelta(days=7)
    twilio: HotlineMenuSettings | None = None

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
        notes = f"takes agents' notes of calls to {self.number}"
        return f"answers calls to {self.number} by Twilio, and {notes}" if self.twilio else notes

    @property
    def poll_every(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return self.twilio.poll if self.twilio else None

    @property
    def never_sends(self) -> bool:
        """See `ChannelSettings`."""
        return True

    @property
    def call_notes(self) -> CallNotes | None:
        """See `ChannelSettings`."""
        return CallNotes(self.region)

    @property
    def joins_within(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return self.join_within

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        if self.twilio is None:
            return ()
        stands_in = is_loopback(urlsplit(self.twilio.api_base or "").hostname or "")
        found = [] if public_url or stands_in else [ChannelConcern(key="twilio", message=_NOWHERE)]
        if self.number.startswith(_MAINLAND_CHINA):
            found.append(ChannelConcern(key="number", message=_NO_CHINA, value=self.number))
        if self.twilio.transcribe and "zh" in self.twilio.languages:
            found.append(ChannelConcern(key="twilio", message=_ENGLISH_ONLY))
        return tuple(found)
