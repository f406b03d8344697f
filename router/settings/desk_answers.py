"""`[desk]`: how answers leave; `[desk.oidc]`: sign-in at the company's provider; `[answers]`: what the machine does."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from router.settings.secret import Secret
from router.settings.values import (
    AnswerMode,
    Duration,
    Frozen,
    Name,
    Pause,
    Switch,
    Titles,
    Whole,
    WrongKeys,
    is_loopback,
    require_safe_url,
)

_LONGEST_UNDO = timedelta(minutes=1)
# An agent waits for it, and in a web process a thread does.
_LONGEST_WAIT = timedelta(seconds=30)

PurposeName = Literal["draft", "summary", "tone", "translation", "answer"]
# "answer" writes what customers get without an agent, so it is added by hand.
FOR_AGENTS: Final[tuple[PurposeName, ...]] = ("draft", "summary", "tone", "translation")
# As `api.http.permissions.Role` has them; a test compares the two.
RoleName = Literal["viewer", "agent", "senior", "supervisor", "auditor", "admin"]
_OPENID: Final = "openid"


class OidcSettings(Frozen):
    """`[desk.oidc]`: sign-in by OpenID Connect, the authorization code flow with PKCE.

    issuer: as the provider writes it in its tokens.  client_secret: without one the desk is a public client.
    title: the provider's name on the sign-in page.
    agent_claim: the claim that names the agent: "email" is compared with the agent's address, another with the name.
    role_claim, team_claim: claims whose values set role and teams at each sign-in; if absent, the desk's own hold.
    roles, teams: what the values mean here; without a table each value is the name of a role, or of a team.
    scopes: what is asked for; "openid" is always one of them.
    passwords: whether agents may sign in by password, too; tokens always count.
    """

    issuer: str
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: Secret | None = None
    title: Titles = Field(default_factory=dict)
    agent_claim: str = Field(default="email", min_length=1, max_length=200)
    role_claim: str | None = Field(default=None, min_length=1, max_length=200)
    roles: dict[str, RoleName] = Field(default_factory=dict)
    team_claim: str | None = Field(default=None, min_length=1, max_length=200)
    teams: dict[str, Name] = Field(default_factory=dict)
    scopes: tuple[str, ...] = (_OPENID, "email", "profile")
    passwords: Switch = True

    @field_validator("issuer")
    @classmethod
    def _is_an_issuer(cls, value: str) -> str:
        # OpenID Connect Discovery 1.0 section 3: https, and neither query nor fragment.
        expected = 'expected the provider\'s address as its tokens write it, such as "https://id.example.com/staff"'
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise ValueError(expected) from None
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        has_more = parts.query or parts.fragment or parts.username or port == 0 or not value.isascii()
        if not is_safe or not parts.hostname or has_more or any(char.isspace() for char in value):
            raise ValueError(expected)
        return value

    @field_validator("scopes")
    @classmethod
    def _asks_for_openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not scope or not scope.isascii() or not scope.isprintable() or " " in scope for scope in value):
            raise ValueError('expected names of scopes, such as ["openid", "email"]')
        return value if _OPENID in value else (_OPENID, *value)

    @model_validator(mode="after")
    def _claims_are_named(self) -> OidcSettings:
        lost = [
            (key, claim)
            for key, claim in (("roles", "role_claim"), ("teams", "team_claim"))
            if getattr(self, key) and getattr(self, claim) is None
        ]
        if lost:
            raise WrongKeys([(key, f"without `{claim}` it has no meaning") for key, claim in lost])
        return self


class AgentAnswerSettings(Frozen):
    """`[desk]`: how agents' answers leave.

    oidc: the provider at which agents sign in; if absent, there is none.
    undo_send: how long an answer of an agent's page waits before it leaves, so that it can be taken back; "0s" for at
        once. Notes and chat lines never wait.
    quote_below: whether the customer's message stands below an answer by mail, unless its agent says otherwise.
    from_name: the name next to our address in agents' mail, with {agent}, {team} and {desk}.
    """

    undo_send: Duration = timedelta(seconds=8)
    quote_below: Switch = True
    from_name: str = Field(default="{desk}", max_length=200)
    oidc: OidcSettings | None = None

    @field_validator("undo_send")
    @classmethod
    def _is_short(cls, value: timedelta) -> timedelta:
        if value > _LONGEST_UNDO:
            raise ValueError('expected at most "1m"; "0s" switches it off')
        return value


class ModelEndpointSettings(Frozen):
    """`[answers.model]`: an endpoint for chat completions, as OpenAI has it and many others offer it.

    url: its base, with or without /v1.  name: of the model.  key: sent as a bearer token; absent, none is.
    timeout: for one text, with all repeats.
    per_day, tokens_per_day: of all processes together, by days of UTC.
    allow_private: it may be on our own network, and without TLS.
    """

    url: str
    name: str = Field(min_length=1, max_length=200)
    key: Secret | None = None
    timeout: Pause = timedelta(seconds=8)
    per_day: Whole = Field(default=2_000, ge=1)
    tokens_per_day: Whole = Field(default=4_000_000, ge=1)
    purposes: tuple[PurposeName, ...] = FOR_AGENTS
    allow_private: Switch = False

    @field_validator("timeout")
    @classmethod
    def _is_bearable(cls, value: timedelta) -> timedelta:
        if value > _LONGEST_WAIT:
            raise ValueError('expected at most "30s": an agent waits for it')
        return value

    @field_validator("name")
    @classmethod
    def _is_visible(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("expected the name of the model as its provider writes it")
        return value

    @model_validator(mode="after")
    def _url_is_safe(self) -> ModelEndpointSettings:
        require_safe_url(self.url, allow_private=self.allow_private)
        return self


class AnswerSettings(Frozen):
    """`[answers]`: what the machine does with questions that the FAQ answers.

    mode: of channels that say nothing.  wait: how long a customer may go on writing before the machine answers.
    model: writes drafts for agents; absent, what fits is found all the same.
    """

    mode: AnswerMode = "agents"
    wait: Pause = timedelta(seconds=5)
    model: ModelEndpointSettings | None = None
