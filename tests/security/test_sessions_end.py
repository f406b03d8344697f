"""Sessions end on the server, and signing in cannot be tried without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from store.db.engine import Database
from store.desk.agents import add_agent, change_role, revoke_agent
from tests.api.conftest import MovingClock
from tests.app_client import AppClient, started

SAME = {"Sec-Fetch-Site": "same-origin"}
LIST = "/api/v1/conversations"


@pytest.fixture
def stolen(browser: AppClient, app: FastAPI, portal: BlockingPortal) -> Iterator[AppClient]:
    """A copy of the cookie of `browser`, in another process of the desk."""
    desk = app.state.desk
    with started(create_app(desk.settings, database=desk.database, now=desk.now), portal) as process:
        other = AppClient(process, portal)
        other.cookies.update(browser.cookies)
        assert other.get(LIST).status_code == 200
        yield other


def test_a_copied_cookie_ends_with_the_sign_out(
    browser: AppClient, stolen: AppClient, portal: BlockingPortal, app: FastAPI, token_of: Callable[[str], str]
) -> None:
    second = AppClient(app, portal)
    assert second.post("/sign-in", data={"token": token_of("agent")}, headers=SAME).status_code == 303
    assert browser.post("/sign-out", headers=SAME).status_code == 303
    assert stolen.get(LIST).status_code == 401
    # Another browser of the same agent goes on.
    assert second.get(LIST).status_code == 200
    assert second.post("/sign-out", headers=SAME).status_code == 303


def test_a_new_role_ends_the_sessions_and_the_old_role_revives_none(stolen: AppClient, database: Database) -> None:
    with database.write() as connection:
        change_role(connection, name="the agent", role="agent")
    assert stolen.get(LIST).status_code == 200
    for role in ("viewer", "agent"):
        with database.write() as connection:
            change_role(connection, name="the agent", role=role)
        assert stolen.get(LIST).status_code == 401


def test_a_revocation_ends_the_sessions(stolen: AppClient, database: Database) -> None:
    with database.write() as connection:
        revoke_agent(connection, name="the agent")
    assert stolen.get(LIST).status_code == 401


def _attempt(client: AppClient, token: str, *, address: str) -> tuple[int, str]:
    headers = SAME | {"X-Forwarded-For": address}
    answer = client.post("/sign-in", data={"token": token}, headers=headers)
    return answer.status_code, answer.headers.get("retry-after", "")


def test_an_address_that_fails_too_often_waits_and_no_other_does(
    app: FastAPI, portal: BlockingPortal, token_of: Callable[[str], str], clock: MovingClock
) -> None:
    proxied = AppClient(app, portal, peer="127.0.0.1")
    tried = [_attempt(proxied, f"oy_{number}", address="203.0.113.9") for number in range(12)]
    assert [status for status, _ in tried] == [401] * 10 + [429] * 2
    assert tried[-1][1] == "6"
    # The right token is not even looked at, from there; from elsewhere it is.
    assert _attempt(proxied, token_of("agent"), address="203.0.113.9")[0] == 429
    assert _attempt(proxied, token_of("agent"), address="203.0.113.10")[0] == 303
    clock.move(timedelta(seconds=6))
    assert _attempt(proxied, token_of("agent"), address="203.0.113.9")[0] == 303


def test_a_network_of_one_subscriber_counts_as_one_address(app: FastAPI, portal: BlockingPortal) -> None:
    proxied = AppClient(app, portal, peer="127.0.0.1")
    tried = [_attempt(proxied, "oy_x", address=f"2001:db8:0:7::{number:x}")[0] for number in range(11)]
    assert tried == [401] * 10 + [429]
    assert _attempt(proxied, "oy_x", address="2001:db8:0:8::1")[0] == 401


def test_the_secrets_of_one_agent_cannot_be_tried_from_many_addresses(
    app: FastAPI, portal: BlockingPortal, token_of: Callable[[str], str], database: Database
) -> None:
    proxied = AppClient(app, portal, peer="127.0.0.1")
    wrong = token_of("agent")[:-1] + ("x" if token_of("agent")[-1] != "x" else "y")
    tried = [_attempt(proxied, wrong, address=f"198.51.100.{number}")[0] for number in range(31)]
    assert tried == [401] * 30 + [429]
    with database.write() as connection:
        token = add_agent(connection, name="another", role="agent")[1]
    assert _attempt(proxied, token, address="198.51.100.77")[0] == 303


def test_signing_in_rightly_is_never_counted(anonymous: AppClient, token_of: Callable[[str], str]) -> None:
    tried = [anonymous.post("/sign-in", data={"token": token_of("agent")}, headers=SAME) for _ in range(40)]
    assert {answer.status_code for answer in tried} == {303}


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Too many attempts failed. Try again in"), ("zh-CN", "登录失败次数过多，请在")]
)
def test_the_page_of_too_many_sign_ins_is_in_the_visitors_language(
    anonymous: AppClient, language: str, words: str
) -> None:
    headers = SAME | {"Accept": "text/html", "Accept-Language": language}
    *_, last = [anonymous.post("/sign-in", data={"token": "oy_wrong"}, headers=headers) for _ in range(11)]
    assert (last.status_code, words in last.text) == (429, True)
    assert int(last.headers["Retry-After"]) > 0
    # A program gets the problem, as ever.
    problem = anonymous.post("/sign-in", data={"token": "oy_wrong"}, headers=SAME)
    assert (problem.status_code, problem.json()["type"]) == (429, "urn:omniyard:problem:too-many-requests")


WRONG = "oy_" + "0" * 32 + "_" + "x" * 43


@pytest.mark.parametrize("wrong", [WRONG, "oy_no_token", "Bearer", "x" * 4000])
def test_tokens_that_fail_are_bounded_and_a_right_one_behind_the_same_address_is_served(
    app: FastAPI, portal: BlockingPortal, token_of: Callable[[str], str], wrong: str
) -> None:
    client = AppClient(app, portal, peer="203.0.113.9")

    def ask(token: str) -> httpx.Response:
        return client.get(LIST, headers={"Authorization": f"Bearer {token}"})

    answers = [ask(wrong) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0
    # Right ones are never counted, nor refused for the others' failures.
    assert {ask(token_of("agent")).status_code for _ in range(20)} == {200}
    assert ask(wrong).status_code == 429
    client = AppClient(app, portal, peer="203.0.113.10")
    assert ask(wrong).status_code == 401


def test_a_flood_of_wrong_tokens_under_an_agents_prefix_shuts_that_agent_out_of_nothing(
    app: FastAPI, portal: BlockingPortal, token_of: Callable[[str], str]
) -> None:
    token = token_of("agent")
    forged = f"{token[:36]}{'x' * 43}"
    for number in range(40):
        peer = AppClient(app, portal, peer=f"198.51.100.{number}")
        last = peer.get(LIST, headers={"Authorization": f"Bearer {forged}"})
    assert last.status_code == 429
    for peer in ("198.51.100.1", "192.0.2.1"):
        client = AppClient(app, portal, peer=peer)
        assert client.get(LIST, headers={"Authorization": f"Bearer {token}"}).status_code == 200
        # Nor out of the pages: wrong tokens of programs are counted apart.
        assert client.post("/sign-in", data={"token": token}, headers=SAME).status_code == 303
