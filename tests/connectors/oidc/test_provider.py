"""What `doctor` says of a sign-in provider, and which answers of one are no answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.oidc.identity_provider import OidcProvider
from router.errors import ConfigError, OmniyardError, TransientError
from router.settings.oidc import OidcSettings
from router.settings.secret import Secret
from tests.fakes.openid import SECRET, FakeOpenId
from tests.fakes.server import DemoAnswer, Fault


@pytest.fixture
def fake() -> Iterator[FakeOpenId]:
    opened = FakeOpenId(clock=lambda: datetime.now(UTC))
    yield opened
    opened.stop()


def provider_of(fake: FakeOpenId, *, secret: str = "env:OMNIYARD_TEST_OIDC") -> OidcProvider:
    return OidcProvider(OidcSettings(issuer=fake.issuer, client_id="omniyard", client_secret=Secret(secret)))


def test_a_provider_that_can_be_used_is_reported_as_usable(fake: FakeOpenId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIYARD_TEST_OIDC", SECRET)
    health = provider_of(fake).probe()
    assert (health.ok, health.findings) == (True, (f"{fake.issuer} answers; it has keys: 1",))


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"issuer": "https://id.evil.example"}, "issuer is not what the provider calls itself"),
        ({"token_endpoint": "http://id.wallet.example/token"}, "token_endpoint is not an https address"),
        ({"jwks_uri": None}, "not complete: jwks_uri"),
        ({"code_challenge_methods_supported": ["plain"]}, "does not accept PKCE with S256"),
        ({"response_types_supported": ["id_token"]}, "does not offer the authorization code flow"),
    ],
)
def test_what_stops_a_sign_in_is_explained_in_words(
    fake: FakeOpenId, monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("OMNIYARD_TEST_OIDC", SECRET)
    fake.metadata = metadata
    try:
        health = provider_of(fake).probe()
        assert not health.ok
        words = " ".join(health.findings)
    except ConfigError as error:
        words = str(error)
    assert said in words


@pytest.mark.parametrize(
    "answer",
    [DemoAnswer(500), DemoAnswer(302, headers={"Location": "/elsewhere"}), DemoAnswer(content=b"<html>"), None],
)
def test_a_provider_that_is_away_is_tried_again_later(fake: FakeOpenId, answer: DemoAnswer | None) -> None:
    fake.script(Fault(answer=answer, reset=answer is None, times=2))
    with pytest.raises(TransientError, match="does not answer"):
        provider_of(fake, secret="env:PATH").probe()


def test_a_secret_that_is_not_there_is_named_and_not_shown(fake: FakeOpenId) -> None:
    with pytest.raises(OmniyardError, match="env:NOT_SET_ANYWHERE"):
        provider_of(fake, secret="env:NOT_SET_ANYWHERE").probe()
