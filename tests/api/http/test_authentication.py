"""Tokens and sessions: authentication, and its expiry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from store.db.engine import Database
from store.desk.agents import find_by_token, list_agents, revoke_agent
from tests.api.conftest import MovingClock, settings_in
from tests.app_client import AppClient, started

LIST = "/api/v1/conversations"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer nonsense",
        "Bearer oy_00000000000000000000000000000000_" + "a" * 43,
        "Basic b3k6eA==",
        "oy_token",
        "Bearer é",
    ],
)
def test_a_request_without_a_valid_token_is_asked_for_one(anonymous: AppClient, header: str | None) -> None:
    answer = anonymous.get(LIST, headers={"Authorization": header.encode()} if header is not None else None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="omniyard"'
    assert answer.json()["type"] == "urn:omniyard:problem:unauthenticated"


def test_wrong_unknown_and_revoked_tokens_get_the_same_answer(
    anonymous: AppClient, database: Database, token_of: Callable[[str], str]
) -> None:
    token = token_of("agent")
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    tried = (wrong, "oy_" + "0" * 32 + "_" + "a" * 43)
    bodies = [anonymous.get(LIST, headers={"Authorization": f"Bearer {each}"}).json() for each in tried]
    with database.write() as connection:
        revoke_agent(connection, name="the agent")
    bodies.append(anonymous.get(LIST, headers={"Authorization": f"Bearer {token}"}).json())
    assert len({str(body | {"request_id": ""}) for body in bodies}) == 1


def test_a_token_in_the_address_is_worth_nothing(anonymous: AppClient, token_of: Callable[[str], str]) -> None:
    token = token_of("admin")
    assert anonymous.get(f"/api/v1/channels?access_token={token}&token={token}").status_code == 401


def test_a_token_stands_in_no_log_and_no_answer(
    client: AppClient, token_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    secret = token_of("admin").rpartition("_")[2]
    answers = [client.get(path) for path in (LIST, "/api/v1/channels", "/nowhere", f"{LIST}?cursor=x", "/readyz")]
    seen = capsys.readouterr()
    assert secret not in seen.out + seen.err + "".join(answer.text + str(answer.headers) for answer in answers)


def test_the_use_of_a_token_is_noted_but_not_each_time(
    client: AppClient, database: Database, clock: MovingClock
) -> None:
    def last_use() -> object:
        with database.read() as connection:
            return list_agents(connection)[0].last_used_at

    assert last_use() is None
    client.get(LIST)
    first = last_use()
    assert first is not None
    client.get(LIST)
    assert last_use() == first


def test_a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(
    anonymous: AppClient, token_of: Callable[[str], str]
) -> None:
    answer = anonymous.post("/sign-in", data={"token": token_of("agent"), "next": "/quarantine"}, headers=SAME)
    assert (answer.status_code, answer.headers["location"]) == (303, "/quarantine")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert token_of("agent").lower() not in cookie
    assert anonymous.get("/").status_code == 200


def test_over_https_the_cookie_is_bound_to_the_host(
    database: Database, tmp_path: Path, portal: BlockingPortal, token_of: Callable[[str], str]
) -> None:
    settings = settings_in(tmp_path, more='public_url = "https://desk.example"')
    with started(create_app(settings, database=database), portal) as app:
        client = AppClient(app, portal, base_url="https://desk.example")
        answer = client.post("/sign-in", data={"token": token_of("agent")}, headers=SAME)
        assert answer.headers["set-cookie"].startswith("__Host-omniyard=")
        assert "Secure" in answer.headers["set-cookie"]
        assert "Domain" not in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"]
        assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_changes_nothing(
    browser: AppClient, token_of: Callable[[str], str], headers: dict[str, str]
) -> None:
    assert browser.post("/sign-out", headers=headers).status_code == 403
    assert browser.post("/sign-in", data={"token": token_of("agent")}, headers=headers).status_code == 403
    order = {"ids": ["019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"]}
    assert browser.post("/api/v1/quarantine/replay", json=order, headers=headers).status_code == 403
    assert browser.get("/").status_code == 200


def test_a_form_of_our_own_origin_is_taken_from_browsers_that_say_no_more(
    anonymous: AppClient, token_of: Callable[[str], str]
) -> None:
    headers = {"Origin": "http://testserver"}
    assert anonymous.post("/sign-in", data={"token": token_of("agent")}, headers=headers).status_code == 303


def test_signing_out_takes_the_cookie_back(browser: AppClient) -> None:
    assert browser.post("/sign-out", headers=SAME).status_code == 303
    assert browser.get("/").headers["location"] == "/sign-in?next=%2F"


def test_a_wrong_token_begins_nothing(anonymous: AppClient) -> None:
    answer = anonymous.post("/sign-in", data={"token": "oy_wrong"}, headers=SAME)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "oy_wrong" not in answer.text


@pytest.mark.parametrize("wished", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""])
def test_signing_in_leads_nowhere_else(anonymous: AppClient, token_of: Callable[[str], str], wished: str) -> None:
    answer = anonymous.post("/sign-in", data={"token": token_of("agent"), "next": wished}, headers=SAME)
    assert answer.headers["location"] == "/"


def test_an_idle_session_ends_and_a_used_one_goes_on_until_it_is_old(browser: AppClient, clock: MovingClock) -> None:
    for _ in range(28):
        clock.move(timedelta(minutes=25))
        assert browser.get("/").status_code == 200
    # Twelve hours after signing in it ends, however busy.
    clock.move(timedelta(minutes=25))
    assert browser.get("/").status_code == 303


def test_thirty_minutes_of_nothing_end_a_session_and_polling_is_nothing(browser: AppClient, clock: MovingClock) -> None:
    for _ in range(2):
        clock.move(timedelta(minutes=14))
        assert browser.get("/", headers={"X-Omniyard-Poll": "1"}).status_code == 200
    clock.move(timedelta(minutes=3))
    assert browser.get("/").status_code == 303


def test_a_revoked_agent_is_out_at_once(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        revoke_agent(connection, name="the agent")
    assert browser.get("/").status_code == 303


def test_a_cookie_that_was_changed_is_no_session(
    browser: AppClient, database: Database, token_of: Callable[[str], str]
) -> None:
    name, cookie = next(iter(browser.cookies.items()))
    with database.read() as connection:
        admin = find_by_token(connection, token_of("admin"))
    assert admin
    forged = [cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), "", "x" * 5000, cookie.replace(".", "|")]
    forged.append(admin.id.hex + cookie[32:])
    forged.append(cookie[:33] + str(int(cookie.split(".")[1]) + 9999) + cookie[cookie.index(".", 33) :])
    for each in forged:
        browser.cookies.clear()
        assert browser.get("/", headers={"Cookie": f"{name}={each}"}).status_code == 303, each


def test_two_applications_of_one_desk_share_their_sessions(
    browser: AppClient, app: FastAPI, portal: BlockingPortal
) -> None:
    desk = app.state.desk
    with started(create_app(desk.settings, database=desk.database, now=desk.now), portal) as process:
        other = AppClient(process, portal)
        other.cookies = browser.cookies
        assert other.get("/").status_code == 200
