"""Sign-in at an OpenID Connect provider: the whole way over real HTTP, and every way to get in without a right to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
import sqlalchemy as sa
import structlog

from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.access.provider_accounts import release_account, set_email
from store.desk.agents import add_agent, list_agents, revoke_agent
from store.desk.assignment import duties, set_absence
from store.desk.passwords import set_password
from store.tables.agents import SkillKind
from store.tables.operations import AuditRow
from tests.api.conftest import MovingClock, settings_in
from tests.api.pages.settings_page import send
from tests.app_client import AppClient
from tests.fakes.openid import CLIENT, SECRET, FakeOpenId, make_key

HTML = {"Accept": "text/html", "Accept-Language": "en"}
OIDC = """
[desk.oidc]
issuer = "{issuer}"
client_id = "omniyard"
client_secret = "env:OMNIYARD_TEST_OIDC"
title = {{ en = "Wallet account", zh = "钱包账号" }}
{more}
"""


@pytest.fixture
def provider(clock: MovingClock) -> Iterator[FakeOpenId]:
    opened = FakeOpenId(clock=clock)
    yield opened
    opened.stop()


@pytest.fixture
def more() -> str:
    return ""


@pytest.fixture
def settings(tmp_path: Path, provider: FakeOpenId, more: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("OMNIYARD_TEST_OIDC", SECRET)
    return settings_in(tmp_path / "data", more=OIDC.format(issuer=provider.issuer, more=more))


@pytest.fixture
def li_na(database: Database) -> str:
    with database.write() as connection:
        add_agent(connection, name="Li Na", role="agent")
        set_email(connection, name="Li Na", email="Li.Na@wallet.example")
    return "Li Na"


@pytest.fixture
def browser(app: Any, portal: Any) -> AppClient:
    return AppClient(app, portal, headers=HTML)


def go_there(browser: AppClient, *, wished: str = "/quarantine") -> str:
    """Follow the link to the provider, and return the address that the provider sends the browser back to."""
    away = browser.get("/sign-in/oidc", params={"next": wished})
    assert away.status_code == 303
    back = httpx.get(away.headers["location"])
    assert back.status_code == 302
    parts = urlsplit(back.headers["location"])
    return f"{parts.path}?{parts.query}"


def audit_of(app: Any, database: Database, action: str) -> list[Any]:
    app.state.desk.trail.flush()
    table = table_of(AuditRow)
    with database.read() as connection:
        return list(connection.execute(sa.select(table).where(table.c.action == action)).mappings())


def test_an_agent_signs_in_at_the_provider_and_goes_on_to_the_page(
    app: Any, browser: AppClient, provider: FakeOpenId, database: Database, li_na: str
) -> None:
    page = browser.get("/sign-in?next=/quarantine").text
    assert "Sign in with Wallet account" in page
    assert 'href="/sign-in/oidc?next=/quarantine"' in page
    back = go_there(browser)
    asked = next(each for each in provider.asked if each.path == "/staff/authorize").params
    assert asked["redirect_uri"] == "http://testserver/sign-in/oidc/return"
    assert len(asked["nonce"]) == len(asked["state"]) + 21 == 64
    answer = browser.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/quarantine")
    assert "Li Na" in browser.get("/settings/agents").text
    assert [row["actor"] for row in audit_of(app, database, "session.began")] == [li_na]


Forge = Callable[[FakeOpenId], Callable[[dict[str, Any]], dict[str, Any] | str]]
FORGED: dict[str, tuple[Forge, str]] = {
    "a wrong nonce": (lambda _: lambda claims: claims | {"nonce": "0" * 64}, "nonce"),
    "no nonce": (lambda _: lambda claims: {k: v for k, v in claims.items() if k != "nonce"}, "nonce"),
    "a wrong audience": (lambda _: lambda claims: claims | {"aud": "another-app"}, "audience"),
    "two audiences, asked for by the other": (
        lambda _: lambda claims: claims | {"aud": [CLIENT, "another-app"], "azp": "another-app"},
        "audience",
    ),
    "an expired token": (lambda _: lambda claims: claims | {"exp": claims["iat"] - 61}, "expired"),
    "a token of tomorrow": (lambda _: lambda claims: claims | {"iat": claims["iat"] + 86_400}, "expired"),
    "another issuer": (lambda _: lambda claims: claims | {"iss": "https://id.evil.example"}, "issuer"),
    "no subject": (lambda _: lambda claims: {k: v for k, v in claims.items() if k != "sub"}, "token"),
    "alg none": (lambda _: lambda claims: jwt.encode(claims, None, algorithm="none"), "signature"),
    "our secret as the key": (lambda _: lambda claims: jwt.encode(claims, SECRET * 2, algorithm="HS256"), "signature"),
    "another key": (lambda provider: lambda claims: _signed_elsewhere(provider, claims), "signature"),
    "no token at all": (lambda _: lambda _: "not.a.token", "signature"),
}


def _signed_elsewhere(provider: FakeOpenId, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, make_key(1), algorithm="RS256", headers={"kid": provider.kid})


def test_a_token_that_is_not_right_begins_no_session(
    app: Any, browser: AppClient, provider: FakeOpenId, database: Database, li_na: str
) -> None:
    for name, (forge, why) in FORGED.items():
        app.state.desk.trail._looks.clear()
        app.state.desk.sign_ins.succeeded("203.0.113.7", agent_id=None)
        provider.forge = forge(provider)
        answer = browser.get(go_there(browser))
        assert answer.status_code == 401, name
        assert "was not completed" in answer.text, name
        assert audit_of(app, database, "session.refused")[-1]["detail"]["why"] == f"provider: {why}", name
        assert browser.get("/").status_code == 303, name
    provider.forge = None
    app.state.desk.sign_ins.succeeded("203.0.113.7", agent_id=None)
    assert browser.get(go_there(browser)).status_code == 303


def test_a_wrong_state_a_replayed_code_and_another_browser_begin_no_session(
    app: Any, portal: Any, browser: AppClient, provider: FakeOpenId, clock: MovingClock, li_na: str
) -> None:
    # An answer that this browser did not ask for: another browser's, and one with a changed state.
    back = go_there(browser)
    assert AppClient(app, portal, headers=HTML).get(back).status_code == 401
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert browser.get(back.replace(state, "x" * len(state))).status_code == 401
    # The round is over after one answer, also a wrong one.
    assert browser.get(back).status_code == 401
    # A code counts once, even for a browser that kept its cookie.
    back = go_there(browser)
    cookies = dict(browser.cookies)
    assert browser.get(back).status_code == 303
    browser.cookies.clear()
    browser.cookies.update(cookies)
    assert browser.get(back).status_code == 401
    # An answer that names another provider, or comes too late, or is a refusal.
    back = go_there(browser)
    assert browser.get(back.replace("iss=", "iss=https%3A%2F%2Fevil.example&was=")).status_code == 401
    back = go_there(browser)
    clock.move(timedelta(minutes=11))
    assert browser.get(back).status_code == 401
    back = go_there(browser).replace("code=", "error=access_denied&was=")
    assert "was not completed" in browser.get(back).text


def test_only_an_agent_of_this_desk_gets_in(
    app: Any, browser: AppClient, provider: FakeOpenId, database: Database, li_na: str
) -> None:
    def refused(**user: Any) -> str:
        provider.user = {"sub": "248289761001", "email": "li.na@wallet.example", **user}
        app.state.desk.trail._looks.clear()
        app.state.desk.sign_ins.succeeded("203.0.113.7", agent_id=None)
        answer = browser.get(go_there(browser))
        assert (answer.status_code, "has no access to this desk" in answer.text) == (401, True)
        return str(audit_of(app, database, "session.refused")[-1]["detail"]["why"])

    assert refused(email="stranger@wallet.example") == "provider: agent"
    assert refused(email="") == "provider: claim"
    assert refused(email=["li.na@wallet.example"]) == "provider: claim"
    assert refused(email_verified=False) == "provider: unverified"
    # The address goes to another person later: the account is another one.
    provider.user = {"sub": "248289761001", "email": "LI.NA@wallet.example", "email_verified": True}
    assert browser.get(go_there(browser)).status_code == 303
    assert refused(sub="another") == "provider: account"
    with database.write() as connection:
        release_account(connection, name=li_na)
    provider.user = {"sub": "another", "email": "li.na@wallet.example"}
    assert browser.get(go_there(browser)).status_code == 303
    with database.write() as connection:
        revoke_agent(connection, name=li_na)
    assert refused(sub="another") == "provider: agent"
    assert browser.get("/").status_code == 303


def test_an_agent_who_is_away_signs_in_as_by_password(
    browser: AppClient, provider: FakeOpenId, database: Database, clock: MovingClock, li_na: str
) -> None:
    with database.write() as connection:
        set_absence(connection, name=li_na, away_from=clock(), away_until=clock() + timedelta(days=3))
    assert browser.get(go_there(browser)).headers["location"] == "/quarantine"


@pytest.mark.parametrize(
    "more",
    [
        """
role_claim = "groups"
roles = { leads = "supervisor", support = "agent" }
team_claim = "groups"
teams = { pay = "payments", "r-team" = "risk" }
"""
    ],
)
def test_claims_set_role_and_teams_and_no_team_is_not_every_team(
    app: Any, browser: AppClient, provider: FakeOpenId, database: Database, li_na: str
) -> None:
    def enter(*groups: str) -> int:
        app.state.desk.sign_ins.succeeded("203.0.113.7", agent_id=None)
        provider.user["groups"] = list(groups)
        return browser.get(go_there(browser)).status_code

    def standing() -> tuple[str, list[str]]:
        with database.read() as connection:
            return list_agents(connection)[0].role, sorted(duties(connection)[li_na].skills[SkillKind.TEAM])

    assert (enter("support", "pay", "canteen"), standing()) == (303, ("agent", ["payments"]))
    assert (enter("support", "leads", "pay", "r-team"), standing()) == (303, ("supervisor", ["payments", "risk"]))
    assert [row["detail"] for row in audit_of(app, database, "agent.provider_set")] == [
        {"teams": "payments"},
        {"role": "supervisor", "teams": "payments, risk"},
    ]
    # No group that means a role, and a role with teams without one: neither gets in, nor changes anything.
    assert (enter("canteen"), enter("support", "canteen")) == (401, 401)
    assert standing() == ("supervisor", ["payments", "risk"])


@pytest.mark.parametrize("more", ["passwords = false", 'agent_claim = "preferred_username"'])
def test_passwords_may_be_off_and_another_claim_may_name_the_agent(
    browser: AppClient, provider: FakeOpenId, database: Database, li_na: str, more: str
) -> None:
    with database.write() as connection:
        set_password(connection, name=li_na, password="correct horse battery")
    off = "passwords" in more
    assert ('id="by-password"' in browser.get("/sign-in").text) is not off
    given = send(browser, "/sign-in/password", name=li_na, password="correct horse battery")
    assert given.status_code == (404 if off else 200)
    provider.user = {"sub": "1", "preferred_username": "Li Na", "email": "li.na@wallet.example"}
    assert browser.get(go_there(browser)).status_code == 303


def test_a_new_key_of_the_provider_is_fetched_and_a_silent_provider_leaves_the_other_ways(
    browser: AppClient, provider: FakeOpenId, li_na: str
) -> None:
    assert browser.get(go_there(browser)).status_code == 303
    provider.key, provider.kid = make_key(1), "key-2"
    assert browser.get(go_there(browser)).status_code == 303
    back = go_there(browser)
    provider.stop()
    answer = browser.get(back)
    assert (answer.status_code, "does not answer" in answer.text, 'id="by-token"' in answer.text) == (503, True, True)


def test_no_token_code_or_secret_is_in_a_log_or_the_trail(
    app: Any, browser: AppClient, provider: FakeOpenId, database: Database, li_na: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        back = go_there(browser)
        assert browser.get(back).status_code == 303
        again = go_there(browser)
        code = parse_qs(urlsplit(again).query)["code"][0]
        provider.codes.pop(code)
        assert browser.get(again).status_code == 401
    app.state.desk.trail.flush()
    with database.read() as connection:
        trail = str(list(connection.execute(sa.select(table_of(AuditRow))).mappings()))
    # httpx is the browser of this test, and logs what it asks for.
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    written = f"{lines} {ours} {trail}"
    secrets = (code, parse_qs(urlsplit(back).query)["code"][0], SECRET, provider.tokens[0], "code_verifier")
    assert [secret for secret in secrets if secret in written] == []
