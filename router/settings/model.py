"""The vocabulary of `config/channels.toml`: one class a table, one field a key."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from router.settings.channels import Channel
from router.settings.secret import Secret
from router.settings.values import (
    Country,
    Day,
    Duration,
    Language,
    Listen,
    Name,
    OneOrMany,
    Pause,
    Promise,
    PublicUrl,
    Span,
    Switch,
    Weekdays,
    WrongKeys,
    Zone,
)

Priority = Literal["low", "normal", "high", "urgent"]
# The kinds that `router.origin.automatic` tells apart.
OriginName = Literal["person", "auto_replied", "auto_generated", "bounce", "bulk", "ourselves"]
# What `router.origin.sender_signals` notices about senders.
SignalKind = Literal[
    "verified",
    "forged",
    "unverified",
    "reply_to_differs",
    "lookalike_domain",
    "several_authors",
    "address_in_name",
    "claims_our_domain",
    "claims_staff",
]
PRIORITIES: Final[tuple[Priority, ...]] = ("low", "normal", "high", "urgent")


class Frozen(BaseModel):
    """A table of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


class DeskSettings(Frozen):
    """`[omniyard]`: the desk as a whole.

    own_addresses: mail addresses of ours that are no channel; mail from them is never answered by machine.
    authserv_id: by what name our mail server signs its Authentication-Results (RFC 8601); others' are not believed.
    listen: where the web desk and the REST API answer.  public_url: how people reach it, if through a proxy.
    rating: the reply that asks how it went, once a closing and at most once in 30 days of one person.
    key: what signs the web desk's sessions, proves thread tokens and seals originals; absent, one is made under `data`.
    keep_originals: how long the bytes of settled messages are kept; absent, for good.
    outage_customers: how many customers who write the same within an hour are an outage; 0 for never.
    requests_per_second: how often one token may ask one web process; 0 for no limit.
    """

    name: str = "Omniyard"
    timezone: Zone = ZoneInfo("UTC")
    database: Secret | None = None
    broker: Secret | None = None
    data: str = "var"
    listen: Listen = "127.0.0.1:8080"
    public_url: PublicUrl | None = None
    key: Secret | None = None
    own_addresses: tuple[str, ...] = ()
    authserv_id: str | None = None
    keep_originals: Pause | None = None
    outage_customers: int = Field(default=10, ge=0)
    requests_per_second: int = Field(default=100, ge=0)
    rating: str | None = None
    takeover: Pause = timedelta(seconds=15)
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class DateRule(Frozen):
    """`[[calendars.NAME.dates]]`: on these days the week does not apply. `open = []` closes."""

    on: Day
    until: Day | None = None
    open: tuple[Span, ...]
    why: str

    @model_validator(mode="after")
    def _forwards(self) -> DateRule:
        if self.until is not None and self.until < self.on:
            raise WrongKeys([("until", f"it ends before it begins; expected {self.on} or later")])
        return self


class CalendarSettings(Frozen):
    """`[calendars.NAME]`: when somebody is there.

    week: by weekday or range of weekdays ("mon-fri"), the spans of local time; "24h" is the whole day.
    holidays: ISO 3166 country (or COUNTRY-SUBDIVISION) whose public holidays close and make-up days open; "none"
        drops the holidays of the calendar that is extended.
    on_holidays: the spans of a public holiday instead of closing.
    holidays_until: ops entered the official dates by hand up to this day, so no warning is due before.
    dates: exceptions; where two name a day the later one counts, and those of the extended calendar come first.
    """

    timezone: Zone | None = None
    extends: str | None = None
    week: dict[Weekdays, Annotated[tuple[Span, ...], BeforeValidator(OneOrMany)]] = Field(default_factory=dict)
    holidays: Country | None = None
    on_holidays: tuple[Span, ...] | None = None
    holidays_until: Day | None = None
    dates: tuple[DateRule, ...] = ()


class CategorySettings(Frozen):
    """`[categories.NAME]`: what customers write about.

    hints: of an emergency, weaker words for the second look at what would wait because the desk is closed.
    """

    title: dict[Language, str] = Field(default_factory=dict)
    emergency: Switch = False
    keywords: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


class TeamSettings(Frozen):
    """`[teams.NAME]`: who answers.

    assign: how conversations are handed out to its agents; by hand, unless said otherwise.
    fallback: the team that takes over while nobody of this one is available.
    """

    title: str = ""
    assign: Literal["manual", "round_robin", "least_busy"] = "manual"
    fallback: str | None = None


class EscalationSettings(Frozen):
    """`on_warning`, `on_breach` of a promise: what becomes of the conversation. A priority is only ever raised."""

    priority: Priority | None = None
    team: str | None = None
    labels: tuple[str, ...] = ()


class SlaSettings(Frozen):
    """`[sla.NAME]`: how soon, measured in the open time of `calendar` ("always" is wall time)."""

    calendar: str
    first_reply: Promise | None = None
    next_reply: Promise | None = None
    resolve: Promise | None = None
    warn_before: Duration | None = None
    on_warning: EscalationSettings | None = None
    on_breach: EscalationSettings | None = None


class Condition(Frozen):
    """`when` of a route: every key given must hold; a list holds if any of it does."""

    channel: Annotated[tuple[str, ...], BeforeValidator(OneOrMany)] = ()
    category: Annotated[tuple[str, ...], BeforeValidator(OneOrMany)] = ()
    language: Annotated[tuple[Language, ...], BeforeValidator(OneOrMany)] = ()
    origin: Annotated[tuple[OriginName, ...], BeforeValidator(OneOrMany)] = ()
    sender: Annotated[tuple[str, ...], BeforeValidator(OneOrMany)] = ()
    signal: Annotated[tuple[SignalKind, ...], BeforeValidator(OneOrMany)] = ()
    contact: Annotated[tuple[str, ...], BeforeValidator(OneOrMany)] = ()
    follows_case: Switch | None = None
    words: Annotated[tuple[str, ...], BeforeValidator(OneOrMany)] = ()
    emergency: Switch | None = None
    open: Switch | None = None
    holiday: Switch | None = None


class RouteSettings(Frozen):
    """`[[routes]]`: the first whose `when` holds decides; the last has none, and a team.

    team: who answers; absent, the channel's team, else that of the last route.
    ask: the reply that is sent instead of `reply` while facts are missing that the category needs.
    hold: what comes while the channel is closed is out of the agents' way until it opens.
    """

    name: str
    when: Condition | None = None
    team: str | None = None
    priority: Priority = "normal"
    labels: tuple[str, ...] = ()
    sla: str | None = None
    reply: str | None = None
    ask: str | None = None
    hold: Switch = False


class ReplySettings(Frozen):
    """`[replies.NAME]`: a text that is sent by machine, by language.

    Placeholders: {reference}, {next_opening}, {desk}, {missing_facts}.
    once_per: how often one conversation may get it: once in all, or once a day of the channel's calendar.
    follow_ups: whether further messages of a conversation get it too.
    """

    text: dict[Language, str]
    once_per: Literal["case", "day"] = "case"
    follow_ups: Switch = False


class WebhookSettings(Frozen):
    """`[webhooks.NAME]`: where events are posted, in the form of Standard Webhooks.

    secret: `whsec_` and base64; two of them with a blank between while keys are changed.  events: patterns of kinds.
    """

    url: str
    secret: Secret
    events: tuple[str, ...] = ()
    allow_private: Switch = False
    enabled: Switch = True

    @model_validator(mode="after")
    def _url_is_safe(self) -> WebhookSettings:
        if not self.url.isascii() or any(char.isspace() for char in self.url):
            raise WrongKeys([("url", "expected an address without blanks, other letters written as %XX or xn--")])
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            raise WrongKeys([("url", "its host or port cannot be read; a port is a number up to 65535")]) from None
        known = parts.scheme == "https" or (parts.scheme == "http" and self.allow_private)
        if not known or not parts.hostname or parts.username or parts.fragment or port == 0:
            why = "expected https://HOST/PATH without a user name; plain http needs `allow_private = true`"
            raise WrongKeys([("url", why)])
        return self


class EmergencySettings(Frozen):
    """`[emergency]`: what follows when people are called, and when they were called wrongly.

    false_pages_per_thousand: how many of a thousand ordinary messages may page a person wrongly.
    escalate_after: a page that no agent confirms or releases for so long goes on; absent, it stays where it is.
    escalate_to: agents or teams, in this order, then from the start again; absent, the next agent of its team.
    correction: the reply that follows what was said to the customer when an alarm turns out false.
    """

    false_pages_per_thousand: float = Field(default=5, gt=0, le=200)
    escalate_after: Pause | None = None
    escalate_to: tuple[str, ...] = ()
    correction: str | None = None


class Settings(Frozen):
    """The whole file."""

    omniyard: DeskSettings = DeskSettings()
    channels: dict[Name, Channel] = Field(default_factory=dict)
    calendars: dict[Name, CalendarSettings] = Field(default_factory=dict)
    categories: dict[Name, CategorySettings] = Field(default_factory=dict)
    teams: dict[Name, TeamSettings] = Field(default_factory=dict)
    sla: dict[Name, SlaSettings] = Field(default_factory=dict)
    replies: dict[Name, ReplySettings] = Field(default_factory=dict)
    routes: tuple[RouteSettings, ...]
    webhooks: dict[Name, WebhookSettings] = Field(default_factory=dict)
    emergency: EmergencySettings = EmergencySettings()
