"""The models of `config/channels.toml`: one class per table, one field per key."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PrivateAttr, field_validator, model_validator

from router.operator_file import USUAL_DATA
from router.settings.agent_answers import AgentAnswerSettings
from router.settings.channels.kinds import Channel
from router.settings.danger_words import DangerWords
from router.settings.limits import LimitSettings
from router.settings.machine_answers import AnswerSettings
from router.settings.secret import Secret
from router.settings.values import (
    AnswerMode,
    Country,
    Day,
    Frozen,
    Language,
    Listen,
    Name,
    Network,
    Number,
    OneOrMany,
    Pause,
    Promise,
    PublicUrl,
    Span,
    Switch,
    Titles,
    Weekdays,
    Whole,
    WrongKeys,
    Zone,
    require_safe_url,
    title_in,
)

Priority = Literal["low", "normal", "high", "urgent"]
# The kinds that `router.origin.automatic` distinguishes.
OriginName = Literal["person", "auto_replied", "auto_generated", "bounce", "bulk", "ourselves"]
# The signals of `router.origin.sender_signals`.
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


class DeskSettings(Frozen):
    """`[omniyard]`: the desk as a whole.

    name: the desk's, in one text or by language.
    own_addresses: our own mail addresses without a channel; mail from them never gets an automatic reply.
    colleagues: mail addresses of single colleagues.  own_domains: where only colleagues have addresses; if absent, the
        domains of our own addresses, without those where anybody may have one.
    authserv_id: our mail server's name in its Authentication-Results (RFC 8601); those of others are ignored. A mail
        channel may name its own.
    check_dkim: whether we verify DKIM signatures of mail ourselves where no trusted result says anything.
    listen: address of the web desk and the REST API.  public_url: their public address, if a proxy serves them.
    trusted_proxies: whose X-Forwarded-For and X-Forwarded-Proto are believed.
    rating: the reply that asks for a rating, once per closing and at most once in 30 days per contact.
    greeting: the reply that asks what it is about, to a greeting or an empty message in a chat or SMS; its case then
        waits for the customer.
    greeting_closes_after: how long that case waits before it is resolved.
    pending_closes_after: how long any other case waits for its customer before it is resolved; if absent, forever.
    call_for_person: the reply to a customer who asks for a person in a chat or SMS.
    call_for_person_closed: the same while the channel is closed.
    key: signs sessions and thread tokens, and seals originals; if absent, one is created in `data`.
    old_keys: former values of `key`; they open what was sealed with them, and sign nothing.
    keep_originals: how long the bytes of settled messages are kept; if absent, forever.
    outage_customers: how many customers with the same text within an hour make an outage; 0 disables it.
    reply_takes: whether answering an unassigned case on the page assigns it to the agent; each reply can say otherwise.
    guide: show new agents the steps of a first case.
    requests_per_second: the limit per token and web process; 0 for no limit.
    """

    name: Titles = Field(default={"und": "Omniyard"})
    timezone: Zone = ZoneInfo("UTC")
    database: Secret | None = None
    broker: Secret | None = None
    data: str = USUAL_DATA
    listen: Listen = "127.0.0.1:8080"
    public_url: PublicUrl | None = None
    trusted_proxies: tuple[Network, ...] = (ip_network("127.0.0.1"), ip_network("::1"))
    key: Secret | None = None
    old_keys: tuple[Secret, ...] = ()
    own_addresses: tuple[str, ...] = ()
    colleagues: tuple[str, ...] = ()
    own_domains: tuple[str, ...] | None = None
    authserv_id: str | None = None
    check_dkim: Switch = False
    keep_originals: Pause | None = None
    outage_customers: Whole = Field(default=10, ge=0)
    reply_takes: Switch = True
    requests_per_second: Whole = Field(default=100, ge=0)
    rating: str | None = None
    greeting: str | None = None
    greeting_closes_after: Pause = timedelta(days=1)
    pending_closes_after: Pause | None = None
    call_for_person: str | None = None
    call_for_person_closed: str | None = None
    takeover: Pause = timedelta(seconds=15)
    guide: Switch = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("data")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not value or not value.isprintable():
            raise ValueError("expected the name of a folder, without control characters")
        return value

    def name_in(self, language: str) -> str:
        """Return the name in a language (BCP 47), else in its family, else in English, else any that there is."""
        known = next((tag for tag in (language, language.partition("-")[0]) if self.name.get(tag)), "en")
        return title_in(self.name, known, name="Omniyard")


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
    """`[calendars.NAME]`: when agents are there.

    week: local opening times by weekday or range of weekdays ("mon-fri"); "24h" is the whole day.
    holidays: ISO 3166 country (or COUNTRY-SUBDIVISION) whose public holidays close and make-up days open; "none"
        removes the holidays of the extended calendar.
    on_holidays: the opening times of a public holiday; without it holidays are closed.
    holidays_until: the official dates are entered by hand up to this day, so no warning comes before it.
    dates: exceptions; if two contain a day the later one counts, and those of the extended calendar come first.
    """

    title: Titles = Field(default_factory=dict)
    timezone: Zone | None = None
    extends: str | None = None
    week: dict[Weekdays, Annotated[tuple[Span, ...], BeforeValidator(OneOrMany)]] = Field(default_factory=dict)
    holidays: Country | None = None
    on_holidays: tuple[Span, ...] | None = None
    holidays_until: Day | None = None
    dates: tuple[DateRule, ...] = ()


class CategorySettings(Frozen):
    """`[categories.NAME]`: a subject that customers write about.

    hints: for an emergency category, weaker words for the second check of messages that would wait until opening.
    self_service: the most that the machine may do with a question of it; an emergency is never answered.
    """

    title: Titles = Field(default_factory=dict)
    emergency: Switch = False
    keywords: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    self_service: Literal["answer", "offer", "never"] = "answer"


class TeamSettings(Frozen):
    """`[teams.NAME]`: a team of agents.

    title: how agents see it, in one text or by language; so it is for categories, calendars, SLAs, replies and routes.
    assign: how conversations are assigned to its agents; by default manually.
    fallback: the team that takes over while no agent of this one is available.
    """

    title: Titles = Field(default_factory=dict)
    assign: Literal["manual", "round_robin", "least_busy"] = "manual"
    fallback: str | None = None


class EscalationSettings(Frozen):
    """`on_warning`, `on_breach` of an SLA: the changes to the conversation. A priority is never lowered."""

    priority: Priority | None = None
    team: str | None = None
    labels: tuple[str, ...] = ()


class SlaSettings(Frozen):
    """`[sla.NAME]`: the time limits, measured in the open time of `calendar` ("always" is wall time)."""

    calendar: str
    title: Titles = Field(default_factory=dict)
    first_reply: Promise | None = None
    next_reply: Promise | None = None
    resolve: Promise | None = None
    warn_before: Promise | None = None
    on_warning: EscalationSettings | None = None
    on_breach: EscalationSettings | None = None


class Condition(Frozen):
    """`when` of a route: every key must match; a list matches if one of its values does."""

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
    """`[[routes]]`: the first whose `when` matches decides; the last has no `when`, and a team.

    team: who answers; if absent, the channel's team, else that of the last route.
    ask: the reply that is sent instead of `reply` while facts are missing that the category needs.
    hold: messages that arrive while the channel is closed are snoozed until it opens.
    """

    name: str
    title: Titles = Field(default_factory=dict)
    when: Condition | None = None
    team: str | None = None
    priority: Priority = "normal"
    labels: tuple[str, ...] = ()
    sla: str | None = None
    reply: str | None = None
    ask: str | None = None
    hold: Switch = False


class ReplySettings(Frozen):
    """`[replies.NAME]`: an automatic text, by language.

    Placeholders: {reference}, {next_opening}, {desk}, {missing_facts}.
    once_per: how often one conversation may get it: once in all, or once a day of the channel's calendar.
    follow_ups: whether later messages of a conversation get it too.
    """

    text: dict[Language, str]
    title: Titles = Field(default_factory=dict)
    once_per: Literal["case", "day"] = "case"
    follow_ups: Switch = False


class LabelSettings(Frozen):
    """`[labels.NAME]`: how agents see a label; one without a table is shown as it is."""

    title: Titles


class FactSettings(Frozen):
    """`[facts.NAME]`: what a fact is called, where the desk's own words do not fit."""

    title: Titles


class FormSettings(Frozen):
    """`[forms.NAME]`: a service whose forms send mail for customers.

    senders: its addresses, or its domains with their @.
    field: the label of the line in its text that has the customer's address; if absent, Reply-To names the customer.
    """

    senders: tuple[str, ...] = Field(min_length=1)
    field: str = Field(default="", max_length=100)

    @field_validator("senders")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all("@" in each and each.isprintable() for each in value):
            raise ValueError('expected addresses, or domains such as "@forms.example"')
        return value


class WebhookSettings(Frozen):
    """`[webhooks.NAME]`: the target of events, in the format of Standard Webhooks.

    secret: `whsec_` and base64; during a change two of them, separated by a blank.  events: patterns of kinds.
    """

    url: str
    secret: Secret
    events: tuple[str, ...] = ()
    allow_private: Switch = False
    enabled: Switch = True

    @model_validator(mode="after")
    def _url_is_safe(self) -> WebhookSettings:
        require_safe_url(self.url, allow_private=self.allow_private)
        return self


class EmergencySettings(Frozen):
    """`[emergency]`: when a message is one, and what follows when people are called, rightly or wrongly.

    false_pages_per_thousand: how many of a thousand ordinary messages may page a person wrongly.
    closed_false_pages_per_thousand: the same for what would wait because its channel is closed.
    escalate_after: an alarm that no agent confirms or releases for so long goes on; absent, it stays where it is.
    escalate_to: agents or teams, in this order, then from the start again; absent, the next agent of its team.
    correction: the reply that follows what was said to the customer when an alarm turns out false.
    notice: what the chat says of emergencies before a visitor writes, by language; absent, general words.
    """

    false_pages_per_thousand: Number = Field(default=5, gt=0, le=200)
    closed_false_pages_per_thousand: Number = Field(default=15, gt=0, le=200)
    escalate_after: Pause | None = None
    escalate_to: tuple[str, ...] = ()
    correction: str | None = None
    notice: Titles = Field(default_factory=dict)


class Settings(Frozen):
    """The whole file, and the words of danger from the file next to it."""

    omniyard: DeskSettings = DeskSettings()
    channels: dict[Name, Channel] = Field(default_factory=dict)
    calendars: dict[Name, CalendarSettings] = Field(default_factory=dict)
    categories: dict[Name, CategorySettings] = Field(default_factory=dict)
    teams: dict[Name, TeamSettings] = Field(default_factory=dict)
    sla: dict[Name, SlaSettings] = Field(default_factory=dict)
    replies: dict[Name, ReplySettings] = Field(default_factory=dict)
    routes: tuple[RouteSettings, ...]
    webhooks: dict[Name, WebhookSettings] = Field(default_factory=dict)
    labels: dict[Name, LabelSettings] = Field(default_factory=dict)
    facts: dict[Name, FactSettings] = Field(default_factory=dict)
    forms: dict[Name, FormSettings] = Field(default_factory=dict)
    emergency: EmergencySettings = EmergencySettings()
    answers: AnswerSettings = AnswerSettings()
    limits: LimitSettings = LimitSettings()
    desk: AgentAnswerSettings = AgentAnswerSettings()
    _danger: DangerWords = PrivateAttr(default_factory=DangerWords)

    @property
    def danger(self) -> DangerWords:
        """What `danger.toml` says; empty unless `with_danger` gave it."""
        return self._danger

    @property
    def fact_titles(self) -> dict[str, dict[str, str]]:
        """What the operator calls the facts: kind -> language -> words; only those that have a table."""
        return {kind: fact.title for kind, fact in self.facts.items()}

    def with_danger(self, words: DangerWords) -> Settings:
        """Return these settings with the words of danger."""
        copy = self.model_copy()
        copy._danger = words
        return copy

    def answer_mode(self, channel: str) -> AnswerMode:
        """Return what the machine does with questions on a channel; on one that cannot send, agents see answers."""
        configured = self.channels.get(channel)
        mode = (configured.answers if configured else None) or self.answers.mode
        is_mute = configured is None or not configured.has_way_out
        return "agents" if is_mute and mode in {"offer", "answer"} else mode

    def team_of_channel(self, channel: str) -> str | None:
        """Return the team that answers a channel where no route names another; None for an unknown channel."""
        configured = self.channels.get(channel)
        return (configured.team or self.routes[-1].team) if configured else None

    def believed_authserv_id(self, channel: str) -> str | None:
        """Return by what name the mail server in front of a channel signs its findings; None if none is believed."""
        configured = self.channels.get(channel)
        return configured.believed_authserv_id(self.omniyard.authserv_id) if configured else None

    def checks_senders(self, channel: str) -> bool:
        """Return whether anything is found out about the senders of a channel; else not being verified says nothing."""
        return self.omniyard.check_dkim or self.believed_authserv_id(channel) is not None
