"""`[channels.NAME]` of the kind `custom`: a system of the operator's that brings messages and takes answers by HTTP."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from router.delivery import TextLimit
from router.settings.channels.base import ChannelConcern, ChannelSettings, SendSettings, check_url
from router.settings.secret import Secret
from router.settings.values import Duration, Pause, Switch, Whole, WrongKeys

_OFF: Final = "push and pull are both off, so no message can come in; expected one of them"
_BARE: Final = 'their calls must be signed; expected a secret such as "env:APP_SECRET"'
_ONE_WAY_OUT: Final = "expected either url or collect = true, exactly one of the two"
_UNSIGNED: Final = "our calls are signed; expected a secret: whsec_ and base64"
_NO_HEADER: Final = 'auth = "hmac" needs the header with the signature'
_NOT_HMAC: Final = 'only auth = "hmac" has keys of its own; remove it'
_NOWHERE: Final = "their system has no address to bring messages to; set [omniyard] public_url"
_UNREPEATED: Final = "without url nothing is sent, so nothing can be looked up or repeated"


def _url(value: str) -> str:
    return check_url(value, query=True)


Url = Annotated[str, AfterValidator(_url)]


class PullSettings(BaseModel):
    """`[channels.NAME.pull]`: their list of messages, which we ask for. poll: the pause when nothing is waiting.

    headers: each value is a secret.  allow_private: the address may be in our own networks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    url: Url
    headers: dict[str, Secret] = Field(default_factory=dict)
    poll: Pause = timedelta(seconds=20)
    allow_private: Switch = False


class CustomSendSettings(SendSettings):
    """`[channels.NAME.send]`: how answers get to their system.

    url: we call it, signed with `secret`.  collect: they collect answers at our outbox instead.
    deduplicates: they take a message once, however often it comes under one id, so an unclear attempt is repeated.
    lookup: says of a message whether it is there; {id} is its id.
    """

    url: Url | None = None
    collect: Switch = False
    secret: Secret | None = None
    deduplicates: Switch = False
    lookup: Url | None = None
    allow_private: Switch = False
    longest: Whole = Field(default=20_000, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> CustomSendSettings:
        rules = (
            ("url", (self.url is None) == (not self.collect), _ONE_WAY_OUT),
            ("secret", self.url is not None and self.secret is None, _UNSIGNED),
            ("deduplicates", self.url is None and self.deduplicates, _UNREPEATED),
            ("lookup", self.url is None and self.lookup is not None, _UNREPEATED),
        )
        problems = [(key, message) for key, broken, message in rules if broken]
        if problems:
            raise WrongKeys(problems)
        return self


class CustomSettings(ChannelSettings):
    """A channel of the operator's own.

    auth: how their calls prove themselves; `hmac` is described by header, timestamp_header and encoding.
    secret: for standard whsec_ and base64, for bearer the token, for basic "user:password", else the key; during a
        change several, separated by blanks.
    push: they bring messages.  pull: we fetch them.  Both may be on, with the same ids.
    users: whose ids of users they are; channels with one value share their customers; without it the channel's own.
    public: anybody can read its messages and our answers: no machine answers.
    file_hosts: where their files may be; empty for any public host.  private_files: also within our own networks.
    largest: bytes of one file.
    join_within: see `ChatSettings`.
    """

    kind: Literal["custom"]
    auth: Literal["standard", "bearer", "basic", "hmac", "zendesk", "slack", "github"] = "standard"
    secret: Secret | None = None
    header: str | None = None
    timestamp_header: str | None = None
    encoding: Literal["hex", "base64"] = "hex"
    push: Switch = True
    pull: PullSettings | None = None
    users: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"[A-Za-z0-9_.-]+")
    public: Switch = False
    file_hosts: tuple[str, ...] = ()
    private_files: Switch = False
    largest: Whole = Field(default=10_485_760, ge=1024, le=52_428_800)
    join_within: Duration = timedelta(days=7)
    send: CustomSendSettings | None = None

    @model_validator(mode="after")
    def _consistent(self) -> CustomSettings:
        asked = self.push or (self.send is not None and self.send.collect)
        of_hmac = self.header is not None or self.timestamp_header is not None
        rules = (
            ("push", not self.push and self.pull is None, _OFF),
            ("secret", asked and self.secret is None, _BARE),
            ("header", self.auth == "hmac" and self.header is None, _NO_HEADER),
            ("header", self.auth != "hmac" and of_hmac, _NOT_HMAC),
        )
        problems = [(key, message) for key, broken, message in rules if broken]
        if problems:
            raise WrongKeys(problems)
        return self

    @property
    def source(self) -> tuple[str, Hashable]:
        """See `ChannelSettings`: under one secret, a call for one channel would be valid for the other."""
        if self.secret:
            return "secret", (self.kind, self.secret)
        return "pull", (self.kind, self.pull and self.pull.url)

    @property
    def source_words(self) -> str:
        """See `ChannelSettings`."""
        return self.pull.url.partition("?")[0] if self.pull else "their own calls"

    @property
    def intake_words(self) -> str:
        """See `ChannelSettings`."""
        ways = ["takes signed calls"] if self.push else []
        ways += [f"asks {self.pull.url.partition('?')[0]}"] if self.pull else []
        return " and ".join(ways)

    @property
    def poll_every(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return self.pull.poll if self.pull else None

    @property
    def joins_within(self) -> timedelta | None:
        """See `ChannelSettings`."""
        return self.join_within

    @property
    def text_limit(self) -> TextLimit | None:
        """See `ChannelSettings`."""
        return TextLimit(self.send.longest) if self.send else None

    @property
    def is_public(self) -> bool:
        """See `ChannelSettings`."""
        return self.public

    @property
    def replies_are_collected(self) -> bool:
        """See `ChannelSettings`."""
        return self.send is not None and self.send.collect

    @property
    def largest_request(self) -> int | None:
        """See `ChannelSettings`: files may stand in it, in base64."""
        return self.largest * 4 // 3 + 1_048_576 if self.push else None

    def concerns(self, *, public_url: str | None) -> tuple[ChannelConcern, ...]:
        """See `ChannelSettings`."""
        return () if public_url is not None or not self.push else (ChannelConcern(key="kind", message=_NOWHERE),)
