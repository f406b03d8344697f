"""One way to a sign-in provider and back: what is asked, what is proven, and how it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from router.errors import PermanentError


class ProviderRefusal(PermanentError):
    """The provider, or a check of its token, refuses this sign-in. why: the check, one word."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the sign-in at the provider was refused: {why}")
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRound:
    """What is asked. nonce: in the token that comes back.  verifier: proves who asked (RFC 7636)."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenIdentity:
    """What a checked token says. subject: the account at the issuer, which keeps it.  claims: all of them."""

    issuer: str
    subject: str
    claims: Mapping[str, object]
