"""An OpenID Connect provider on this machine: codes that count once, PKCE, and tokens signed with a real key.

PyJWT signs, which the desk does not read with. `forge` changes what the next token says, or how it is signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.server import DemoAnswer, DemoRequest, FakeServer

CLIENT, SECRET = "omniyard", "client-secret-of-the-desk"


@cache
def make_key(number: int) -> rsa.RSAPrivateKey:
    """Return one of a few keys; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class FakeOpenId(FakeServer):
    """user: the claims of who signs in.  forge: (claims, header) -> what is signed instead, or a whole token."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self.clock, self.key = clock, make_key(0)
        self.kid = "key-1"
        self.user: dict[str, Any] = {"sub": "248289761001", "email": "li.na@wallet.example", "email_verified": True}
        self.forge: Callable[[dict[str, Any]], dict[str, Any] | str] | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: list[str] = []
        self.metadata: dict[str, Any] = {}
        super().__init__()

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        answers = {
            "/staff/.well-known/openid-configuration": self._discovery,
            "/staff/keys": self._keys,
            "/staff/authorize": self._authorize,
            "/staff/token": self._token,
        }
        return answers.get(asked.path, lambda _: DemoAnswer(404, {"error": "not_found"}))(asked)

    @property
    def issuer(self) -> str:
        return f"{self.base}/staff"

    def _discovery(self, asked: DemoRequest) -> DemoAnswer:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return DemoAnswer(document=document | self.metadata)

    def _keys(self, asked: DemoRequest) -> DemoAnswer:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        others = {"kty": "oct", "k": "c2VjcmV0", "kid": "old"}
        return DemoAnswer(document={"keys": [others, public | {"kid": self.kid, "use": "sig", "alg": "RS256"}]})

    def _authorize(self, asked: DemoRequest) -> DemoAnswer:
        said = asked.params
        assert (said["response_type"], said["client_id"], said["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert "openid" in said["scope"].split()
        code = secrets.token_urlsafe(24)
        self.codes[code] = said
        back = urlencode({"code": code, "state": said["state"], "iss": self.issuer})
        return DemoAnswer(302, headers={"Location": f"{said['redirect_uri']}?{back}"})

    def _token(self, asked: DemoRequest) -> DemoAnswer:
        form, proof = asked.form, base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if {k.lower(): v for k, v in asked.headers.items()}.get("authorization") != f"Basic {proof}":
            return DemoAnswer(401, {"error": "invalid_client"})
        said = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if said is None or said["code_challenge"] != challenge or said["redirect_uri"] != form["redirect_uri"]:
            return DemoAnswer(400, {"error": "invalid_grant", "error_description": f"bad code {form.get('code')}"})
        token = self._signed(said)
        self.tokens.append(token)
        return DemoAnswer(
            document={"access_token": secrets.token_urlsafe(32), "token_type": "Bearer", "id_token": token}
        )

    def _signed(self, said: dict[str, str]) -> str:
        now = int(self.clock().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": said["nonce"], **self.user}
        forged = self.forge(claims) if self.forge else claims
        return forged if isinstance(forged, str) else self.sign(forged)

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.kid})
