"""What an OpenID Connect provider says of itself: its discovery document, read and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ConfigDict, ValidationError

from router.errors import ConfigError, TransientError
from router.settings.values import is_loopback

_TIMEOUT_SECONDS: Final = 10.0
# A discovery document has some kilobytes, a set of keys a few more.
_MOST_BYTES: Final = 524_288
_BASIC, _POST, _NONE = "client_secret_basic", "client_secret_post", "none"
_AWAY: Final = "the sign-in provider does not answer ({what}); its discovery document is at {url}"


class ProviderMetadata(BaseModel):
    """A discovery document (OpenID Connect Discovery 1.0 section 3), as far as we need it."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    response_types_supported: tuple[str, ...] = ("code",)
    code_challenge_methods_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = (_BASIC,)
    authorization_response_iss_parameter_supported: bool = False

    def auth_method(self, *, has_secret: bool) -> str:
        """Return how we prove at the token endpoint who we are."""
        if not has_secret:
            return _NONE
        return _BASIC if _BASIC in self.token_endpoint_auth_methods_supported else _POST

    def shortcomings(self) -> list[str]:
        """Return what would stop a sign-in, in sentences for the operator."""
        methods = self.code_challenge_methods_supported
        checks = (
            ("code" in self.response_types_supported, "it does not offer the authorization code flow"),
            (methods is None or "S256" in methods, "it does not accept PKCE with S256"),
        )
        return [sentence for holds, sentence in checks if not holds]


def well_known(issuer: str) -> str:
    """Return the address of the discovery document (OpenID Connect Discovery 1.0 section 4)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def read_metadata(document: Mapping[str, object], *, issuer: str) -> ProviderMetadata:
    """Return the discovery document.

    Raises ConfigError if it is of another issuer, has no endpoint that is needed, or one that is not protected by TLS.
    """
    try:
        metadata = ProviderMetadata.model_validate(document)
    except ValidationError as error:
        lost = ", ".join(str(each["loc"][0]) for each in error.errors())
        raise ConfigError(f"the sign-in provider's discovery document is not complete: {lost}") from None
    if metadata.issuer != issuer:
        raise ConfigError(f"[desk.oidc] issuer is not what the provider calls itself; it says {metadata.issuer!r}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        parts = urlsplit(getattr(metadata, name))
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ConfigError(f"the sign-in provider's {name} is not an https address")
    return metadata


def fetch_json(url: str) -> Mapping[str, object]:
    """Return the JSON object at an address of the provider. Raises TransientError if it cannot be fetched."""
    try:
        with requests.get(url, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                raise TransientError(_AWAY.format(what=f"status {answer.status_code}", url=url))
            content = answer.raw.read(_MOST_BYTES, decode_content=True)
    except requests.RequestException as error:
        raise TransientError(_AWAY.format(what=type(error).__name__, url=url)) from None
    return _read_object(content, url=url)


def _read_object(content: bytes, *, url: str) -> Mapping[str, object]:
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise TransientError(_AWAY.format(what="no JSON object", url=url))
    return document
