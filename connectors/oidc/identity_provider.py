"""An OpenID Connect provider: where it lets agents sign in, and what its token proves of the agent who came back.

The authorization code flow with PKCE (OpenID Connect Core 1.0 section 3.1, RFC 7636). No token, code or secret of it
is in a log, an error or the database; a token is read once and forgotten.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import ValidationError

from connectors.base import Health
from connectors.oidc.discovery import ProviderMetadata, fetch_json, read_metadata, well_known
from connectors.oidc.rounds import ProvenIdentity, ProviderRefusal, SignInRound
from router.errors import ConfigError, TransientError
from router.settings.oidc import OidcSettings

# Signatures with a key of the provider's own (RFC 8725 section 3.1): neither "none" nor HS256, whose key both have.
ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA", "RS384", "RS512", "ES384", "ES512", "PS384", "PS512")
# A set may hold keys of other kinds, for other uses.
_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})
# The clocks of the two machines.
_LEEWAY_SECONDS: Final = 60
# A provider changes its keys a few times a year, and announces the new one before; an unknown key is fetched at once.
_KNOWN_SECONDS: Final = 3600.0
_TIMEOUT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 5.0
# What may be wrong with a claim, in the words of `ProviderRefusal.why`; another claim is "token".
_WRONG_CLAIMS: Final[Mapping[str, str]] = {
    "iss": "issuer",
    "aud": "audience",
    "azp": "audience",
    "nonce": "nonce",
    "exp": "expired",
    "iat": "expired",
    "nbf": "expired",
}


@dataclass(frozen=True, slots=True)
class _Known:
    metadata: ProviderMetadata
    keys: KeySet
    at: float


class OidcProvider:
    """The provider of `[desk.oidc]`; may be used by several threads. clock: of seconds, for what is remembered."""

    def __init__(self, settings: OidcSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock, self._lock = settings, clock, threading.Lock()
        self._last: _Known | None = None
        self._failed: tuple[TransientError | ConfigError, float] | None = None

    def is_answer_of(self, issuer: str) -> bool:
        """Return whether an answer that names this issuer, or none, is of this provider (RFC 9207 section 2.4)."""
        must_name = self._known().metadata.authorization_response_iss_parameter_supported
        return issuer == self._settings.issuer if issuer or must_name else True

    def address(self, asked: SignInRound) -> str:
        """Return where the browser goes to sign in. Raises TransientError if the provider does not answer."""
        endpoint = self._known().metadata.authorization_endpoint
        with closing(self._session(asked.redirect_uri)) as session:
            url, _ = session.create_authorization_url(
                endpoint, state=asked.state, nonce=asked.nonce, code_verifier=asked.verifier
            )
        return str(url)

    def identity(self, asked: SignInRound, *, code: str, now: datetime) -> ProvenIdentity:
        """Exchange the code, once, and return what its token proves.

        now: aware.
        Raises ProviderRefusal if the code or the token is not right, TransientError if the provider does not answer.
        """
        return self._proven(self._exchange(asked, code=code), nonce=asked.nonce, now=now)

    def probe(self) -> Health:
        """Test whether the provider can be used: its discovery document, its keys, and our secret."""
        if self._settings.client_secret is not None:
            self._settings.client_secret.reveal()
        known = self._fetched()
        metadata = known.metadata
        host = f"{self._settings.issuer} answers; it has keys: {len(known.keys.keys)}"
        wrong = [*metadata.shortcomings(), *([] if known.keys.keys else ["it has no key to check its tokens with"])]
        return Health(ok=not wrong, findings=(host, *wrong))

    def _exchange(self, asked: SignInRound, *, code: str) -> str:
        metadata = self._known().metadata
        try:
            with closing(self._session(asked.redirect_uri)) as session:
                token: Mapping[str, object] = session.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=asked.verifier,
                    timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except OAuthError:
            # Its description may repeat the code.
            raise ProviderRefusal("code") from None
        except (requests.RequestException, ValueError):
            raise TransientError("the sign-in provider does not answer as it should; try again in a moment") from None
        found = token.get("id_token")
        if not isinstance(found, str):
            raise ProviderRefusal("token")
        return found

    def _proven(self, token: str, *, nonce: str, now: datetime) -> ProvenIdentity:
        decoded = self._decoded(token)
        # A copy, because the checks take parts out of it.
        required: dict[str, Any] = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        expected = {"nonce": nonce, "client_id": self._settings.client_id}
        try:
            claims = CodeIDToken(decoded.claims, decoded.header, required, expected)
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS)
        except ClaimError as error:
            raise ProviderRefusal(_WRONG_CLAIMS.get(error.claim, "token")) from None
        except (JoseError, ValueError, TypeError):
            raise ProviderRefusal("token") from None
        subject = decoded.claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise ProviderRefusal("token")
        return ProvenIdentity(issuer=self._settings.issuer, subject=subject, claims=dict(decoded.claims))

    def _decoded(self, token: str) -> jwt.Token:
        known = self._known()
        try:
            return _verified(token, known.keys)
        except (BadSignatureError, InvalidKeyIdError):
            # The provider may have a new key since.
            try:
                return _verified(token, self._fetched().keys)
            except (JoseError, ValueError):
                raise ProviderRefusal("signature") from None
        except (JoseError, ValueError):
            raise ProviderRefusal("signature") from None

    def _session(self, redirect_uri: str) -> OAuth2Session:
        secret = self._settings.client_secret
        return OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=secret.reveal() if secret else None,
            token_endpoint_auth_method=self._known().metadata.auth_method(has_secret=secret is not None),
            scope=" ".join(self._settings.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    def _known(self) -> _Known:
        known, failed, now = self._last, self._failed, self._clock()
        if known and now - known.at < _KNOWN_SECONDS:
            return known
        if failed and now - failed[1] < _PAUSE_SECONDS:
            # Strangers may ask for the way to the provider: not each of them waits for a silent server.
            raise type(failed[0])(str(failed[0]))
        try:
            return self._fetched()
        except (TransientError, ConfigError) as error:
            self._failed = (error, self._clock())
            raise

    def _fetched(self) -> _Known:
        with self._lock:
            issuer = self._settings.issuer
            metadata = read_metadata(fetch_json(well_known(issuer)), issuer=issuer)
            try:
                keys = KeySet.import_key_set({"keys": _signing_keys(fetch_json(metadata.jwks_uri))})
            except (JoseError, ValueError, ValidationError):
                raise ConfigError("the sign-in provider's keys cannot be read") from None
            self._last = _Known(metadata, keys, self._clock())
            return self._last


def _signing_keys(document: Mapping[str, object]) -> list[Any]:
    keys = document.get("keys")
    known = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    return [key for key in known if key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"]


def _verified(token: str, keys: KeySet) -> jwt.Token:
    return jwt.decode(token, key=keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))
