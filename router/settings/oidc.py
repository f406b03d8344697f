"""`[desk.oidc]`: sign-in at the company's provider."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from router.settings.secret import Secret
from router.settings.values import Frozen, Name, Switch, Titles, WrongKeys, is_loopback

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
