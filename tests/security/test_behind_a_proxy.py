"""Behind a proxy: whose word about the client counts, which names are ours, and who reads metrics without a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI, Request

from api.app import create_app
from router.errors import ConfigError
from router.settings import read_settings
from store.db.engine import Database
from tests.api.conftest import settings_in
from tests.app_client import AppClient, started
from tests.desk import text_in

PUBLIC = 'public_url = "https://desk.example"\n'


@pytest.fixture
def desk_with(database: Database, tmp_path: Path, portal: BlockingPortal) -> Iterator[Callable[..., FastAPI]]:
    running = ExitStack()

    def make(more: str = "") -> FastAPI:
        created = create_app(settings_in(tmp_path / "data", more=more), database=database)
        app = running.enter_context(started(created, portal))

        @app.get("/peer")
        def peer(request: Request) -> dict[str, str]:
            return {"host": request.client.host if request.client else "", "scheme": request.url.scheme}

        return app

    with running:
        yield make


@pytest.mark.parametrize(
    ("proxies", "peer", "sent", "seen"),
    [
        (None, "127.0.0.1", "203.0.113.9", "203.0.113.9"),  # the default: a proxy on this machine
        (None, "::1", "203.0.113.9", "203.0.113.9"),
        (None, "198.51.100.7", "203.0.113.9", "198.51.100.7"),  # a stranger's own claim
        ("10.1.0.0/16", "10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.0.0/16", "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("10.1.0.0/16", "10.2.0.1", "203.0.113.9", "10.2.0.1"),
        ("10.1.0.0/16", "10.1.2.3", "6.6.6.6, 203.0.113.9, 10.1.9.9", "203.0.113.9"),  # the nearest that is no proxy
        ("fd00::7", "fd00::7", "203.0.113.9", "203.0.113.9"),
    ],
)
def test_only_a_proxy_of_ours_says_who_the_client_is(
    desk_with: Callable[..., FastAPI], portal: BlockingPortal, proxies: str | None, peer: str, sent: str, seen: str
) -> None:
    app = desk_with(f'trusted_proxies = ["{proxies}"]\n' if proxies else "")
    client = AppClient(app, portal, peer=peer)
    answer = client.get("/peer", headers={"X-Forwarded-For": sent, "X-Forwarded-Proto": "https"}).json()
    assert answer == {"host": seen, "scheme": "https" if seen == "203.0.113.9" else "http"}


@pytest.mark.parametrize("value", ['"10.0.0.1/8"', '"0.0.0.0/0"', '"::/0"', '"*"', '"proxy.internal"', "7"])
def test_a_proxy_is_named_by_an_address_or_a_network(tmp_path: Path, value: str) -> None:
    text = text_in(tmp_path).replace("[omniyard]", f"[omniyard]\ntrusted_proxies = [{value}]", 1)
    with pytest.raises(ConfigError, match="trusted_proxies"):
        read_settings(text)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("desk.example", 200),
        ("DESK.example:443", 200),
        ("localhost:8080", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("testserver", 421),
        ("evil.example", 421),
        ("desk.example.evil.example", 421),
        ("evil.example#desk.example", 421),
        ("desk.example:8443", 421),
        ("10.0.0.9:8080", 421),
        ("", 421),
    ],
)
def test_only_our_own_names_are_served(
    desk_with: Callable[..., FastAPI], portal: BlockingPortal, host: str, status: int
) -> None:
    client = AppClient(desk_with(PUBLIC), portal)
    assert client.get("/peer", headers={"Host": host}).status_code == status
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_a_refused_name_is_a_problem_like_any_other(desk_with: Callable[..., FastAPI], portal: BlockingPortal) -> None:
    answer = AppClient(desk_with(PUBLIC), portal).get("/api/v1/conversations", headers={"Host": "evil.example"})
    assert answer.json()["type"] == "urn:omniyard:problem:misdirected"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_desk_without_a_public_name_takes_any(desk_with: Callable[..., FastAPI], portal: BlockingPortal) -> None:
    assert AppClient(desk_with(), portal).get("/peer", headers={"Host": "anything"}).status_code == 200


@pytest.mark.parametrize(
    ("more", "headers", "status"),
    [
        ("", {}, 200),
        (PUBLIC, {}, 401),  # a proxy stands before it, whether it says so or not
        ("", {"Host": "desk.example"}, 401),  # a name that leads elsewhere
        ("", {"X-Forwarded-Proto": "https"}, 401),
        ("", {"X-Forwarded-Host": "desk.example"}, 401),
        ("", {"Via": "1.1 proxy"}, 401),
        ("", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ("", {"Forwarded": "for=127.0.0.1"}, 401),
    ],
)
def test_metrics_want_a_token_unless_this_machine_asks_a_desk_without_a_proxy(
    desk_with: Callable[..., FastAPI], portal: BlockingPortal, more: str, headers: dict[str, str], status: int
) -> None:
    neighbour = AppClient(desk_with(more), portal, peer="127.0.0.1", base_url="http://127.0.0.1:8080")
    assert neighbour.get("/metrics", headers=headers).status_code == status


def test_a_form_is_taken_from_the_public_name_and_from_no_other(
    desk_with: Callable[..., FastAPI], portal: BlockingPortal, token_of: Callable[[str], str]
) -> None:
    # The proxy speaks http with us; the browser sees https.
    client = AppClient(desk_with(PUBLIC), portal, base_url="http://desk.example", peer="127.0.0.1")
    form = {"token": token_of("agent")}
    for origin, status in (("https://desk.example", 303), ("https://evil.example", 403), ("https://", 403)):
        assert client.post("/sign-in", data=form, headers={"Origin": origin}).status_code == status
